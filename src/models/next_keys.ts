/** Where the next key of an algorithm comes from: it is made here, or it is found or made at the service that keeps keys of the algorithm. */
import { generateKey, type KeyAlg } from '../auth/jwk.ts'
import { elapsedOf, seconds } from '../lib/clock.ts'
import type { KeyRecord } from './key_record.ts'
import type { KeyRingOptions } from './key_ring_options.ts'
import type { RemoteKeys } from './remote_keys.ts'
import {
  claimNewKey,
  type Document,
  isKnown,
  kidOfKey,
  KeyRingError,
  newestOf,
  type NewKey,
  type RemoteKey,
} from './signing_keys.ts'

export interface Made {
  alg: KeyAlg
  kid: string
  key: NewKey
}

type Because = 'age' | 'found'

export interface NextKeys {
  /** Whether `alg` has no key, or its newest key is at a service and new ones are made here. */
  isMissing(alg: KeyAlg): boolean
  /** A key that the ring never had for each of `algs`. Keys are made once, before the compare-and-swap, and not again when it is repeated. */
  make(algs: readonly KeyAlg[]): Promise<Made[]>
  /**
   * Asks each service, once a minute, and passes on what is to be added: a key that is new there, and one that was made there
   * for an algorithm of `due`. A service that fails is logged.
   */
  lookAtServices<T>(
    due: readonly KeyAlg[],
    add: (alg: KeyAlg, because: Because, key: Made) => Promise<T[]>,
  ): Promise<T[]>
}

/** Milliseconds between two looks at a service. */
const lookInterval = 60_000

const made = (alg: KeyAlg, key: NewKey): Made => ({ alg, kid: kidOfKey(key), key })

export function createNextKeys(
  keys: KeyRecord,
  { algs, rsaBits, clock, log, remote }: KeyRingOptions,
): NextKeys {
  const newestEntry = (alg: KeyAlg) => newestOf(keys.document(), alg)
  const newestSource = (alg: KeyAlg) => keys.open().get(newestEntry(alg)?.kid ?? '')?.remote?.source

  /** Of instances that would ask a service for a new key at once, one does. */
  async function isMine(alg: KeyAlg): Promise<boolean> {
    let won = false
    const claim = (current: Document): Document => {
      const claimed = claimNewKey(current, alg, seconds(clock))
      won = claimed !== current
      return claimed
    }
    await keys.change(claim)
    return won
  }

  /** A version that the ring knows must still be the key that it was: another one is an attack or a mistake. */
  function requireSame(alg: KeyAlg, { source, version, public_jwk }: RemoteKey): void {
    const kid = kidOfKey({ source, version, public_jwk })
    for (const entry of keys.document().keys) {
      const known = keys.open().get(entry.kid)?.remote
      if (known?.source === source && known.version === version && entry.kid !== kid && entry.alg === alg)
        throw new KeyRingError(
          `${source} shows another key as version ${version} than it did before, ${entry.kid}. It is not used. If that key was lost, make new keys with latchkey keys replace`,
        )
    }
  }

  /** A key of the service that the ring never had: the newest one there, else one that is made there now. */
  async function fromService(services: RemoteKeys, alg: KeyAlg): Promise<RemoteKey> {
    const found = await services.newest(alg)
    requireSame(alg, found)
    if (!isKnown(keys.document(), kidOfKey(found))) return found
    if (services.makes(alg) && !(await isMine(alg)))
      throw new KeyRingError(
        `${found.source}: an instance asked for a new key there less than a minute ago. See latchkey keys list, or try again`,
      )
    return services.make(alg)
  }

  async function tried(services: RemoteKeys, alg: KeyAlg, key: RemoteKey): Promise<Made> {
    await services.tryOut(alg, key)
    return made(alg, key)
  }

  async function makeOne(alg: KeyAlg): Promise<Made> {
    if (remote?.sourceOf(alg) === undefined) return made(alg, await generateKey(alg, rsaBits))
    return tried(remote, alg, await fromService(remote, alg))
  }

  async function look(
    services: RemoteKeys,
    alg: KeyAlg,
    isDue: boolean,
  ): Promise<[Because, Made] | undefined> {
    const isElsewhere = newestSource(alg) !== services.sourceOf(alg)
    const isWaiting = (newestEntry(alg)?.activates_at ?? 0) > seconds(clock)
    const found = await services.newest(alg)
    requireSame(alg, found)
    // One key at a time is announced, so that a service that shows a new one at each look cannot fill the JWKS.
    if (isWaiting && !isElsewhere) return undefined
    const isNew = !isKnown(keys.document(), kidOfKey(found))
    if (isNew) return ['found', await tried(services, alg, found)]
    const isWanted = isElsewhere || (isDue && services.makes(alg))
    if (!isWanted || !(await isMine(alg))) return undefined
    return ['age', await tried(services, alg, await services.make(alg))]
  }

  /** So that an outage ends, or is known, without a request that needs a signature. */
  async function retry(services: RemoteKeys, alg: KeyAlg): Promise<void> {
    const current = keys.open().current(alg, seconds(clock))?.remote
    if (current) await services.retry(alg, current)
  }

  let lookedAt = -Infinity

  return {
    isMissing: (alg) =>
      newestEntry(alg) === undefined ||
      (newestSource(alg) !== undefined && remote?.sourceOf(alg) === undefined),
    make: (wanted) => Promise.all(wanted.map(makeOne)),
    async lookAtServices(due, add) {
      if (!remote || elapsedOf(clock) - lookedAt < lookInterval) return []
      lookedAt = elapsedOf(clock)
      const orLog = async <T>(alg: KeyAlg, work: () => Promise<T>): Promise<T | undefined> => {
        try {
          return await work()
        } catch (error) {
          const problem = error instanceof Error ? error.message : String(error)
          log.error('signing_service_failed', { alg, problem })
          return undefined
        }
      }
      const results = await Promise.all(
        algs.map(async (alg) => {
          await orLog(alg, () => retry(remote, alg))
          if (remote.sourceOf(alg) === undefined) return []
          return orLog(alg, async () => {
            const found = await look(remote, alg, due.includes(alg)).catch((error: Error) => {
              remote.noteProblem(alg, error.message)
              throw error
            })
            return found && add(alg, ...found)
          })
        }),
      )
      return results.flatMap((each) => each ?? [])
    },
  }
}
