/** Signing keys of a PKCS#11 token: a hardware security module, a smart card, SoftHSM. */
import { createPublicKey } from 'node:crypto'
import type { SigningAlg } from '../../auth/jwk.ts'
import type { Pkcs11Uri } from '../../config/pkcs11_uri.ts'
import { fromBase64url } from '../../lib/bytes.ts'
import type { KeySource } from '../../models/key_source.ts'
import type { FoundKey } from '../pkcs11/token.ts'
import { SourceError } from '../secret_sources/source.ts'
import type { Pkcs11Process } from './pkcs11_process.ts'

/** Ids are numbers: that of a newer key is higher. */
const higher = (one: FoundKey, other: FoundKey): number => {
  const [a, b] = [BigInt(`0x${one.id}`), BigInt(`0x${other.id}`)]
  return a < b ? -1 : a > b ? 1 : 0
}

export function pkcs11Source(
  { name, uri, timeoutMs }: { name: string; uri: Pkcs11Uri; timeoutMs: number },
  alg: SigningAlg,
  library: Pkcs11Process,
): KeySource {
  const { object, id } = uri
  const named = { ...(object !== undefined && { object }), ...(id !== undefined && { id }) }
  return {
    name,
    async newest() {
      const { keys } = (await library.ask({ keys: named, alg }, timeoutMs)) as { keys: FoundKey[] }
      const found = keys.toSorted(higher).at(-1)
      if (!found) throw new SourceError(`the token has no private key of this name and an id for ${alg}`)
      return { version: found.id, key: createPublicKey({ key: found.jwk, format: 'jwk' }) }
    },
    async sign(version, input, limit) {
      const key = { ...named, id: version }
      const { signature } = await library.ask({ sign: key, alg, input }, Math.max(1, limit))
      const made = typeof signature === 'string' ? fromBase64url(signature) : undefined
      if (!made) throw new SourceError('the PKCS#11 library made no signature')
      return made
    },
  }
}
