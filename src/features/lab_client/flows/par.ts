/** Pushed authorization requests: the browser carries a reference alone. */
import { type RunFlow, kept, type RunStep } from '../flow.ts'
import {
  authorizeStep,
  codeRequest,
  formAs,
  pathOf,
  refreshStep,
  succeeded,
  tokenStep,
  userinfoStep,
} from '../steps.ts'
import { newRequest } from './code.ts'

const push: RunStep = {
  name: 'push',
  title: 'Push the request to the provider',
  about:
    'The client sends the parameters itself and authenticates. What the browser carries cannot be changed on its way, and does not end in histories.',
  rule: 'RFC 9126 §2.1',
  tries: [
    'Change redirect_uri: the client hears of it at once, without a browser.',
    'Change the credentials.',
    'Add request_uri=a under “More parameters”.',
  ],
  by: 'client',
  draft: (making) =>
    formAs(making, pathOf(making.context, 'pushed_authorization_request'), codeRequest(making)),
  read: (_, answer) => ({
    values: kept(answer.members, ['request_uri']),
    findings: [succeeded(answer, 'RFC 9126 §2.2')],
  }),
}

const authorize: RunStep = {
  ...authorizeStep,
  about:
    'The browser carries client_id and the reference. The provider takes all other parameters from what was pushed.',
  rule: 'RFC 9126 §4',
  tries: [
    'Add scope=openid email phone under “More parameters”: a parameter beside the reference counts for nothing.',
    'Send the step twice: the reference is good for one answer.',
    'Change client_id: a reference is for the client that pushed it.',
  ],
  draft: ({ context, client, values }) => ({
    method: 'GET',
    path: pathOf(context, 'authorization'),
    headers: [],
    params: [
      ['client_id', client.client.client_id],
      ['request_uri', values.request_uri ?? ''],
    ],
  }),
}

export const par: RunFlow = {
  name: 'par',
  title: 'Pushed authorization request (PAR)',
  about: 'A confidential client pushes its request first; the browser carries a reference.',
  rule: 'RFC 9126 §1',
  client: 'confidential',
  begin: newRequest,
  steps: [push, authorize, tokenStep, userinfoStep, refreshStep],
}
