/** Drops entries whose AUDIT_RETENTION is over. What remains of one verifies those after it; an entry says which were dropped. docs/audit.md */
import type { Store } from '../../store/store.ts'
import type { Audit } from './audit.ts'
import { type Checkpoint, type Covered, readCheckpoint } from './checkpoint.ts'
import { droppedLine, type Line, readLine } from './entry.ts'
import type { KindName } from './kinds.ts'
import { addTo, type Ranges, rangesText } from './ranges.ts'
import { batchesOf, batchKey, checkpointKey, progressOf, retentionKey } from './stored.ts'

/** Days for which entries are kept: `other` for all kinds without a number of their own. */
export interface Retention {
  other: number
  kinds: Readonly<Partial<Record<KindName, number>>>
}

const day = 86_400_000

const longestOf = ({ other, kinds }: Retention): number => Math.max(other, ...Object.values(kinds))

/** An entry that says what was dropped outlives all that it may speak of. */
const daysOf = (retention: Retention, kind: KindName): number =>
  kind === 'entries_dropped' ? longestOf(retention) : (retention.kinds[kind] ?? retention.other)

const progressKey = (chain: string): string => `${retentionKey}:${chain}`

/** Ranges that one entry names, and batches that wait for it. */
const mostRanges = 1_000
const mostBatches = 1_000

interface Parts {
  store: Store
  audit: Audit
  /** Milliseconds. */
  now: number
  retention: Retention
  /** How far each stream has come. */
  streams?: ReadonlyMap<string, Readonly<Record<string, { batch: number }>>>
  /** Days for which what a stream has not sent is kept beyond its retention. */
  hold?: number
}

/** The streams that have not sent all up to the end of this batch. */
const unsentBy = ({ streams = new Map() }: Parts, chain: string, batch: number): string[] =>
  [...streams].filter(([, chains]) => (chains[chain]?.batch ?? 0) < batch).map(([name]) => name)

/** One turn for all chains. Only what a checkpoint covers is dropped. Resolves to the number of entries. */
export async function dropOld(parts: Parts): Promise<number> {
  const newest = await parts.audit.checkpoints.newest()
  if (!newest) return 0
  let count = 0
  const empty = new Map<string, number>()
  for (const [chain, covered] of Object.entries(newest.checkpoint.chains)) {
    const dropped = await dropOf(parts, chain, covered)
    count += dropped.count
    empty.set(chain, dropped.empty)
  }
  const trimmed = await trim(parts, newest.checkpoint, empty)
  const signed = trimmed && (await parts.audit.checkpoints.extend(parts.audit, { trimmed }))
  await remove(parts.store, signed?.checkpoint ?? newest.checkpoint)
  return count
}

interface Planned {
  batch: number
  before: string
  after: string
}

async function dropOf(
  parts: Parts,
  chain: string,
  { base, batch: last }: Checkpoint['chains'][string],
): Promise<{ count: number; empty: number }> {
  const { store, now, retention } = parts
  const progress = await progressOf(store, progressKey(chain))
  const all = [...new Set([retention.other, ...Object.values(retention.kinds)])].toSorted((a, b) => a - b)
  let count = 0
  for (const days of all) {
    const concerns = (line: Line | undefined) => line?.entry && daysOf(retention, line.entry.kind) <= days
    const isDue = ({ entry }: Line, held: number) =>
      entry !== undefined && Date.parse(entry.time) + (daysOf(retention, entry.kind) + held) * day <= now
    const ranges: Ranges = []
    const unsent = new Set<string>()
    let planned: Planned[] = []
    const finish = async () => {
      count += await replaceAll(parts, chain, { ranges: ranges.splice(0), unsent: [...unsent] }, planned)
      unsent.clear()
      planned = []
      await store.put(progressKey(chain), JSON.stringify(progress))
    }
    for await (const { batch, lines } of batchesOf(
      store,
      chain,
      Math.max(base.batch, progress[days] ?? 0),
      last,
    )) {
      if (batch > last) break
      const read = lines?.map(readLine)
      // Damaged: what is there stays, as evidence.
      if (!lines || !read?.every((line) => line !== undefined)) break
      const waiting = unsentBy(parts, chain, batch)
      const held = waiting.length > 0 ? (parts.hold ?? 0) : 0
      // In the order of time: when one of this retention is too young, so are those after it.
      if (read.some((line) => line && concerns(line) && !isDue(line, held))) break
      if (read.some(concerns)) for (const name of waiting) unsent.add(name)
      const next = lines.map((text, i) => {
        const line = read[i]
        if (!line || !concerns(line)) return text
        addTo(ranges, line.seq)
        return droppedLine(line)
      })
      const [before, after] = [lines.join('\n'), next.join('\n')]
      if (before !== after) planned.push({ batch, before, after })
      progress[days] = batch
      if (planned.length >= mostBatches || ranges.length >= mostRanges) await finish()
    }
    await finish()
  }
  return { count, empty: Math.min(...all.map((days) => progress[days] ?? base.batch)) }
}

