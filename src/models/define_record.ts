/** A kind of record: its key, its shape, and the store verbs in terms of it. docs/architecture.md, "Store". */
import * as v from 'valibot'
import { type BoundedMap, createBoundedMap } from '../lib/bounded_map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import type { Recorder } from '../lib/recorder.ts'

/** The part of the context that records need. */
export interface Memory {
  store: Store
  clock: Clock
  log: Log
  /** Parsed records by their stored text, so that equal text is not parsed again. */
  parsed?: ParsedRecords
  /** Absent without LAB. */
  recorder?: Pick<Recorder, 'later'> | undefined
}

/**
 * Equal text of one kind is an equal record. Bounded by bytes. Several requests share one record, so a record is never
 * changed in place: a change is a new object. The tests freeze each record that is put in here.
 */
export type ParsedRecords = BoundedMap<{ kind: string; record: object }>

/** A parsed record takes about four bytes for each character of its text, and the text itself one. */
const bytesPerCharacter = 5
const mostBytes = 16_777_216

export const createParsedRecords = (): ParsedRecords => createBoundedMap(mostBytes)

/** A record may have `exp` in seconds. From then on it counts as absent, even while the store still holds it. */
const expiry = (record: object): number | undefined => (record as { exp?: number }).exp

/** A record as it was read. */
export interface Loaded<T> {
  record: T
  raw: string
}

export interface RecordKind<T> {
  key(id: string): string
  /** As `find`, with what the store holds, so that `update` need not read it again. */
  load(memory: Memory, id: string): Promise<Loaded<T> | undefined>
  /** The record, or undefined when it is absent, expired or does not parse (which is logged). */
  find(memory: Memory, id: string): Promise<T | undefined>
  put(memory: Memory, id: string, record: T): Promise<void>
  /** True for the one caller that wrote it. */
  create(memory: Memory, id: string, record: T): Promise<boolean>
  /** Read and delete; undefined for all but one caller. */
  take(memory: Memory, id: string): Promise<T | undefined>
  /**
   * Repeats a compare-and-swap until it succeeds: `change` gets the current record and returns the next one, or
   * undefined to change nothing. Returns the written record; undefined when the record is absent or was not changed.
   * `loaded` saves the first read. Rejects with RecordContended when other changes always come first.
   */
  update(
    memory: Memory,
    id: string,
    change: (current: T) => T | undefined,
    loaded?: Loaded<T>,
  ): Promise<T | undefined>
}

/** Time a record may stay in the store after `exp`: the clocks of two instances may differ a little. */
const graceMs = 2_000

/** Failed compare-and-swaps after which `update` gives up. */
const maxAttempts = 150

/** Other changes of one record came first, again and again. This change was not written; a later try may be. */
export class RecordContended extends StoreUnavailable {
  override name = 'RecordContended'

  constructor(kind: string) {
    super(`a record (${kind}) was changed by others ${maxAttempts} times in a row; try again`)
  }
}

const ttlOf = (record: object, now: number): number | undefined => {
  const exp = expiry(record)
  return exp === undefined ? undefined : Math.max(1, exp * 1000 - now + graceMs)
}

export function defineRecord<const S extends v.GenericSchema<unknown, object>>(
  prefix: string,
  schema: S,
): RecordKind<v.InferOutput<S>> {
  type T = v.InferOutput<S>
  const key = (id: string) => `${prefix}:${id}`

  const remember = ({ parsed }: Memory, raw: string, record: T): T => {
    parsed?.set(raw, { kind: prefix, record }, raw.length * bytesPerCharacter)
    return record
  }

  /** A record that was just written is usually read soon: a code and its grant, a token, a session. */
  const write = (memory: Memory, record: T): string => {
    const raw = JSON.stringify(record)
    remember(memory, raw, record)
    return raw
  }

  const parse = (memory: Memory, raw: string): T | undefined => {
    const known = memory.parsed?.get(raw)
    if (known?.kind === prefix) return known.record as T
    const parsed = v.safeParse(schema, fromJson(raw))
    if (!parsed.success) {
      // The message of an issue quotes the stored value, which may be a secret.
      const { expected, path } = parsed.issues[0]
      memory.log.error('record_unreadable', {
        kind: prefix,
        problem: `expected ${expected ?? 'another value'}`,
        path: path && v.getDotPath(parsed.issues[0]),
      })
      return undefined
    }
    return remember(memory, raw, parsed.output)
  }

  const read = (memory: Memory, raw: string | undefined): T | undefined => {
    const record = raw === undefined ? undefined : parse(memory, raw)
    const exp = record && expiry(record)
    return exp !== undefined && exp * 1000 <= memory.clock.now() ? undefined : record
  }

  const load = async (memory: Memory, id: string): Promise<Loaded<T> | undefined> => {
    const raw = await memory.store.get(key(id))
    const record = read(memory, raw)
    return record === undefined || raw === undefined ? undefined : { record, raw }
  }

  return {
    key,
    load,
    find: async (memory, id) => read(memory, await memory.store.get(key(id))),
    put: (memory, id, record) =>
      memory.store.put(key(id), write(memory, record), ttlOf(record, memory.clock.now())),
    create: (memory, id, record) =>
      memory.store.create(key(id), write(memory, record), ttlOf(record, memory.clock.now())),
    take: async (memory, id) => read(memory, await memory.store.take(key(id))),
    async update(memory, id, change, loaded) {
      let seen = loaded ?? (await load(memory, id))
      for (let attempt = 0; seen && attempt < maxAttempts; attempt++) {
        const next = change(seen.record)
        if (next === undefined) return undefined
        const raw = write(memory, next)
        if (await memory.store.replace(key(id), seen.raw, raw, ttlOf(next, memory.clock.now()))) return next
        seen = await load(memory, id)
      }
      if (seen) throw new RecordContended(prefix)
      return undefined
    },
  }
}

function fromJson(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}
