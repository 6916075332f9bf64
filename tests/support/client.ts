/** A client at work: the requests of the code flow, written out so that a test can bend each part. */
import { generatePkce } from '../../src/auth/pkce.ts'
import { systemRandom } from '../../src/lib/random.ts'
import type { Client } from '../../src/models/client.ts'

/** Members of a client's record, those that features declare included. */
export type ClientMembers = Partial<Client> & Readonly<Record<string, unknown>>

export interface TestClient {
  client_id: string
  client_secret?: string
  redirect_uri: string
}

export const demo: TestClient = {
  client_id: 'client123',
  client_secret: 'secret456',
  redirect_uri: 'http://localhost:8080/callback',
}
export const browserClient: TestClient = {
  client_id: 'public-client',
  redirect_uri: 'http://localhost:8080/callback',
}

export type Json = Record<string, unknown>

/** An authorization URL and the verifier that goes with it. `undefined` takes a parameter out. */
export function authorizationUrl(
  issuer: string,
  client: TestClient,
  more: Record<string, string | undefined> = {},
) {
  const { code_verifier, code_challenge } = generatePkce(systemRandom)
  const params: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: client.redirect_uri,
    scope: 'openid profile email',
    state: systemRandom(9),
    nonce: systemRandom(9),
    code_challenge,
    code_challenge_method: 'S256',
    ...more,
  }
  const query = new URLSearchParams(
    Object.entries(params).filter((each): each is [string, string] => each[1] !== undefined),
  )
  return { url: `${issuer}/authorize?${query}`, code_verifier, params }
}

export const basic = (client: TestClient): Record<string, string> =>
  client.client_secret === undefined
    ? {}
    : { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` }

/** A form POST as the client: Basic when it has a secret, `client_id` in the body when it has none. */
export function formPost(
  client: TestClient,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): RequestInit {
  const body = new URLSearchParams({
    ...(client.client_secret === undefined && { client_id: client.client_id }),
    ...fields,
  })
  return {
    method: 'POST',
    body: body.toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...basic(client), ...headers },
  }
}

/** The claims of a JWT, unverified. */
export const claimsOf = (jwt: unknown): Json =>
  JSON.parse(Buffer.from(String(jwt).split('.')[1]!, 'base64url').toString()) as Json
export const headerOf = (jwt: unknown): Json =>
  JSON.parse(Buffer.from(String(jwt).split('.')[0]!, 'base64url').toString()) as Json
