/** Sends the audit trail to a sink, at least once. The store is the queue: a sink that is down delays itself alone. docs/decisions/0084-audit-streams.md */
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { systemRandom } from '../../../lib/random.ts'
import { ownMember } from '../../../lib/own_member.ts'
import { replaceUnsafe } from '../../../lib/unsafe_text.ts'
import type { Store } from '../../../store/store.ts'
import type { Audit } from '../audit.ts'
import type { Covered } from '../checkpoint.ts'
import { type MacKey, readLine } from '../entry.ts'
import type { KindName } from '../kinds.ts'
import { record } from '../note.ts'
import { type Ranges, rangesText } from '../ranges.ts'
import { batchKey, chainsOf } from '../stored.ts'
import { gather, type Gathered, type Limits, type Outgoing } from './gather.ts'
import { type Cursor, readState, type State, type Stored, writeState } from './state.ts'

export type { Outgoing } from './gather.ts'

/** Where entries go. */
export interface Sink {
  /** Also the name of its cursor. */
  readonly name: string
  readonly limits: Limits
  /** Entries of other kinds are not sent. Default: all are. */
  readonly takes?: ReadonlySet<KindName>
  /**
   * Without a cursor it begins with what is written from now on, and in the first day of a trail with its oldest entry: the
   * first owner is made before the first start, or at once after it. Default: with the oldest entry.
   */
  readonly begins?: 'now'
  /** Resolves when the other side has all of them, within `longestAttempt`. */
  send(batch: readonly Outgoing[]): Promise<void>
}

/** Why a sink did not take a batch. `message` is for the operator and has no secret. */
export class SinkFailure extends Error {
  override readonly name = 'SinkFailure'
  /** Milliseconds until the other side wants to be asked again. */
  readonly retryAfter: number | undefined

  constructor(message: string, retryAfter?: number) {
    super(message)
    this.retryAfter = retryAfter
  }
}

/** Milliseconds. */
export const longestAttempt = 30_000
/** Longer than an attempt. Of an instance that died another one goes on after it. */
const leaseMs = 60_000
const firstDelay = 1_000
const longestDelay = 300_000
/** A sink that asks for more patience than this is asked sooner. */
const mostPatience = 3_600_000
const longestProblem = 300
/** Attempts of one turn; the job begins the next turn. */
const attempts = 20
/** Ranges that one entry names. */
const mostRanges = 500

export interface StreamParts {
  store: Store
  clock: Clock
  log: Log
  audit: Audit
  /** Called with the number of entries that were sent. */
  sent?: (entries: number) => void
}

/** From 0 to 1. */
const fraction = (): number => Buffer.from(systemRandom(3), 'base64url').readUIntBE(0, 3) / 2 ** 24

/** Doubles with each failure. The half is random, so that instances and sinks do not come together. */
export const delayAfter = (failures: number, random = fraction): number => {
  const most = Math.min(longestDelay, firstDelay * 2 ** Math.min(failures - 1, 20))
  return Math.round(most / 2 + (most / 2) * random())
}

/** Sends what is new. Resolves to whether there is more; never rejects because of the sink. */
export async function runStream(parts: StreamParts, sink: Sink): Promise<boolean> {
  const { store, clock, audit } = parts
  let stored = await readState(store, sink.name, audit.keys)
  if (sink.begins === 'now' && Object.keys(stored.state.chains).length === 0)
    return beginNow(parts, sink, stored)
  const isOthers = () => {
    const left = stored.state.until - clock.now()
    // A lease of the far future is that of a clock that was wrong.
    return stored.state.owner !== audit.instance && left > 0 && left <= 2 * leaseMs
  }
  const isEarly = () => {
    const wait = stored.state.retryAt - clock.now()
    return wait > 0 && wait <= mostPatience // a clock that was set back does not stop the stream
  }
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (isOthers() || isEarly() || !(await isBehind(store, stored.state))) return false
    const claimed = await writeState(store, sink.name, audit.keys, stored, {
      ...stored.state,
      chains: await uncut(store, stored.state),
      owner: audit.instance,
      until: clock.now() + leaseMs,
    })
    if (!claimed) return false // another instance was first
    const found = await gatherFor(parts, sink, claimed.state)
    const next = await attemptOne(parts, sink, claimed, found)
    if (!next || next.state.failures > 0) return false
    stored = next
    if (!found.more) return false
  }
  return true
}

async function beginNow(parts: StreamParts, { name }: Sink, stored: Stored): Promise<boolean> {
  const { store, audit } = parts
  const known = await chainsOf(store)
  const isFirst = await isYoung(parts, known)
  const chains: State['chains'] = {}
  for (const [chain, batch] of known)
    chains[chain] = isFirst ? { batch: 0, seq: 0 } : { batch, seq: await lastSeq(store, chain, batch) }
  await writeState(store, name, audit.keys, stored, { ...stored.state, chains })
  return isFirst && known.size > 0
}

/** Milliseconds in which a trail is young. */
const youngMs = 86_400_000
/** Chains of a young trail. */
const fewChains = 10

/** Whether every chain began within the last day. What the retention has removed is older. */
async function isYoung({ store, clock }: StreamParts, known: ReadonlyMap<string, number>): Promise<boolean> {
  if (known.size > fewChains) return false
  for (const chain of known.keys()) {
    const [line = ''] = ((await store.get(batchKey(chain, 1))) ?? '').split('\n', 1)
    const time = readLine(line)?.entry?.time
    if (time === undefined || Date.parse(time) < clock.now() - youngMs) return false
  }
  return true
}

