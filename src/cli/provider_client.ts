/** The HTTP requests of an OpenID Connect client, written out for readers; the test client uses them. https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowSteps */
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose'
import { leftHalfHash } from '../auth/token.ts'
import { Refusal } from './failure.ts'
import { withoutProxy } from './without_proxy.ts'

export interface Metadata {
  issuer: string
  authorization_endpoint: string
  token_endpoint: string
  jwks_uri: string
  userinfo_endpoint: string
  introspection_endpoint: string
  revocation_endpoint: string
}

export interface Credentials {
  clientId: string
  /** Undefined for a public client. */
  secret: string | undefined
}

export interface Tokens {
  access_token: string
  token_type: string
  expires_in: number
  scope?: string
  id_token?: string
  refresh_token?: string
}

type Json = Record<string, unknown>

/** Throws Refusal with `error` and `error_description` of the provider. */
async function read<T = Json>(response: Response, what: string): Promise<T> {
  const text = await response.text()
  const body = parse(text)
  if (response.ok && body !== undefined) return body as T
  const { error = '', error_description = '' } = (body ?? {}) as Json
  throw new Refusal(`${what} answered ${response.status} ${error} ${error_description}`.trimEnd())
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function reach(url: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(url, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.timeout(10_000),
      ...(url.startsWith('http:') && withoutProxy), // it would get the secret in plain text
    })
  } catch (error) {
    throw new Refusal(
      `${url} cannot be reached (${error instanceof Error ? error.message : String(error)}); is the provider running?`,
    )
  }
}

/** OpenID Connect Discovery §4.3: the `issuer` in the document must be the issuer that was asked. */
export async function discover(issuer: string): Promise<Metadata> {
  const metadata = await read<Metadata>(
    await reach(`${issuer}/.well-known/openid-configuration`),
    'discovery',
  )
  if (metadata.issuer !== issuer)
    throw new Refusal(`discovery: expected the issuer ${issuer}, got ${metadata.issuer}`)
  return metadata
}

export interface ProviderClient {
  redeem(fields: { code: string; redirect_uri: string; code_verifier: string }): Promise<Tokens>
  refresh(refreshToken: string): Promise<Tokens>
  introspect(token: string): Promise<Json>
  revoke(token: string): Promise<void>
  userinfo(accessToken: string): Promise<Json>
  /** The claims. Throws unless signature, issuer, audience, times, nonce and at_hash are valid. */
  verifyIdToken(tokens: Tokens, nonce: string | undefined): Promise<JWTPayload>
}

export function providerClient(metadata: Metadata, { clientId, secret }: Credentials): ProviderClient {
  /** RFC 6749 §2.3.1: both halves form-encoded before they are joined. */
  const authorization =
    secret === undefined
      ? undefined
      : `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`)}`
  const post = (url: string, fields: Record<string, string>): Promise<Response> =>
    reach(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(authorization !== undefined && { authorization }),
      },
      body: new URLSearchParams({
        ...fields,
        ...(secret === undefined && { client_id: clientId }),
      }).toString(),
    })
  const token = async (grant_type: string, fields: Record<string, string>): Promise<Tokens> =>
    read<Tokens>(
      await post(metadata.token_endpoint, { grant_type, ...fields }),
      `the token endpoint (${grant_type})`,
    )

  return {
    redeem: (fields) => token('authorization_code', fields),
    refresh: (refresh_token) => token('refresh_token', { refresh_token }),
    introspect: async (text) =>
      read(await post(metadata.introspection_endpoint, { token: text }), 'introspection'),
    async revoke(text) {
      const response = await post(metadata.revocation_endpoint, { token: text })
      if (!response.ok) await read(response, 'revocation')
    },
    userinfo: async (accessToken) =>
      read(
        await reach(metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${accessToken}` } }),
        'userinfo',
      ),
    async verifyIdToken({ id_token = '', access_token }, nonce) {
      const keys = await read<Parameters<typeof createLocalJWKSet>[0]>(
        await reach(metadata.jwks_uri),
        'the JWKS',
      )
      const { payload, protectedHeader } = await jwtVerify(id_token, createLocalJWKSet(keys), {
        issuer: metadata.issuer,
        audience: clientId,
        clockTolerance: 5,
      })
      if (nonce !== undefined && payload.nonce !== nonce)
        throw new Refusal('the nonce of the ID Token differs')
      if (payload.at_hash !== leftHalfHash(access_token, protectedHeader.alg))
        throw new Refusal('at_hash is not that of the access token')
      return payload
    },
  }
}

/** Header and payload of a JWT, unverified; undefined for an opaque token. */
export function decodeToken(token: string): { header: object; payload: object } | undefined {
  try {
    return { header: decodeProtectedHeader(token), payload: decodeJwt(token) }
  } catch {
    return undefined
  }
}
