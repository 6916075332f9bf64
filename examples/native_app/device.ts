/** A sign-in on another device, where this machine has no browser: a server over SSH, a television. https://www.rfc-editor.org/rfc/rfc8628 */
import * as oidc from 'openid-client'
import { asked, audience, issuer, type SignedIn, signedIn } from './provider.ts'

export interface Shown {
  /** Where the person types the code. */
  url: string
  code: string
  /** Has the code in it; for a link or a QR code. */
  complete: string | undefined
}

/** The library waits between two polls as long as the provider says, and longer after `slow_down` (§3.5). */
export async function signInByDevice(
  config: oidc.Configuration,
  show: (shown: Shown) => void,
): Promise<SignedIn> {
  const waiting = await oidc.initiateDeviceAuthorization(config, asked())
  show({
    url: waiting.verification_uri,
    code: waiting.user_code,
    complete: waiting.verification_uri_complete,
  })
  return signedIn(config, await oidc.pollDeviceAuthorizationGrant(config, waiting, audience(issuer)))
}
