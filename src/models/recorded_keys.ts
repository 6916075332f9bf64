/** A key ring whose signatures, made and verified, are steps of the request that the recorder of the lab keeps. */
import type { SigningKey } from '../auth/jws.ts'
import type { Heard } from '../lib/recorder.ts'
import type { KeyRing } from './key_ring.ts'

export function recordedKeys(keys: KeyRing, recorder: Pick<Heard, 'signed' | 'verified'>): KeyRing {
  const recorded = new WeakMap<SigningKey, SigningKey>()
  const wrap = (key: SigningKey): SigningKey => ({
    kid: key.kid,
    alg: key.alg,
    head: (typ) => key.head(typ),
    sign(input) {
      recorder.signed(key.kid, key.alg, input)
      return key.sign(input)
    },
  })
  return {
    ...keys,
    signer(alg) {
      const key = keys.signer(alg)
      const known = recorded.get(key) ?? wrap(key)
      recorded.set(key, known)
      return known
    },
    async verify(jwt, expected) {
      const claims = await keys.verify(jwt, expected)
      recorder.verified(jwt, claims !== undefined)
      return claims
    },
    async verifyHint(jwt) {
      const claims = await keys.verifyHint(jwt)
      recorder.verified(jwt, claims !== undefined)
      return claims
    },
  }
}
