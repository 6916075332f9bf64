/** Where the audit trail is in the store: batches of lines by chain, and checkpoints by number. Nothing is overwritten; each is `create`d. */
import type { Store } from '../../store/store.ts'
import { pagesOf } from '../every_member.ts'
import { type Line, type Link, macOf, type MacKey, readLine } from './entry.ts'

export const chainsIndex = 'audit_chains'
export const checkpointsIndex = 'audit_checkpoints'

/** The most that one batch has. */
export const entriesOfBatch = 500

export const batchKey = (chain: string, batch: number): string => `audit:${chain}:${batch}`
export const checkpointKey = (number: number): string => `audit_checkpoint:${number}`

/** Where a chain has come to, at the end of a batch. */
export interface Position extends Link {
  batch: number
  /** Milliseconds. */
  time: number
}

/**
 * Writes a batch: false when another process has written one of that number. Both verbs are one round trip; the index may
 * be ahead of, or behind, the batches by one after a crash, so readers look beyond it.
 */
export async function writeBatch(
  store: Store,
  chain: string,
  batch: number,
  lines: readonly string[],
): Promise<boolean> {
  const text = lines.join('\n')
  const [isNew] = await Promise.all([
    store.create(batchKey(chain, batch), text),
    store.link(chainsIndex, chain, batch),
  ])
  // A write whose answer was lost is in the store when it is repeated.
  return isNew || (await store.get(batchKey(chain, batch))) === text
}

export async function writeCheckpoint(store: Store, number: number, jws: string): Promise<boolean> {
  const [isNew] = await Promise.all([
    store.create(checkpointKey(number), jws),
    store.link(checkpointsIndex, 'newest', number),
  ])
  return isNew || (await store.get(checkpointKey(number))) === jws
}

/** Each chain with the number of its newest batch, as far as the index knows. */
export async function chainsOf(store: Store): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for await (const some of pagesOf(store, chainsIndex))
    // Batches have whole numbers; another score was put there by a stranger.
    for (const { member, score } of some) found.set(member, Math.max(0, Math.floor(score)))
  return found
}

export interface StoredCheckpoint {
  number: number
  jws: string
  /** The number that the index names, where no checkpoint has it. */
  missing?: number
}

/** The newest checkpoint; undefined where there is none. */
export async function newestCheckpoint(store: Store): Promise<StoredCheckpoint | undefined> {
  const [known] = await store.range(checkpointsIndex, { limit: 1 })
  let number = known?.score ?? 0
  let jws = await store.get(checkpointKey(number))
  for (;;) {
    const next = await store.get(checkpointKey(number + 1))
    if (next === undefined) break
    number += 1
    jws = next
  }
  if (jws !== undefined) return { number, jws }
  // The index is one ahead after a crash between its two verbs.
  const before = number > 1 ? await store.get(checkpointKey(number - 1)) : undefined
  if (before !== undefined) return { number: number - 1, jws: before }
  const found = number > 1 ? await lastCheckpoint(store) : undefined
  return found && { ...found, missing: number }
}

/** The last of the checkpoints without the index, in steps that double and then halve. */
async function lastCheckpoint(store: Store): Promise<StoredCheckpoint | undefined> {
  const { gone = 0 } = await progressOf(store, retentionKey)
  let found: StoredCheckpoint | undefined
  let step = 1
  for (let isGrowing = true; isGrowing || step > 1;) {
    if (!isGrowing) step /= 2
    const number: number = (found?.number ?? gone) + step
    const jws = await store.get(checkpointKey(number))
    if (jws !== undefined) found = { number, jws }
    if (jws === undefined || !Number.isSafeInteger(number * 2)) isGrowing = false
    if (isGrowing) step *= 2
  }
  return found
}

/** By days: the batch up to which all entries of that retention, or a shorter one, are dropped. `gone`: up to which none exists. */
export type Progress = Record<string, number>

/** Of the checkpoints; that of a chain is `audit_retention:CHAIN`. */
export const retentionKey = 'audit_retention'

