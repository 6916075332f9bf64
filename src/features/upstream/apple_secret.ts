/** The client secret of Apple: a JWT signed with a key of ours. https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret */
import type { Context } from '../../contracts/context.ts'
import { readKey } from './problems.ts'
import { UpstreamError } from './request.ts'
import type { Upstream } from './settings.ts'

/** Seconds; Apple takes up to six months, and each of ours serves one request. */
const lifetimeSeconds = 300

/** Throws UpstreamError when the key is none that fits. */
export async function appleSecret(context: Context, { appleKey, clientId, base }: Upstream): Promise<string> {
  const { SignJWT } = await import('jose')
  const now = Math.floor(context.clock.now() / 1000)
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
    // The library's words may quote the key.
    throw new UpstreamError('refused', 'UPSTREAM_APPLE_PRIVATE_KEY is no P-256 key in PEM')
  }
}
