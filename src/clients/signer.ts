/** The key that signs what a client receives: by the algorithm that it registered. https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata */
import { OAuthError } from '../auth/errors.ts'
import type { SigningAlg } from '../auth/jwk.ts'
import type { SigningKey } from '../auth/jws.ts'
import type { Context } from '../contracts/context.ts'
import type { Client } from '../models/client.ts'

/** RS256 (OpenID Connect Registration §2, JARM §3, RFC 9701 §6), or the first of SIGNING_ALGS without it. */
export const defaultSigningAlg = ({ config }: Pick<Context, 'config'>): SigningAlg =>
  config.signingAlgs.includes('RS256') ? 'RS256' : config.signingAlgs[0]!

/** Throws `unauthorized_client` for a client that registered an algorithm which SIGNING_ALGS no longer has. */
export function signerFor(
  context: Context,
  member: string,
  alg: SigningAlg = defaultSigningAlg(context),
): SigningKey {
  const { signingAlgs } = context.config
  if (signingAlgs.includes(alg)) return context.keys.signer(alg)
  throw new OAuthError('unauthorized_client', {
    rule: 'OpenID Connect Registration §2',
    expected: `${member} is among SIGNING_ALGS: ${signingAlgs.join(', ')}`,
    came: alg,
    problem: `the client registered ${member} ${alg}, with which this provider does not sign`,
    next: `register another ${member}, or add ${alg} to SIGNING_ALGS`,
  })
}

/**
 * Throws SignerUnavailable while a key that the tokens of this client need is known to give no signature, so that no code and
 * no refresh token is used up in vain.
 */
export function requireSigners(context: Context, client: Client, scope: readonly string[]): void {
  const { config, keys } = context
  const format = client.access_token_format ?? config.accessTokenFormat
  const algs = [
    ...(format === 'jwt' ? [config.accessTokenAlg] : []),
    ...(scope.includes('openid') ? [client.id_token_signed_response_alg ?? defaultSigningAlg(context)] : []),
  ]
  for (const alg of algs) {
    const outage = keys.outage(alg)
    if (outage) throw outage
  }
}
