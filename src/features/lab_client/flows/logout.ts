/** Sign-out in all forms: begun by the client, and told to the client by the browser and by the provider. */
import type { Rule } from '../../../auth/rule.ts'
import type { RunFlow, RunStep } from '../flow.ts'
import { authorizeStep, logoutStep, tokenStep } from '../steps.ts'
import { newRequest } from './code.ts'

const toldStep = (words: { name: string; title: string; about: string; rule: Rule }): RunStep => ({
  ...words,
  tries: [],
  by: 'provider',
  draft: () => ({ method: 'GET', path: '/', headers: [], params: [] }),
  read: () => ({ findings: [] }),
})

const frontStep = toldStep({
  name: 'frontchannel',
  title: 'What the browser tells the client',
  about:
    'The page that says “signed out” loads frontchannel_logout_uri of each client in a frame that is not visible, with iss and sid. A browser that blocks cookies in frames, or that is closed too soon, tells nothing. What came is above, or among the earlier requests.',
  rule: 'OpenID Connect Front-Channel Logout §3',
})

const backStep = toldStep({
  name: 'backchannel',
  title: 'What the provider tells the client',
  about:
    'The provider posts a logout token to backchannel_logout_uri of each client, whatever the browser does. It calls no address of its own network by itself: this client is told where OUTBOUND_ALLOW_HOSTS has the host and port of the issuer.',
  rule: 'OpenID Connect Back-Channel Logout §2.5',
})

export const logout: RunFlow = {
  name: 'logout',
  title: 'Sign-out in all forms',
  about: 'The client signs the End-User out, and hears of it by front-channel and back-channel logout.',
  rule: 'OpenID Connect RP-Initiated Logout §2',
  client: 'logout',
  begin: newRequest,
  steps: [authorizeStep, tokenStep, logoutStep, frontStep, backStep],
}
