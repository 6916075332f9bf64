/** Encrypts a document to one client. On failure it throws, so that the document is never sent unencrypted. https://www.rfc-editor.org/rfc/rfc7516, OpenID Connect Core §10.2 */
import { CompactEncrypt, type JWK } from 'jose'
import { OAuthError } from '../../auth/errors.ts'
import { RefusedError } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { clientKeys } from '../../clients/client_keys.ts'
import { secretOf } from '../../clients/client_secret.ts'
import { utf8 } from '../../lib/bytes.ts'
import type { Client } from '../../models/client.ts'
import { type Alg, type Enc, fittingKeys, keyFromSecret, rowOf } from './algorithms.ts'

export interface Recipe {
  alg: Alg
  enc: Enc
  /** The text is a JWT (RFC 7519 §5.2). */
  nested: boolean
}

/** Seconds after which keys without one that fits are fetched again, as the client may have just added it. */
const refetchAfterSeconds = 30

const refuse = (alg: Alg, detail: string) =>
  new OAuthError('invalid_request', {
    rule: 'OpenID Connect Core §10.2',
    expected: `a key of the client for encryption with ${alg}`,
    problem: `this client registered for encryption with ${alg} and has no key for it`,
    detail,
  })

/** A compact JWE. Throws `invalid_request` when the client has no key that fits, StoreUnavailable never. */
export async function encryptFor(
  client: Client,
  context: Context,
  text: string,
  recipe: Recipe,
): Promise<string> {
  const { alg, enc, nested } = recipe
  const { key, kid } = await keyFor(client, context, recipe)
  const header = { alg, enc, ...(kid !== undefined && { kid }), ...(nested && { cty: 'JWT' }) }
  try {
    return await new CompactEncrypt(utf8(text)).setProtectedHeader(header).encrypt(key)
  } catch (error) {
    // An invalid key, such as a point that is not on its curve.
    throw refuse(alg, `${client.client_id} ${error instanceof Error ? error.message : ''}`)
  }
}

async function keyFor(
  client: Client,
  context: Context,
  { alg, enc }: Recipe,
): Promise<{ key: Uint8Array | JWK; kid?: string }> {
  const row = rowOf(alg)
  if ('bits' in row) {
    const secret = secretOf(client, context)
    if (!secret) throw refuse(alg, `${client.client_id} has no secret that can be decrypted`)
    return { key: keyFromSecret(secret, row.bits(enc)) }
  }
  const find = async (notOlderThan?: number) =>
    fittingKeys(await clientKeys(client, context, notOlderThan), alg)[0]
  const jwk = await find()
    .then((found) => found ?? (client.jwks_uri === undefined ? undefined : find(refetchAfterSeconds)))
    .catch((error: unknown) => {
      if (error instanceof RefusedError && error.status < 500) throw refuse(alg, error.message)
      throw error
    })
  if (!jwk) throw refuse(alg, `${client.client_id} has no key that fits`)
  // Only the key material: other members, such as key_ops, could make the import fail.
  const { kty, crv, x, y, n, e } = jwk as JWK
  const key = Object.fromEntries(
    Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined),
  )
  return { key: key as JWK, ...(typeof jwk.kid === 'string' && { kid: jwk.kid }) }
}
