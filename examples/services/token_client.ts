/** A service at the token endpoint: it signs for itself (private_key_jwt), and each token is bound to a key of this process. */
import { randomUUID } from 'node:crypto'
import { importJWK, type JWK, SignJWT } from 'jose'
import { boundedText, metadataOf, Unavailable } from '../api/ask.ts'
import type { ProvingFetch } from '../api/proving_fetch.ts'
import { again } from './again.ts'
import { traceHeaders } from './trace.ts'

export interface Token {
  token: string
  /** Milliseconds since 1970. */
  until: number
}

/** The provider says no: it would say so again. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused'
  readonly code: string
  constructor(code: string) {
    super(`the provider gave no token: ${code}`)
    this.code = code
  }
}

export type TokenClient = (fields: Readonly<Record<string, string>>) => Promise<Token>

interface Options {
  issuer: string
  clientId: string
  /** Private key, ES256. In production it comes from where secrets are kept. */
  key: JWK
  send: ProvingFetch
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export function createTokenClient({ issuer, clientId, key, send }: Options): TokenClient {
  const metadata = metadataOf(issuer)
  const signingKey = importJWK(key, 'ES256')

  /** For this provider alone, for a minute, and good once: each try needs another one. */
  const assertion = async () =>
    new SignJWT({ iss: clientId, sub: clientId, aud: issuer, jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', ...(key.kid !== undefined && { kid: key.kid }) })
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(await signingKey)

  return async (fields) => {
    const { token_endpoint } = await metadata()
    const asked = Date.now()
    const made = async (signal: AbortSignal) => ({
      method: 'POST',
      body: new URLSearchParams({
        ...fields,
        client_id: clientId,
        client_assertion_type: assertionType,
        client_assertion: await assertion(),
      }),
      headers: traceHeaders(),
      signal,
    })
    const answer = await again((signal) => send(String(token_endpoint), () => made(signal))).catch(
      (error: Error) => {
        throw new Unavailable(`token endpoint: ${error.message}`, { cause: error })
      },
    )
    const said = await readJson(answer)
    if (answer.status === 400 || answer.status === 401) throw new TokenRefused(String(said.error))
    const { access_token, expires_in, token_type } = said
    if (answer.status !== 200 || typeof access_token !== 'string' || typeof expires_in !== 'number')
      throw new Unavailable(`token endpoint: status ${answer.status}`)
    if (token_type !== 'DPoP') throw new TokenRefused('the token is not bound to our key')
    return { token: access_token, until: asked + expires_in * 1000 }
  }
}

async function readJson(answer: Response): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await boundedText(answer)) as Record<string, unknown>
  } catch {
    return {} // an error page of a proxy
  }
}

/** A token for another service, for the End-User of the token that came. https://www.rfc-editor.org/rfc/rfc8693 */
export const exchangeOf = (subjectToken: string, resource: string, scope: string) => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token: subjectToken,
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  resource,
  scope,
})
