/** When keys rotate by themselves: KEY_ROTATION_INTERVAL. docs/decisions/0077-keys-rotate-by-themselves.md */
import type { KeyAlg } from '../auth/jwk.ts'
import type { Log } from '../lib/log.ts'
import type { KeyStatus } from './open_keys.ts'
import type { RemoteKeys } from './remote_keys.ts'
import { type Document, type Entry, newestOf } from './signing_keys.ts'

export interface Rotation {
  /** Seconds from when a key is made to when its successor is made; 0: keys do not rotate by themselves. */
  interval: number
  /** Whether keys of the operator (`imported`) stay until the operator replaces them. */
  keepsImported: boolean
}

export interface Ages {
  /** The algorithms whose newest key is due for a successor at `now`, in seconds. */
  due(document: Document, now: number): KeyAlg[]
  /** Logs each key that only the operator replaces and that is as old as the interval, once. */
  tellOfKept(document: Document, now: number): void
  /** Adds to the newest key of each algorithm when its successor is made by itself. */
  withNext(document: Document, list: KeyStatus[]): KeyStatus[]
}

const never: Rotation = { interval: 0, keepsImported: true }

interface AgeOptions {
  algs: readonly KeyAlg[]
  rotation?: Rotation
  remote?: RemoteKeys | undefined
}

/** The ages of the newest keys of `algs`. `imported` has the `kid` of each key of the operator. */
export function createAges(
  { algs, rotation: { interval, keepsImported } = never, remote }: AgeOptions,
  imported: ReadonlySet<string>,
  log: Log,
): Ages {
  const told = new Set<string>()
  const newest = (document: Document) =>
    interval === 0 ? [] : algs.flatMap((alg) => newestOf(document, alg) ?? [])
  /** What the operator does to replace a key that nothing else replaces; undefined for all others. */
  const wayOf = ({ kid, alg }: Pick<Entry, 'kid' | 'alg'>): string | undefined => {
    if (remote?.makes(alg) === false)
      return `a key of ${remote.sourceOf(alg)} is not replaced by itself: make a new one there, which is then found`
    return keepsImported && imported.has(kid)
      ? 'a key of PRIVATE_KEY_PATH is not replaced by itself: name a new one there, and restart'
      : undefined
  }
  const isKept = (entry: Entry) => wayOf(entry) !== undefined
  const isOld = (now: number) => (entry: { created_at: number }) => entry.created_at + interval <= now
  return {
    due: (document, now) =>
      newest(document)
        .filter((entry) => !isKept(entry) && isOld(now)(entry))
        .map(({ alg }) => alg),
    tellOfKept(document, now) {
      for (const entry of newest(document).filter(isOld(now))) {
        const { alg, kid } = entry
        const hint = wayOf(entry)
        if (hint === undefined || told.has(kid)) continue
        told.add(kid)
        log.warn('imported_key_is_old', { alg, kid, hint })
      }
    },
    withNext(document, list) {
      const rotating = new Set(newest(document).flatMap((entry) => (isKept(entry) ? [] : [entry.kid])))
      return list.map((status) =>
        rotating.has(status.kid) ? { ...status, rotates_at: status.created_at + interval } : status,
      )
    },
  }
}
