/** What the key ring is opened with. */
import type { KeyObject } from 'node:crypto'
import type { KeyAlg, SigningAlg } from '../auth/jwk.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Keys } from '../lib/secret_keys.ts'
import type { Store } from '../store/store.ts'
import type { Rotation } from './key_rotation.ts'
import type { RemoteKeys } from './remote_keys.ts'

export type KeyStorage = Pick<Store, 'get' | 'create' | 'replace' | 'time'>

export interface KeyRingOptions {
  storage: KeyStorage
  /** Seal the private keys in the store. */
  sealingKey: Keys
  clock: Clock
  log: Log
  /** Algorithms that must have a key. Keys of others retire. */
  algs: readonly KeyAlg[]
  /** The size of new RSA keys. */
  rsaBits?: number
  /** Private keys from files. A key that the ring has never had becomes the next key; a retired key is not added again. */
  imported?: readonly { alg: SigningAlg; key: KeyObject }[]
  /** Seconds for which a key is published before it signs: more than clients cache the JWKS and more than clocks differ. */
  activationDelay: number
  /** The longest lifetime of a signed token, in seconds. */
  retention: number
  /** Seconds for which an ID Token may be sent back as a hint after its key has retired; 0 when left out. */
  hints?: number
  /** Left out: keys do not rotate by themselves. */
  rotation?: Rotation
  /** Services that keep keys; left out: all keys are in the record. */
  remote?: RemoteKeys | undefined
}
