/** The proof in the DPoP header: what it must say, and that it is said once. https://www.rfc-editor.org/rfc/rfc9449#section-4.3 */
import type { JWK } from 'jose'
import { OAuthError } from '../../auth/errors.ts'
import { thumbprint } from '../../auth/jwk.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { sha256 } from '../../lib/hash.ts'

/** Asymmetric only; `none` and MACs prove no possession. */
const proofAlgs = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'Ed25519', 'EdDSA']

/** FAPI 2.0 leaves RS256 out; SIGNING_ALGS says what may be used, and stronger kin of it are fine. */
export const proofAlgsOf = ({ config }: Context): string[] =>
  proofAlgs.filter((alg) => alg !== 'RS256' || config.signingAlgs.includes('RS256'))

/** Seconds a proof is good for, either way: clocks of phones wander. */
const window = 60

export const invalidProof = (description: string) =>
  new OAuthError('invalid_dpop_proof', description, { status: 400 })

export interface Proof {
  jkt: string
  nonce: string | undefined
}

/** The one DPoP header, or undefined. Two are an error (§4.3 check 1). */
export function proofHeader(call: Call): string | undefined {
  const header = call.request.headers.get('dpop')
  if (header === null) return undefined
  if (header.includes(',')) throw invalidProof('exactly one DPoP header is expected, got several')
  return header.trim()
}

/**
 * Checks 2 to 12 of §4.3 but for the nonce, then that the proof was never seen: on any instance, in its lifetime.
 * `accessToken` is the one the request presents. Throws `invalid_dpop_proof`.
 */
export async function verifyProof(
  proof: string,
  call: Call,
  context: Context,
  accessToken?: string,
): Promise<Proof> {
  if (proof.length > 8_192) throw invalidProof('the proof is longer than 8192 characters')
  const { EmbeddedJWK, jwtVerify } = await import('jose')
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: proofAlgsOf(context),
    currentDate: new Date(context.clock.now()),
    clockTolerance: window,
  }).catch((error: Error) => {
    throw invalidProof(`the proof is not a JWT as RFC 9449 4.2 describes: ${error.message}`)
  })
  const { htm, htu, iat, jti, ath, nonce } = payload
  if (typeof jti !== 'string' || jti === '' || jti.length > 200)
    throw invalidProof('jti must be a string of at most 200 characters')
  if (htm !== call.method) throw invalidProof(`htm must be ${call.method}`)
  const targets = context.baseUrls.map((base) => withoutQuery(base + call.path))
  if (typeof htu !== 'string' || !targets.includes(withoutQuery(htu)))
    throw invalidProof(`htu must be ${context.config.issuer}${call.path}`)
  const age = context.clock.now() / 1000 - (iat ?? -Infinity)
  if (Math.abs(age) > window) throw invalidProof(`iat must be within ${window} seconds of now`)
  if (
    accessToken !== undefined &&
    (typeof ath !== 'string' || !equalInConstantTime(ath, sha256(accessToken)))
  )
    throw invalidProof('ath must be the SHA-256 of the access token')
  const jkt = thumbprint(protectedHeader.jwk as JWK)
  if (!(await context.store.create(`dpop:${sha256(`${jkt} ${jti}`)}`, '', 2 * window * 1000)))
    throw invalidProof('this proof was used before')
  return { jkt, nonce: typeof nonce === 'string' ? nonce : undefined }
}

/** §4.3: compared without query and fragment, after normalization. */
function withoutQuery(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined
  const url = new URL(uri)
  return url.username || url.password ? undefined : `${url.origin}${url.pathname}`
}
