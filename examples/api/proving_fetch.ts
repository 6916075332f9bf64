/** The client's side of DPoP: a `fetch` that proves the possession of a key with each request. https://www.rfc-editor.org/rfc/rfc9449 */
import { createHash, randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

/** `token` goes into the Authorization header; without it the request is for a token. */
type Init = RequestInit & { token?: string }

/** A function makes the request anew for each try, where it has what is good once, such as a client assertion. */
export type ProvingFetch = (url: string, init?: Init | (() => Promise<Init>)) => Promise<Response>

/** Servers whose latest nonce is kept. */
const mostNonces = 100

/** The key is made here and cannot be exported: a copy of all that this program sent is of no use without it. */
export async function createProvingFetch(through: typeof fetch = fetch): Promise<ProvingFetch> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  const nonces = new Map<string, string>()

  async function proof(url: URL, method: string, token: string | undefined): Promise<string> {
    const nonce = nonces.get(url.origin)
    const ath = token === undefined ? undefined : createHash('sha256').update(token).digest('base64url')
    return new SignJWT({ htm: method, htu: `${url.origin}${url.pathname}`, jti: randomUUID(), ath, nonce })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .setIssuedAt()
      .sign(privateKey)
  }

  async function once(url: URL, { token, ...init }: Init): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('dpop', await proof(url, init.method ?? 'GET', token))
    if (token !== undefined) headers.set('authorization', `DPoP ${token}`)
    const answer = await through(url, { ...init, headers, redirect: 'manual' })
    const nonce = answer.headers.get('dpop-nonce')
    if (nonce !== null) {
      if (nonces.size >= mostNonces) nonces.clear()
      nonces.set(url.origin, nonce)
    }
    return answer
  }

  return async (address, init = {}) => {
    const url = new URL(address)
    const known = nonces.get(url.origin)
    const made = async () => (typeof init === 'function' ? init() : init)
    const answer = await once(url, await made())
    // A refusal with another nonce asks for one more try (§8, §9), and for no third one.
    const refused = answer.status === 400 || answer.status === 401
    if (!refused || nonces.get(url.origin) === known) return answer
    await answer.body?.cancel()
    return once(url, await made())
  }
}
