/** The key of a sign-in and its proofs: a token that is bound to it is of no use without the key. https://www.rfc-editor.org/rfc/rfc9449 */
import { createHash, randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

/** Headers that prove the possession of the key for one request. */
export type Prove = (method: string, url: string, accessToken?: string) => Promise<Record<string, string>>

export async function newProof(): Promise<Prove> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  return async (method, url, accessToken) => {
    const ath = accessToken && createHash('sha256').update(accessToken).digest('base64url')
    const proof = await new SignJWT({ htm: method, htu: url, ...(ath !== undefined && { ath }) })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .setJti(randomUUID())
      .setIssuedAt()
      .sign(privateKey)
    return { dpop: proof }
  }
}

/** bearer_tokens: no key and no proof, so that the token works for each program that has it. */
export const noProof: Prove = async () => ({})
