/** The device authorization grant: the End-User answers on another device. */
import { type RunFlow, kept, type RunStep } from '../flow.ts'
import { formAs, pathOf, readTokens, succeeded, userinfoStep } from '../steps.ts'

const begin: RunStep = {
  name: 'device_authorization',
  title: 'Begin on the device',
  about:
    'The device has no browser. It gets a code for itself, and a short one that the End-User types elsewhere.',
  rule: 'RFC 8628 §3.1',
  tries: ['Change scope.', 'Change client_id to one that is not registered for this grant.'],
  by: 'client',
  draft: (making) =>
    formAs(making, pathOf(making.context, 'device_authorization'), [['scope', 'openid profile']]),
  read: (_, answer) => ({
    values: kept(answer.members, ['device_code', 'user_code', 'verification_uri']),
    findings: [succeeded(answer, 'RFC 8628 §3.2')],
  }),
}

const poll: RunStep = {
  name: 'token',
  title: 'Poll for the tokens',
  about:
    'The device asks again and again, and waits for the interval between two requests. Before the End-User has answered, the answer is authorization_pending.',
  rule: 'RFC 8628 §3.4',
  tries: [
    'Poll before the End-User has answered, and twice at once: slow_down.',
    'Poll again after the tokens: the code is used up.',
  ],
  by: 'client',
  draft: (making) =>
    formAs(making, pathOf(making.context, 'token'), [
      ['grant_type', 'urn:ietf:params:oauth:grant-type:device_code'],
      ['device_code', making.values.device_code ?? ''],
    ]),
  read: (making, answer) => readTokens(making, answer, { rule: 'RFC 8628 §3.5' }),
}

const answer: RunStep = {
  name: 'person',
  title: 'Answer as the End-User',
  about:
    'On a phone or a computer, the End-User opens the page of the provider and compares the code with that of the device. A code that another person sent you gives your access to the device of that person: that is device-code phishing.',
  rule: 'RFC 8628 §3.3',
  tries: [],
  by: 'person',
  draft: ({ context, values }) => ({
    method: 'GET',
    path: pathOf(context, 'device_verification'),
    headers: [],
    params: values.user_code === undefined ? [] : [['user_code', values.user_code]],
  }),
  read: () => ({ findings: [] }),
}

export const device: RunFlow = {
  name: 'device',
  title: 'Device authorization',
  about: 'A television or a command without a browser. The End-User signs in on another device.',
  rule: 'RFC 8628 §3',
  client: 'public',
  steps: [begin, answer, poll, userinfoStep],
}