/** The entry first, so that nothing is dropped without it. After a stop in between, the next turn says it again. */
async function replaceAll(
  { audit, store }: Parts,
  chain: string,
  { ranges, unsent }: { ranges: Ranges; unsent: readonly string[] },
  planned: readonly Planned[],
): Promise<number> {
  const count = ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)
  if (count === 0) return 0
  await audit.keep({
    kind: 'entries_dropped',
    outcome: 'success',
    actor: 'server',
    details: { chain, ranges: rangesText(ranges), count, ...(unsent.length > 0 && { unsent }) },
  })
  for (const { batch, before, after } of planned) await store.replace(batchKey(chain, batch), before, after)
  return count
}

/**
 * Where each chain may begin from now on, and the first checkpoint that is still needed; undefined when nothing changes. What
 * is there as dropped, and how far the retention has come, anyone can write who can write to the store. So nothing goes
 * before its checkpoint, which is signed, is as old as the longest retention.
 */
async function trim(
  { audit, store, now, retention }: Parts,
  newest: Checkpoint,
  empty: ReadonlyMap<string, number>,
): Promise<{ bases: Map<string, Covered>; first: number } | undefined> {
  const bases = new Map<string, Covered>()
  let { first } = newest
  let isNeeded = false
  for (let number = newest.first; number < newest.number; number += 1) {
    const checkpoint = readCheckpoint(audit.ring, (await store.get(checkpointKey(number))) ?? '')
    if (checkpoint?.number !== number) break // damaged: what is there stays, as evidence
    if (checkpoint.time + longestOf(retention) * day > now) break
    let isUseful = false
    for (const [chain, { base: _, ...covered }] of Object.entries(checkpoint.chains)) {
      const last = newest.chains[chain]
      if (!last || covered.batch > (empty.get(chain) ?? 0)) continue
      if (covered.seq > last.base.seq && covered.seq > (bases.get(chain)?.seq ?? 0)) bases.set(chain, covered)
      isUseful ||= covered.seq < last.seq
    }
    const baseOf = (chain: string) => bases.get(chain)?.seq ?? newest.chains[chain]?.base.seq ?? 0
    isNeeded ||= checkpoint.segments.some(({ chain, to }) => to > baseOf(chain))
    if (!isNeeded) first = number + 1
    if (!isUseful && isNeeded) break
  }
  return bases.size > 0 || first > newest.first ? { bases, first } : undefined
}

/** Only now: a signed checkpoint says where each chain begins. */
async function remove(store: Store, { first, chains }: Checkpoint): Promise<void> {
  const take = async (key: string, upTo: number, keyOf: (number: number) => string) => {
    const progress = await progressOf(store, key)
    const from = (progress.gone ?? 0) + 1
    if (from > upTo) return
    for (let number = from; number <= upTo; number += 1) await store.take(keyOf(number))
    await store.put(key, JSON.stringify({ ...progress, gone: upTo }))
  }
  await take(retentionKey, first - 1, checkpointKey)
  for (const [chain, { base }] of Object.entries(chains))
    await take(progressKey(chain), base.batch, (batch) => batchKey(chain, batch))
}
