/** Reads what a stream has not sent yet, and what it cannot send: entries that were dropped, are missing, or are none. */
import type { Store } from '../../../store/store.ts'
import type { Covered } from '../checkpoint.ts'
import type { Entry } from '../entry.ts'
import { ownMember } from '../../../lib/own_member.ts'
import { kinds, type KindName } from '../kinds.ts'
import { addRange, type Ranges } from '../ranges.ts'
import { batchesOf, batchKey, chainsOf, entriesOfBatch } from '../stored.ts'
import type { Cursor } from './state.ts'

export interface Outgoing {
  entry: Entry
  /** As it is in the store: one line of JSON. */
  line: string
}

/** What one attempt may take. One entry is always taken, however long it is. */
export interface Limits {
  entries: number
  /** Characters of all lines. */
  bytes: number
}

export interface Gathered {
  items: Outgoing[]
  /** The cursors after these items. */
  chains: Record<string, Cursor>
  /** By chain: what cannot be sent. */
  gaps: Map<string, Ranges>
  /** There is more. */
  more: boolean
}

export interface Reading {
  store: Store
  limits: Limits
  /** Entries of other kinds are passed over. */
  takes: ReadonlySet<KindName> | undefined
  /** The position up to which the retention has removed all of a chain. */
  baseOf: (chain: string) => Promise<Pick<Covered, 'batch' | 'seq'> | undefined>
}

/** Lines that are looked at in one attempt, so that a gap of millions does not hold up the others. */
const mostLines = 20_000

/** Chains in turns: a chain with much to send goes last at the next attempt, because it has had its part. */
export async function gather(reading: Reading, from: Readonly<Record<string, Cursor>>): Promise<Gathered> {
  const found: Gathered = { items: [], chains: { ...from }, gaps: new Map(), more: false }
  const room = { lines: mostLines, entries: reading.limits.entries, bytes: reading.limits.bytes }
  const behind = [...(await chainsOf(reading.store))].filter(
    ([chain, latest]) => latest > (from[chain]?.batch ?? 0),
  )
  behind.sort(([a], [b]) => (from[a]?.batch ?? 0) - (from[b]?.batch ?? 0))
  for (const [chain, latest] of behind) {
    if (room.lines <= 0 || room.entries <= 0 || room.bytes <= 0) return { ...found, more: true }
    if (await gatherOf(reading, chain, latest, { found, room })) return { ...found, more: true }
  }
  return found
}

interface Progress {
  found: Gathered
  room: { lines: number; entries: number; bytes: number }
}

/** True when there was no room for all. */
async function gatherOf(
  { store, takes, baseOf }: Reading,
  chain: string,
  latest: number,
  { found, room }: Progress,
): Promise<boolean> {
  const cursor = { ...(found.chains[chain] ?? { batch: 0, seq: 0 }) }
  const ranges: Ranges = []
  const others = takes && new RegExp(`"kind":"(?:${[...takes].join('|')})"|"dropped":true`)
  /** Entries up to `seq` are passed. */
  const skip = (seq: number) => {
    if (seq <= cursor.seq) return
    addRange(ranges, cursor.seq + 1, seq)
    cursor.seq = seq
  }
  const isFull = await (async () => {
    const base =
      (await store.get(batchKey(chain, cursor.batch + 1))) === undefined ? await baseOf(chain) : undefined
    if (base && base.batch > cursor.batch) {
      skip(base.seq)
      cursor.batch = base.batch
    }
    for await (const each of batchesOf(store, chain, cursor.batch, latest)) {
      const { batch } = each
      const end = others && each.text !== undefined ? endOf(each.text, cursor.seq + 1, others) : undefined
      if (end !== undefined) {
        Object.assign(cursor, { seq: end, batch })
        continue
      }
      for (const line of each.lines ?? []) {
        const read = readStored(line, chain)
        // What is no entry takes no number: the next one shows that a number is missing.
        if (!read || read.seq <= cursor.seq || read.seq > cursor.seq + mostEntries(batch - cursor.batch))
          continue
        if (room.lines <= 0 || room.entries <= 0 || (room.bytes < line.length && found.items.length > 0))
          return true
        room.lines -= 1
        skip(read.dropped ? read.seq : read.seq - 1)
        if (read.dropped) continue
        cursor.seq = read.seq
        if (takes && !takes.has(read.entry.kind)) continue
        found.items.push({ entry: read.entry, line })
        room.entries -= 1
        room.bytes -= line.length
      }
      cursor.batch = batch
    }
    return false
  })()
  found.chains[chain] = cursor
  if (ranges.length > 0) found.gaps.set(chain, ranges)
  return isFull
}

/** A number beyond it was made up, and would hide all entries below it. */
const mostEntries = (batches: number): number => batches * entriesOfBatch

type Stored = { seq: number; dropped: true } | { seq: number; dropped?: false; entry: Entry }

const numberOf = (line: string): number => Number(/"seq":(\d{1,15}),/.exec(line)?.[1] ?? 0)

/**
 * The last number of a batch that follows `first` and has nothing that `asked` fits: most entries of a busy provider are
 * tokens that were issued, which alerts pass over, so that their lines are neither cut nor parsed. A quote within a text is
 * written with a backslash, so that no text of a request looks like a kind.
 */
function endOf(text: string, first: number, asked: RegExp): number | undefined {
  if (asked.test(text) || numberOf(text.slice(0, 500)) !== first) return undefined
  const last = numberOf(text.slice(text.lastIndexOf('\n') + 1))
  return last >= first && last < first + entriesOfBatch ? last : undefined
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/**
 * The entry of a line, by the members that a sink reads apart. `latchkey audit verify` judges the rest: a stream that checked
 * every MAC would take as long as writing them.
 */
function readStored(line: string, chain: string): Stored | undefined {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof json !== 'object' || json === null) return undefined
  const { seq, kind, time, dropped, chain: own } = json as Record<string, unknown>
  if (own !== chain || typeof seq !== 'number' || !Number.isSafeInteger(seq)) return undefined
  if (dropped === true) return { seq, dropped }
  const isEntry =
    typeof kind === 'string' &&
    ownMember(kinds, kind) !== undefined &&
    typeof time === 'string' &&
    isoTime.test(time)
  return isEntry ? { seq, entry: json as Entry } : undefined
}
