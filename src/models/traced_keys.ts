/** A key ring whose signatures are spans of the request that needs them. */
import type { SigningKey } from '../auth/jws.ts'
import type { Tracing } from '../lib/tracing.ts'
import type { KeyRing } from './key_ring.ts'

export function tracedKeys(keys: KeyRing, tracing: Pick<Tracing, 'within'>): KeyRing {
  const traced = new WeakMap<SigningKey, SigningKey>()
  const wrap = (key: SigningKey): SigningKey => ({
    kid: key.kid,
    alg: key.alg,
    head: (typ) => key.head(typ),
    sign: (input) =>
      tracing.within(
        { name: 'sign', kind: 'internal', attributes: { 'latchkey.alg': key.alg, 'latchkey.kid': key.kid } },
        () => key.sign(input),
      ),
  })
  return {
    ...keys,
    signer(alg) {
      const key = keys.signer(alg)
      const known = traced.get(key) ?? wrap(key)
      traced.set(key, known)
      return known
    },
  }
}
