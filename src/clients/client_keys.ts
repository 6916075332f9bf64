/** The public keys of a client: registered by value, or fetched from its `jwks_uri`. https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys */
import { type ClientJwk, type ReadKeys, readJwks, type Verifier } from '../auth/client_jwks.ts'
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import type { Client } from '../models/client.ts'
import { OutboundError } from '../outbound/error.ts'

/** The longest time in seconds that a fetched JWK Set is used. */
const keptForSeconds = 600
/** The shortest time in seconds between fetches for an unknown `kid`, since an attacker may send a new one with every request. */
const refetchAfterSeconds = 30

/** A client, or another party with keys registered by value or by URL; `client_id` names it in the log. */
export type KeyHolder = Pick<Client, 'client_id'> &
  Partial<Pick<Client, 'jwks' | 'jwks_uri'>> & {
    /** Larger bounds of a set at `jwks_uri`, for a party that the operator chose. */
    bounds?: { keys: number; bytes: number }
  }

const unusable = (client: KeyHolder, problem: string, detail?: string) =>
  new OAuthError('invalid_client', {
    rule: 'RFC 7517 §5',
    expected: 'jwks_uri of this client answers with a JWK Set of public keys',
    problem: `jwks_uri of this client ${problem}`,
    detail: `${client.client_id} ${detail ?? ''}`,
  })

/** The JWK Set document: the same object as long as it is cached, so that results can be cached by it. */
async function keyDocument(
  client: KeyHolder,
  context: Context,
  notOlderThan = keptForSeconds,
): Promise<object> {
  if (client.jwks_uri === undefined) return client.jwks ?? none
  try {
    const accept = 'application/jwk-set+json, application/json'
    const { bytes } = client.bounds ?? {}
    const options = {
      purpose: 'keys',
      accept,
      cacheFor: keptForSeconds,
      notOlderThan,
      ...(bytes !== undefined && { maxBytes: bytes }),
    } as const
    const document = await context.outbound.getJson(client.jwks_uri, options)
    if (typeof document === 'object' && document !== null) return document
    throw unusable(client, 'holds no JWK Set')
  } catch (error) {
    if (error instanceof OutboundError) throw unusable(client, error.told, error.detail)
    throw error
  }
}

const none = Object.freeze({ keys: [] })

function read(document: object, client: KeyHolder, context: Context): ReadKeys {
  let found = context.clientKeys.get(document)
  if (!found) {
    try {
      found = { keys: readJwks(document, client.bounds?.keys) }
    } catch (error) {
      throw unusable(client, error instanceof TypeError ? error.message : 'holds no JWK Set')
    }
    context.clientKeys.set(document, found)
  }
  return found
}

/**
 * All usable public keys of the client, which must not be changed; empty when it registered none. A fetched set is at most
 * ten minutes, or `notOlderThan` seconds, old. Throws `invalid_client` when `jwks_uri` returns no usable set.
 */
export const clientKeys = async (
  client: KeyHolder,
  context: Context,
  notOlderThan?: number,
): Promise<readonly ClientJwk[]> =>
  read(await keyDocument(client, context, notOlderThan), client, context).keys

async function verifier(client: KeyHolder, context: Context, notOlderThan?: number): Promise<Verifier> {
  const found = read(await keyDocument(client, context, notOlderThan), client, context)
  if (!found.verifier) {
    const { createLocalJWKSet } = await import('jose')
    found.verifier = createLocalJWKSet({ keys: [...found.keys] }) as Verifier
  }
  return found.verifier
}

/**
 * The key for a JWS of this client, as the second argument of jose's `jwtVerify` and `compactVerify`. When no key matches
 * the header, `jwks_uri` is fetched again, unless it was fetched in the last 30 seconds. Throws jose's errors, and
 * `invalid_client` as `clientKeys` does.
 */
export const clientVerificationKey =
  (client: KeyHolder, context: Context): Verifier =>
  async (header) => {
    const { errors } = await import('jose')
    try {
      return await (
        await verifier(client, context)
      )(header)
    } catch (error) {
      if (client.jwks_uri === undefined || !(error instanceof errors.JWKSNoMatchingKey)) throw error
      return (await verifier(client, context, refetchAfterSeconds))(header)
    }
  }
