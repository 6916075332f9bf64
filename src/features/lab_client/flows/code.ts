/** The authorization code flow of a public client, with PKCE. */
import { generatePkce } from '../../../auth/pkce.ts'
import type { Context } from '../../../contracts/context.ts'
import type { RunFlow, Values } from '../flow.ts'
import {
  authorizeStep,
  discoverStep,
  logoutStep,
  refreshStep,
  revokeStep,
  tokenStep,
  userinfoStep,
} from '../steps.ts'

/** The random values of a client before it sends a browser away. */
export const newRequest = ({ random }: Context): Values => ({
  state: random(18),
  nonce: random(18),
  ...generatePkce(random),
  logout_state: random(18),
})

export const code: RunFlow = {
  name: 'code',
  title: 'Authorization code with PKCE',
  about:
    'A public client, such as a single-page or mobile application: sign-in, tokens, userinfo, refresh, revocation, sign-out.',
  rule: 'RFC 6749 §4.1',
  client: 'public',
  begin: newRequest,
  steps: [discoverStep, authorizeStep, tokenStep, userinfoStep, refreshStep, revokeStep, logoutStep],
}
