/** A client that acts for itself: with a secret, and with a key. */
import { equal, type RunFlow, kept, type RunStep } from '../flow.ts'
import { formAs, pathOf, succeeded } from '../steps.ts'

const tokenStep: RunStep = {
  name: 'token',
  title: 'Get a token for the client itself',
  about: 'No End-User takes part. The client authenticates, and the token is about the client.',
  rule: 'RFC 6749 §4.4',
  tries: [
    'Change one character of the credentials.',
    'Set scope=openid under “More parameters”: a client without an End-User has no claims about one.',
    'Take the credentials out, and send client_id alone.',
  ],
  by: 'client',
  draft: (making) => formAs(making, pathOf(making.context, 'token'), [['grant_type', 'client_credentials']]),
  read: (_, answer) => ({
    values: kept(answer.members, ['access_token', 'token_type', 'scope']),
    findings: [
      succeeded(answer, 'RFC 6749 §4.4.3'),
      {
        held: answer.members.refresh_token === undefined,
        about: 'There is no refresh token: the client can ask again at any time.',
        rule: 'RFC 6749 §4.4.3',
      },
    ],
  }),
}

const withAssertion: RunStep = {
  ...tokenStep,
  about:
    'The client signs a short-lived assertion with its private key. The provider knows the public key alone, so a copy of its store is of no use to a thief.',
  rule: 'RFC 7523 §2.2',
  tries: [
    'Sign with another key, or without a signature.',
    'Change aud: an assertion for another server is refused.',
    'Set exp into the past.',
    'Put alg to none or HS256 in the header: the key decides the algorithm.',
  ],
}

const isActive = (wanted: boolean): RunStep['read'] => {
  const about = wanted ? 'The token is active.' : 'The token is not active any more.'
  return (_, answer) => ({
    findings: [
      succeeded(answer, 'RFC 7662 §2.2'),
      equal(about, 'RFC 7662 §2.2', { expected: `${wanted}`, came: `${String(answer.members.active)}` }),
    ],
  })
}

const introspectStep: RunStep = {
  name: 'introspect',
  title: 'Ask whether the token is active',
  about:
    'An API that cannot read a token asks the provider. The answer says for whom the token is, and until when.',
  rule: 'RFC 7662 §2.1',
  tries: ['Send any text as token: the answer is the same for what is unknown, expired and revoked.'],
  by: 'client',
  draft: (making) =>
    formAs(making, pathOf(making.context, 'introspection'), [['token', making.values.access_token ?? '']]),
  read: isActive(true),
}

const revokeStep: RunStep = {
  name: 'revoke',
  title: 'Revoke the token',
  about: 'The client gives the token back.',
  rule: 'RFC 7009 §2.1',
  tries: ['Revoke it twice: the second answer is the same.'],
  by: 'client',
  draft: (making) =>
    formAs(making, pathOf(making.context, 'revocation'), [['token', making.values.access_token ?? '']]),
  read: (_, answer) => ({ findings: [succeeded(answer, 'RFC 7009 §2.2')] }),
}

const again: RunStep = {
  ...introspectStep,
  name: 'introspect_again',
  title: 'Ask again',
  tries: [],
  read: isActive(false),
}

export const clientCredentials: RunFlow = {
  name: 'client_credentials',
  title: 'Client credentials',
  about: 'A service that calls an API for itself: token, introspection, revocation.',
  rule: 'RFC 6749 §4.4',
  client: 'confidential',
  steps: [tokenStep, introspectStep, revokeStep, again],
}

export const privateKeyJwt: RunFlow = {
  name: 'private_key_jwt',
  title: 'A client with a key (private_key_jwt)',
  about: 'The client authenticates with a signed assertion in place of a secret.',
  rule: 'RFC 7523 §2.2',
  client: 'keys',
  steps: [withAssertion, introspectStep, revokeStep, again],
}
