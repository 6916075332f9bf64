/** The realms that are in memory: opened at their first request, opened again when they have changed, bounded by least recent use. */
import { HttpError } from '../../auth/errors.ts'
import { ConfigError } from '../../config.ts'
import { realClock } from '../../lib/clock.ts'
import { createLimiter } from '../../lib/limiter.ts'
import type { Memory } from '../../models/define_record.ts'
import { isOpen, Realm, type RealmRecord } from '../../models/realm.ts'
import { StoreUnavailable } from '../../store/store.ts'
import { elapsedNow } from './job_runs.ts'
import { type Host, openRealm, type OpenRealm } from './open_realm.ts'

interface Slot {
  record: RealmRecord
  open?: OpenRealm | undefined
  /** The record and the generation of the server's settings that `open` was made for. */
  madeFor?: string | undefined
  /** What the record was read at. */
  stamp?: string | undefined
  failure?: { error: unknown; at: number } | undefined
  lastUsed: number
  /** Not for its turn of jobs alone. */
  isUsed?: true
  /** Requests that are being answered, and openings. */
  running: number
}

export interface InMemory {
  name: string
  open: OpenRealm
  /** Milliseconds of the monotonic clock. */
  lastUsed: number
}

export interface Apps {
  /** The realm, if its requests are answered. Throws or rejects when it cannot be opened. */
  get(name: string): Promise<OpenRealm | undefined> | OpenRealm | undefined
  /** A request of it begins; the returned function ends it. */
  use(name: string): () => void
  list(): InMemory[]
  /** Takes a realm out of memory that no request has used there. */
  retire(name: string): void
  /** Takes out of memory what was removed, so that no job of it writes after its data is gone. */
  prune(has: (name: string, id: string) => boolean): void
  close(): Promise<void>
}

interface Parts {
  host: Host
  memory: Memory
  /** Changes with each change of a realm. */
  version(): string | undefined
  /** Changes with the settings of the server. */
  generation(): number
  most: number
}

/** Milliseconds for which a realm that cannot be opened is not tried again. */
const failedFor = 10_000

/** Keys of RSA take long to make, and each realm has its own. */
const opening = {
  atOnce: 2,
  waiting: 500,
  refusal: () =>
    new HttpError('temporarily_unavailable', {
      expected: 'fewer realms that are opened at once',
      retryAfter: 5,
    }),
}

export function createApps({ host, memory, version, generation, most }: Parts): Apps {
  const slots = new Map<string, Slot>()
  const loading = new Map<string, Promise<OpenRealm | undefined>>()
  /** A realm is not opened anew before its last entries are written. */
  const closing = new Map<string, Promise<void>>()
  const limiter = createLimiter(opening)
  let isClosed = false
  const stamp = () => `${generation()} ${version()}`

  function close(name: string, open: OpenRealm | undefined): void {
    if (!open) return
    const ending = Promise.all([closing.get(name), open.close()]).then(() => {
      if (closing.get(name) === ending) closing.delete(name)
    })
    closing.set(name, ending)
  }

  function drop(name: string): void {
    const slot = slots.get(name)
    slots.delete(name)
    close(name, slot?.open)
  }

  /** The realm that was not used the longest goes, unless it answers a request. */
  function bound(): void {
    while (slots.size > most) {
      let oldest: string | undefined
      let at = Infinity
      for (const [name, { running, lastUsed }] of slots)
        if (running === 0 && lastUsed < at) [oldest, at] = [name, lastUsed]
      if (oldest === undefined) return
      drop(oldest)
    }
  }

  async function open(slot: Slot): Promise<void> {
    const { record } = slot
    const wanted = `${generation()} ${JSON.stringify(record)}`
    if (slot.open && slot.madeFor === wanted) {
      slot.failure = undefined // settings that this server cannot use were taken back
      return
    }
    try {
      slot.open = await limiter.run(() => openRealm(host, record, slot.open))
      slot.madeFor = wanted
      slot.failure = undefined
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      memory.log.error('realm_not_opened', { realm: record.name, problem })
      slot.failure = { error: error instanceof ConfigError ? unusable(error) : error, at: elapsedNow() }
      if (slot.open?.isClosed() === true) slot.open = undefined
    }
  }

  async function load(name: string): Promise<OpenRealm | undefined> {
    await closing.get(name)
    if (isClosed) return undefined
    const seen = stamp()
    const record = await Realm.find(memory, name)
    if (slots.get(name)?.record.id !== record?.id) drop(name)
    if (!record) return undefined
    const slot: Slot = slots.get(name) ?? { record, lastUsed: elapsedNow(), running: 0 }
    slots.set(name, slot)
    slot.record = record
    slot.running += 1 // it is not dropped before the realm is open: the realm would never be closed
    if (isAnswering(slot)) await open(slot)
    slot.stamp = seen
    bound()
    slot.running -= 1
    if (isClosed) drop(name)
    return settled(slot)
  }

  const isAnswering = ({ record }: Slot): boolean => isOpen(record, realClock(memory.clock).now())

  function settled(slot: Slot): OpenRealm | undefined {
    if (!isAnswering(slot)) {
      close(slot.record.name, slot.open)
      slot.open = undefined
      return undefined
    }
    if (slot.failure) throw slot.failure.error
    return slot.open
  }

  return {
    get(name) {
      const slot = slots.get(name)
      const isKnown = slot?.stamp === stamp()
      const hasFailed = slot?.failure && elapsedNow() - slot.failure.at >= failedFor
      if (slot && isKnown && !hasFailed && !loading.has(name)) return settled(slot)
      const shared = loading.get(name)
      if (shared) return shared
      const read = load(name)
        .catch((error: unknown) => {
          // As it was, until the store answers again.
          if (error instanceof StoreUnavailable && slot?.open && isAnswering(slot)) return slot.open
          throw error
        })
        .finally(() => loading.delete(name))
      loading.set(name, read)
      return read
    },
    use(name) {
      const slot = slots.get(name)
      if (!slot) return () => {}
      slot.running += 1
      slot.isUsed = true
      slot.lastUsed = elapsedNow()
      return () => void (slot.running -= 1)
    },
    list: () => [...slots].flatMap(([name, { open, lastUsed }]) => (open ? [{ name, open, lastUsed }] : [])),
    retire(name) {
      const slot = slots.get(name)
      if (slot?.isUsed !== true && slot?.running === 0) drop(name)
    },
    prune(has) {
      for (const [name, { record, running }] of slots) if (running === 0 && !has(name, record.id)) drop(name)
    },
    async close() {
      isClosed = true // a turn of jobs may still ask for a realm: its audit trail would have no end
      await Promise.allSettled(loading.values())
      for (const name of slots.keys()) drop(name)
      await Promise.all(closing.values())
    },
  }
}

const unusable = ({ problems }: ConfigError): HttpError =>
  new HttpError('temporarily_unavailable', {
    expected: 'settings of the realm that this server can use',
    detail: problems.join('; '),
    retryAfter: 60,
  })
