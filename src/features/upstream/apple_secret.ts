/** The client secret for Apple: a JWT that is signed with the operator's private key. https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret */
import type { Context } from '../../contracts/context.ts'
import { readKey } from './problems.ts'
import { UpstreamError } from './request.ts'
import type { Upstream } from './settings.ts'
import { seconds } from '../../lib/clock.ts'

/** Apple accepts up to six months. Here each secret is made for one request. */
const lifetimeSeconds = 300

/** Throws UpstreamError if the key cannot be used. */
export async function appleSecret(context: Context, { appleKey, clientId, base }: Upstream): Promise<string> {
  const { SignJWT } = await import('jose')
  const now = seconds(context.clock)
  try {
    const key = readKey(appleKey!.privateKey)
    return await new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: appleKey!.keyId })
      .setIssuer(appleKey!.teamId)
      .setSubject(clientId)
      .setAudience(base)
      .setIssuedAt(now)
      .setExpirationTime(now + lifetimeSeconds)
      .sign(key)
  } catch {
    // The library's message may contain the key.
    throw new UpstreamError('refused', 'UPSTREAM_APPLE_PRIVATE_KEY is not a P-256 key in PEM')
  }
}
