/** Whether a request proves the possession of the key that its token is bound to. https://www.rfc-editor.org/rfc/rfc9449#section-4.3 */
import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import type { Nonces } from './nonce.ts'
import type { UseOnce } from './once.ts'
import { Refused } from './refusal.ts'

export const proofAlgs: readonly string[] = ['ES256', 'EdDSA', 'Ed25519', 'PS256']

/** Seconds: how old a proof may be, and by how much the clock of its client may be off. */
const leeway = 60
const longest = 4_096

interface Checks {
  /** The origin of this API as its clients know it, and never that of a `Host` header. */
  origin: string
  nonces: Nonces
  useOnce: UseOnce
}

const bad = (why: string) => new Refused(401, 'invalid_dpop_proof', why)

/** `token` was checked before: a proof is remembered only for a client that has a good token. */
export async function requireProof(
  request: Request,
  token: string,
  jkt: string,
  { origin, nonces, useOnce }: Checks,
): Promise<void> {
  const proof = request.headers.get('dpop')
  if (proof === null) throw bad('the token is bound to a key, and there is no proof')
  // Several headers arrive as one, with commas between them.
  if (proof.length > longest || proof.includes(',')) throw bad('expected one proof of usual length')
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: [...proofAlgs],
    clockTolerance: leeway,
    maxTokenAge: leeway,
    requiredClaims: ['jti', 'htm', 'htu', 'iat', 'ath'],
  }).catch((error: Error) => {
    throw bad(error.message)
  })
  const { jti, htm, htu, ath, nonce } = payload
  if (typeof jti !== 'string' || jti.length > 200) throw bad('jti is no string of usual length')
  if (htm !== request.method) throw bad('htm names another method')
  if (withoutQuery(htu) !== `${origin}${new URL(request.url).pathname}`)
    throw bad('htu names another address')
  if (ath !== createHash('sha256').update(token).digest('base64url')) throw bad('ath is of another token')
  if ((await calculateJwkThumbprint(protectedHeader.jwk!)) !== jkt) throw bad('the proof is of another key')
  if (!nonces.isGood(nonce)) throw new Refused(401, 'use_dpop_nonce', 'no nonce of ours, or an old one')
  if (!(await useOnce(jkt, jti))) throw bad('the proof was used before')
}

function withoutQuery(uri: unknown): string | undefined {
  const url = typeof uri === 'string' ? URL.parse(uri) : null
  return url && url.username === '' && url.password === '' ? `${url.origin}${url.pathname}` : undefined
}
