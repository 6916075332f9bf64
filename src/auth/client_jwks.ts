/** Validates a client's JWK Set from its `jwks_uri`, as strictly as one in a registration. https://www.rfc-editor.org/rfc/rfc7517#section-5 */
import type { CryptoKey, JWSHeaderParameters } from 'jose'
import * as v from 'valibot'
import { isKnownKind, keyProblem } from './public_key.ts'
import { privateMembers, PublicJwk } from './registration.ts'

export type ClientJwk = v.InferOutput<typeof PublicJwk> & { kty: 'RSA' | 'EC' | 'OKP' }

/** Finds the key for a JWS by its header, as the second argument of jose's `jwtVerify`. */
export type Verifier = (header: JWSHeaderParameters) => Promise<CryptoKey>

/** The keys of a JWK Set, which is parsed and imported only once. */
export interface ReadKeys {
  keys: readonly ClientJwk[]
  verifier?: Verifier
}

const mostKeys = 20

const Keys = v.looseObject({ keys: v.array(v.record(v.string(), v.unknown())) })

const isUsable = (key: Readonly<Record<string, unknown>>): key is ClientJwk =>
  v.is(PublicJwk, key) && isKnownKind(key) && keyProblem(key) === undefined

/**
 * The usable keys. Keys of an unsupported kind or size are ignored (RFC 7517 §5). Throws TypeError when the document is no
 * JWK Set, has more than `most` keys, or has a key with a private member: that key is public now, so its signatures prove
 * nothing.
 */
export function readJwks(document: unknown, most = mostKeys): readonly ClientJwk[] {
  const parsed = v.safeParse(Keys, document)
  if (!parsed.success || parsed.output.keys.length > most)
    throw new TypeError(`holds no JWK Set of at most ${most} keys`)
  const { keys } = parsed.output
  if (keys.some((key) => privateMembers.some((member) => Object.hasOwn(key, member))))
    throw new TypeError('shows a private or symmetric key')
  return keys.filter(isUsable)
}
