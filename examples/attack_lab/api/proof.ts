/** Whether a request proves the possession of the key that its token is bound to. https://www.rfc-editor.org/rfc/rfc9449#section-4.3 */
import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import { Refused } from './refused.ts'

/** Seconds for which a proof is good. */
const lifetime = 60

/** `seen` has the proofs that were used, by their `jti`. */
export async function requireProof(
  request: Request,
  { token, jkt, htu, seen }: { token: string; jkt: string; htu: string; seen: Set<string> },
): Promise<void> {
  const proof = request.headers.get('dpop')
  if (proof === null)
    throw new Refused('dpop', 'The token is bound to a key, and the request has no proof of it')
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: ['ES256'],
    maxTokenAge: lifetime,
    requiredClaims: ['jti'],
  }).catch((error: Error) => {
    throw new Refused('dpop', `The proof is not good: ${error.message}`)
  })
  const right = {
    htm: request.method,
    htu,
    ath: createHash('sha256').update(token).digest('base64url'),
  }
  for (const [name, value] of Object.entries(right))
    if (payload[name] !== value)
      throw new Refused('dpop', `The proof is for another request: ${name} differs`)
  if ((await calculateJwkThumbprint(protectedHeader.jwk!)) !== jkt)
    throw new Refused('dpop', 'The proof is of another key')
  if (seen.has(payload.jti!)) throw new Refused('dpop', 'The proof was used before')
  seen.add(payload.jti!)
}