export async function progressOf(store: Store, key: string): Promise<Progress> {
  try {
    const found = Object.entries(JSON.parse((await store.get(key)) ?? '{}') as object)
    return Object.fromEntries(found.filter(([, value]) => Number.isSafeInteger(value) && value >= 0))
  } catch {
    return {}
  }
}

export interface Batch {
  batch: number
  /** Undefined for a batch that is missing although a later one exists. Its lines are `lines`, which are cut when they are read. */
  text: string | undefined
  readonly lines: readonly string[] | undefined
}

const longestBatch = 16_777_216
/** Missing batches in a row after which none is looked for: the index may name any number. */
const mostMissing = 10_000

/** The batches after `after`. It goes on where one is missing, up to what the index knows and to what exists beyond it. */
export async function* batchesOf(
  store: Store,
  chain: string,
  after: number,
  known: number,
): AsyncGenerator<Batch> {
  let missing = 0
  for (let batch = after + 1; ; batch += 1) {
    const found = await store.get(batchKey(chain, batch))
    missing = found === undefined ? missing + 1 : 0
    if (found === undefined && (batch >= known || missing > mostMissing)) return
    const text = found === undefined || found.length > longestBatch ? undefined : found
    yield {
      batch,
      text,
      get lines() {
        return text?.split('\n')
      },
    }
  }
}

/** Entries of a chain after a position that are as they were written. */
export interface Walked {
  position: Position
  digests: string[]
  /** The last of them. */
  last?: Line
  /** The first thing that is wrong. */
  problem?: string
}

/**
 * Follows a chain by its MACs, for at most `most` entries and a batch more. A batch that does not follow is passed over: who
 * can write to the store must not end the chain by it.
 */
export async function walk(
  store: Store,
  chain: string,
  from: Position,
  { known, keys, most = Infinity }: { known: number; keys: readonly MacKey[]; most?: number },
): Promise<Walked> {
  let position = from
  let problem: string | undefined
  let last: Line | undefined
  const digests: string[] = []
  for await (const { batch, lines } of batchesOf(store, chain, from.batch, known)) {
    const read = lines && linked(lines, chain, position, keys)
    position = { ...position, batch, ...(typeof read === 'object' && read.end) }
    if (typeof read === 'object') {
      digests.push(...read.digests)
      ;({ last } = read)
    } else problem ??= read ?? `batch ${batch} of ${chain} is missing`
    if (digests.length >= most) break
  }
  return { position, digests, ...(last && { last }), ...(problem !== undefined && { problem }) }
}

/** The digests of lines that follow, or what is wrong with the first that does not. */
function linked(
  lines: readonly string[],
  chain: string,
  before: Position,
  keys: readonly MacKey[],
): { digests: string[]; end: Link & { time: number }; last: Line | undefined } | string {
  let { seq, mac, time } = before
  let last: Line | undefined
  const digests: string[] = []
  for (const text of lines) {
    const line = readLine(text)
    const problem = line ? brokenLink(line, chain, { seq, mac }, keys) : 'is not an entry'
    if (!line || problem !== undefined) return `entry ${seq + 1} of ${chain} ${problem}`
    ;({ seq, mac } = line)
    if (line.entry) time = Math.max(time, Date.parse(line.entry.time))
    digests.push(line.digest)
    last = line
  }
  return { digests, end: { seq, mac, time }, last }
}

/** Why a line does not follow `before`, by the keys of AUDIT_SIGNING_KEY; undefined when it does. */
function brokenLink(line: Line, chain: string, before: Link, keys: readonly MacKey[]): string | undefined {
  if (line.chain !== chain) return `is of the chain ${line.chain}`
  if (line.seq !== before.seq + 1) return `is entry ${line.seq}`
  const key = keys.find(({ id }) => id === line.key)
  if (!key) return `was made with the key ${line.key}, which AUDIT_SIGNING_KEY does not have`
  return macOf(key, before.mac, line.digest) === line.mac ? undefined : 'was edited: its MAC does not hold'
}
