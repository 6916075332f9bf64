/** Backchannel authentication (CIBA): the client asks, and the End-User answers on a device of their own. */
import { type RunFlow, kept, type RunStep } from '../flow.ts'
import { formAs, pathOf, readTokens, succeeded, userinfoStep } from '../steps.ts'

const begin: RunStep = {
  name: 'request',
  title: 'Ask for the End-User',
  about:
    'The client names the End-User, for example at a counter or on the telephone. No browser of the End-User is at the client.',
  rule: 'OpenID Connect CIBA §7.1',
  tries: [
    'Write a username that does not exist into login_hint.',
    'Change binding_message: both devices show it, so that the End-User can compare.',
    'Add id_token_hint=a under “More parameters”: exactly one hint is accepted.',
  ],
  by: 'client',
  draft: (making) =>
    formAs(making, pathOf(making.context, 'backchannel_authentication'), [
      ['scope', 'openid profile'],
      ['login_hint', 'alice'],
      ['binding_message', `Window ${making.values.window ?? ''}`],
    ]),
  read: (_, answer) => ({
    values: kept(answer.members, ['auth_req_id']),
    findings: [succeeded(answer, 'OpenID Connect CIBA §7.3')],
  }),
}

const answer: RunStep = {
  name: 'person',
  title: 'Answer as the End-User',
  about:
    'The End-User signs in on a device of their own, compares the message, and allows or denies the request. A request that the End-User did not expect is phishing.',
  rule: 'OpenID Connect CIBA §8',
  tries: [],
  by: 'person',
  draft: ({ context }) => ({ method: 'GET', path: pathOf(context, 'approvals'), headers: [], params: [] }),
  read: () => ({ findings: [] }),
}

const poll: RunStep = {
  name: 'token',
  title: 'Poll for the tokens',
  about:
    'The client asks with auth_req_id, and waits for the interval between two requests. It is bound to this client: no other client can use it.',
  rule: 'OpenID Connect CIBA §10.1',
  tries: [
    'Poll before the End-User has answered.',
    'Deny the request, and poll.',
    'Poll again after the tokens.',
  ],
  by: 'client',
  draft: (making) =>
    formAs(making, pathOf(making.context, 'token'), [
      ['grant_type', 'urn:openid:params:grant-type:ciba'],
      ['auth_req_id', making.values.auth_req_id ?? ''],
    ]),
  read: (making, came) => readTokens(making, came, { rule: 'OpenID Connect CIBA §10.1.1' }),
}

export const ciba: RunFlow = {
  name: 'ciba',
  title: 'Backchannel authentication (CIBA)',
  about:
    'The client names the End-User, and the End-User approves on another device. No redirect takes part.',
  rule: 'OpenID Connect CIBA §5',
  client: 'confidential',
  begin: ({ random }) => ({ window: random(3) }),
  steps: [begin, answer, poll, userinfoStep],
}
