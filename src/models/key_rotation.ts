/** When keys rotate by themselves: KEY_ROTATION_INTERVAL. docs/decisions/0077-keys-rotate-by-themselves.md */
import type { KeyAlg } from '../auth/jwk.ts'
import type { Log } from '../lib/log.ts'
import type { KeyStatus } from './open_keys.ts'
import { type Document, newestOf } from './signing_keys.ts'

export interface Rotation {
  /** Seconds from when a key is made to when its successor is made; 0: keys do not rotate by themselves. */
  interval: number
  /** Whether keys of the operator (`imported`) stay until the operator replaces them. */
  keepsImported: boolean
}

export interface Ages {
  /** The algorithms whose newest key is due for a successor at `now`, in seconds. */
  due(document: Document, now: number): KeyAlg[]
  /** Logs each key of the operator that is as old as the interval, once: nothing else replaces it. */
  tellOfImported(document: Document, now: number): void
  /** Adds to the newest key of each algorithm when its successor is made by itself. */
  withNext(document: Document, list: KeyStatus[]): KeyStatus[]
}

const never: Rotation = { interval: 0, keepsImported: true }

/** The ages of the newest keys of `algs`. `imported` has the `kid` of each key of the operator. */
export function createAges(
  { algs, rotation: { interval, keepsImported } = never }: { algs: readonly KeyAlg[]; rotation?: Rotation },
  imported: ReadonlySet<string>,
  log: Log,
): Ages {
  const told = new Set<string>()
  const newest = (document: Document) =>
    interval === 0 ? [] : algs.flatMap((alg) => newestOf(document, alg) ?? [])
  const isKept = ({ kid }: { kid: string }) => keepsImported && imported.has(kid)
  const isOld = (now: number) => (entry: { created_at: number }) => entry.created_at + interval <= now
  return {
    due: (document, now) =>
      newest(document)
        .filter((entry) => !isKept(entry) && isOld(now)(entry))
        .map(({ alg }) => alg),
    tellOfImported(document, now) {
      for (const { alg, kid } of newest(document).filter(isKept).filter(isOld(now))) {
        if (told.has(kid)) continue
        told.add(kid)
        const hint = 'a key of PRIVATE_KEY_PATH is not replaced by itself: name a new one there, and restart'
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
