/** Tokens whose signature was checked here, or that were signed here, so that it is not checked again. docs/architecture.md, "Keys and rotation" */
import type { KeyAlg } from '../auth/jwk.ts'
import type { Claims, Expected } from '../auth/jws.ts'
import { createBoundedMap } from '../lib/bounded_map.ts'
import { deepFreeze } from '../lib/freeze.ts'

/** Bound of the remembered tokens. A token counts five bytes for each character: its text and its claims. */
const checkedBytes = 8_388_608
const bytesPerCharacter = 5

export interface CheckedTokens {
  /** Returns `claims`, frozen. */
  remember(jwt: string, kid: string, typ: string, claims: Claims): Claims
  /** Undefined unless the token is remembered, is of this type and algorithm, and its key is still published. */
  recall(jwt: string, expected: Expected): Claims | undefined
}

/** Keyed by the whole token with its signature: an equal token was signed by the same key. */
export function createCheckedTokens(find: (kid: string) => { alg: KeyAlg } | undefined): CheckedTokens {
  const checked = createBoundedMap<{ kid: string; typ: string; claims: Claims }>(checkedBytes)
  return {
    remember(jwt, kid, typ, claims) {
      checked.set(jwt, { kid, typ, claims: deepFreeze(claims) }, jwt.length * bytesPerCharacter)
      return claims
    },
    recall(jwt, { typ, algs }) {
      const known = checked.get(jwt)
      const key = known && find(known.kid)
      return key && known.typ === typ && algs?.some((alg) => alg === key.alg) !== false
        ? known.claims
        : undefined
    },
  }
}