/** Whether the index of chains knows of a batch that was not sent, or of fewer than were sent. */
async function isBehind(store: Store, { chains }: State): Promise<boolean> {
  for (const [chain, latest] of await chainsOf(store))
    if (latest > (chains[chain]?.batch ?? 0) || isCut(chains[chain], latest)) return true
  return false
}

/** The store was put back to an older state. The index may be one behind after a crash. */
const isCut = (cursor: Cursor | undefined, latest: number): boolean =>
  cursor !== undefined && cursor.batch > latest + 1

/** A chain that was cut is sent anew: nothing says which of its entries are those that were sent before. */
async function uncut(store: Store, { chains }: State): Promise<State['chains']> {
  const fitting = { ...chains }
  for (const [chain, latest] of await chainsOf(store))
    if (isCut(chains[chain], latest)) fitting[chain] = { batch: 0, seq: 0 }
  return fitting
}

function gatherFor({ store, audit }: StreamParts, sink: Sink, { chains }: State): Promise<Gathered> {
  let newest: Promise<Readonly<Record<string, { base: Covered }>>> | undefined
  const baseOf = async (chain: string) => {
    newest ??= audit.checkpoints.newest().then((found) => found?.checkpoint.chains ?? {})
    return ownMember(await newest, chain)?.base
  }
  return gather({ store, limits: sink.limits, takes: sink.takes, baseOf }, chains)
}

/** Undefined when another instance has the lease now. The cursor moves after the sink has taken all. */
async function attemptOne(
  parts: StreamParts,
  sink: Sink,
  claimed: Stored,
  { items, chains, gaps }: Gathered,
): Promise<Stored | undefined> {
  const { store, clock, audit } = parts
  const free = { owner: '', until: 0 }
  try {
    if (items.length > 0) await sink.send(items)
  } catch (error) {
    const failed = failure(parts, sink, claimed.state, error)
    return writeState(store, sink.name, audit.keys, claimed, { ...claimed.state, ...free, ...failed })
  }
  for (const [chain, ranges] of gaps) await tellGap(parts, sink.name, chain, ranges)
  const { failures, failingSince } = claimed.state
  if (failures > 0)
    parts.log.info('audit_stream_recovered', {
      stream: sink.name,
      seconds: Math.round((clock.now() - failingSince) / 1000),
    })
  const good = { failures: 0, retryAt: 0, failingSince: 0, problem: '' }
  const moved = await writeState(store, sink.name, audit.keys, claimed, { chains, ...free, ...good })
  if (moved) parts.sent?.(items.length)
  return moved
}

/** One line of the log for each outage; /health has the state. */
function failure({ clock, log }: StreamParts, sink: Sink, before: State, error: unknown): Partial<State> {
  const failures = before.failures + 1
  const told = error instanceof Error ? error.message : String(error)
  const problem = replaceUnsafe(told, 'line', ' ').slice(0, longestProblem)
  const asked = error instanceof SinkFailure ? (error.retryAfter ?? 0) : 0
  const delay = Math.max(delayAfter(failures), Math.min(asked, mostPatience))
  if (failures === 1)
    log.error('audit_stream_failed', {
      stream: sink.name,
      problem,
      next: 'it is tried again; nothing is lost',
    })
  const failingSince = failures === 1 ? clock.now() : before.failingSince
  return { failures, failingSince, problem, retryAt: clock.now() + delay }
}

async function tellGap(
  { audit, log }: StreamParts,
  stream: string,
  chain: string,
  ranges: Ranges,
): Promise<void> {
  for (let at = 0; at < ranges.length; at += mostRanges) {
    const some = ranges.slice(at, at + mostRanges)
    const count = some.reduce((sum, [from, to]) => sum + to - from + 1, 0)
    const facts = { stream, chain, ranges: rangesText(some), count }
    log.warn('stream_gap', facts)
    await record(undefined, audit, 'stream_gap', facts)
  }
}

export interface StreamState {
  /** Entries that were not sent yet. */
  lag: number
  /** Why the last attempt failed. */
  problem: string | undefined
  /** Milliseconds: since when attempts fail. */
  failingSince: number | undefined
}

/** What /health and /metrics say of a stream. Of each chain that is behind, its newest batch is read. */
export async function stateOf(store: Store, sink: string, keys: readonly MacKey[]): Promise<StreamState> {
  const { state } = await readState(store, sink, keys)
  let lag = 0
  for (const [chain, latest] of await chainsOf(store)) {
    const { batch, seq } = state.chains[chain] ?? { batch: 0, seq: 0 }
    if (latest > batch) lag += Math.max(0, (await lastSeq(store, chain, latest)) - seq)
  }
  const isFailing = state.failures > 0
  return {
    lag,
    problem: isFailing ? state.problem : undefined,
    failingSince: isFailing ? state.failingSince : undefined,
  }
}

async function lastSeq(store: Store, chain: string, latest: number): Promise<number> {
  const text = (await store.get(batchKey(chain, latest))) ?? ''
  return Number(/"seq":(\d{1,15})/.exec(text.slice(text.lastIndexOf('\n') + 1))?.[1] ?? 0)
}

/** The cursors of these sinks, for the retention: what a sink has not sent is kept for a time. */
export async function cursorsOf(
  store: Store,
  sinks: readonly string[],
  keys: readonly MacKey[],
): Promise<ReadonlyMap<string, State['chains']>> {
  const found = new Map<string, State['chains']>()
  for (const sink of sinks) found.set(sink, (await readState(store, sink, keys)).state.chains)
  return found
}
