/** Token exchange: a client turns a token into another one, with less scope or with the name of the actor. */
import { decodeJwt } from 'jose'
import { equal, type Finding, type RunFlow, kept, type RunStep } from '../flow.ts'
import { authorizeStep, formAs, pathOf, succeeded, tokenStep } from '../steps.ts'
import { newRequest } from './code.ts'

const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

const actorStep: RunStep = {
  name: 'actor',
  title: 'Get a token for the client itself',
  about: 'The actor token names the client that acts. It is a token of the client, without an End-User.',
  rule: 'RFC 6749 §4.4',
  tries: [],
  by: 'client',
  draft: (making) => formAs(making, pathOf(making.context, 'token'), [['grant_type', 'client_credentials']]),
  read: (_, answer) => {
    const { access_token } = kept(answer.members, ['access_token'])
    return {
      values: access_token === undefined ? {} : { actor_token: access_token },
      findings: [succeeded(answer, 'RFC 6749 §4.4.3')],
    }
  },
}

/** `act` of a JWT; nothing for an opaque token. */
function actorFindings(token: string | undefined, clientId: string): Finding[] {
  try {
    const act = token === undefined ? undefined : (decodeJwt(token).act as { sub?: unknown } | undefined)
    return act === undefined
      ? []
      : [equal('act names the actor.', 'RFC 8693 §4.1', { expected: clientId, came: act.sub })]
  } catch {
    return []
  }
}

const exchangeStep: RunStep = {
  name: 'exchange',
  title: 'Exchange the token',
  about:
    'The client sends the token of the End-User and its own. The new token has the scope that the next API needs, and names both: sub is the End-User, act is the client.',
  rule: 'RFC 8693 §2.1',
  tries: [
    'Set scope to one that the first token does not have: a copy can never do more.',
    'Put the ID Token in place of subject_token.',
    'Empty actor_token and actor_token_type: a client that narrows its own token is no actor.',
    'Change one character of subject_token.',
  ],
  by: 'client',
  draft: (making) =>
    formAs(making, pathOf(making.context, 'token'), [
      ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      ['subject_token', making.values.access_token ?? ''],
      ['subject_token_type', accessToken],
      ['actor_token', making.values.actor_token ?? ''],
      ['actor_token_type', accessToken],
      ['scope', 'openid'],
    ]),
  read: ({ client }, answer) => {
    const { access_token, scope } = kept(answer.members, ['access_token', 'scope'])
    return {
      values: access_token === undefined ? {} : { exchanged_token: access_token },
      findings: [
        succeeded(answer, 'RFC 8693 §2.2.1'),
        equal('issued_token_type says what the new token is.', 'RFC 8693 §2.2.1', {
          expected: accessToken,
          came: answer.members.issued_token_type,
        }),
        equal('The new token has the narrow scope alone.', 'RFC 8693 §2.2.1', {
          expected: 'openid',
          came: scope,
        }),
        ...actorFindings(access_token, client.client.client_id),
      ],
    }
  },
}

const useStep: RunStep = {
  name: 'userinfo',
  title: 'Use the new token',
  about: 'With the narrow scope, userinfo answers with sub alone.',
  rule: 'OpenID Connect Core §5.3',
  tries: ['Put the first token in its place, and compare the two answers.'],
  by: 'client',
  draft: ({ context, values }) => ({
    method: 'GET',
    path: pathOf(context, 'userinfo'),
    headers: [['authorization', `Bearer ${values.exchanged_token ?? ''}`]],
    params: [],
  }),
  read: (_, answer) => ({
    findings: [
      succeeded(answer, 'OpenID Connect Core §5.3.2'),
      {
        held: answer.members.name === undefined,
        about: 'The answer has no claims of the scope profile.',
        rule: 'OpenID Connect Core §5.4',
      },
    ],
  }),
}

export const tokenExchange: RunFlow = {
  name: 'token_exchange',
  title: 'Token exchange',
  about: 'A service calls another one for an End-User with a token that can do less, and that names both.',
  rule: 'RFC 8693 §1',
  client: 'confidential',
  begin: newRequest,
  steps: [authorizeStep, tokenStep, actorStep, exchangeStep, useStep],
}
