/** A client's JWK Set as it came from its own server: read as suspiciously as a registration. https://www.rfc-editor.org/rfc/rfc7517#section-5 */
import type { CryptoKey, JWSHeaderParameters } from 'jose'
import * as v from 'valibot'
import { privateMembers, PublicJwk } from './registration.ts'

export type ClientJwk = v.InferOutput<typeof PublicJwk>

/** Finds the key for a JWS by its header, as the second argument of jose's `jwtVerify`. */
export type Verifier = (header: JWSHeaderParameters) => Promise<CryptoKey>

/** What was made of a JWK Set: read once, imported once. */
export interface ReadKeys {
  keys: readonly ClientJwk[]
  verifier?: Verifier
}

const mostKeys = 20

const Keys = v.looseObject({
  keys: v.pipe(v.array(v.record(v.string(), v.unknown())), v.maxLength(mostKeys)),
})

/**
 * The keys that can be used; those of a kind or size we do not take are passed over, as RFC 7517 §5 asks. Throws
 * TypeError for what is no JWK Set, for more than twenty keys, and when any key shows a private member: its owner
 * has lost it, so nothing signed with that set proves anything.
 */
export function readJwks(document: unknown): readonly ClientJwk[] {
  const parsed = v.safeParse(Keys, document)
  if (!parsed.success) throw new TypeError(`holds no JWK Set of at most ${mostKeys} keys`)
  const { keys } = parsed.output
  if (keys.some((key) => privateMembers.some((member) => Object.hasOwn(key, member))))
    throw new TypeError('shows a private or symmetric key')
  return keys.filter((key): key is ClientJwk => v.is(PublicJwk, key))
}
