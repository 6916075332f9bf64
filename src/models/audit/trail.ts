/** The chain of this process: entries wait at most a second, and are written in batches. docs/decisions/0078-audit-trail.md */
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { escapeCharacter, replaceUnsafe } from '../../lib/unsafe_text.ts'
import { type Store, StoreUnavailable } from '../../store/store.ts'
import { type Entry, type MacKey, seal } from './entry.ts'
import { schemaVersion } from './kinds.ts'
import { chainsOf, entriesOfBatch, type Position, walk, writeBatch } from './stored.ts'

/** An entry before it has its place in the chain. */
export type Draft = Omit<Entry, 'v' | 'chain' | 'seq' | 'time' | 'clock' | 'key' | 'mac'>

/** What was written since a checkpoint. */
export interface Recent {
  from: number
  digests: readonly string[]
  position: Position
}

export interface Trail {
  readonly chain: string
  /** Resolves when the entry is in the store; rejects with StoreUnavailable, and then writes it as soon as it can. */
  keep(draft: Draft): Promise<void>
  /** Writes the entry within a second. */
  later(draft: Draft): void
  /** Resolves when all entries so far are in the store. */
  flush(): Promise<void>
  /** What this process has written after entry `after`; undefined when another process wrote to the chain too. */
  recent(after: number): Recent | undefined
  /** Called after a checkpoint: those up to `seq` need not be remembered. */
  covered(seq: number): void
  /** Events that were lost because the store was down and too many waited. */
  lost(): number
  /** Waits for the last entries; then nothing is written. */
  close(): Promise<void>
}

export interface TrailParts {
  store: Store
  clock: Clock
  log: Log
  chain: string
  /** The first makes MACs, the others verify. */
  keys: readonly MacKey[]
}

/** Milliseconds. */
const longestWait = 500
const retryAfter = 1_000
/** Entries that wait while the store is down. About 700 bytes each. */
const mostWaiting = 20_000
/** Digests that are remembered for the next checkpoint; beyond it the checkpoint reads the store. */
const mostRecent = 20_000

interface Waiting {
  draft: Draft
  at: number
  settle?: { resolve(): void; reject(error: unknown): void }
}

/** Entries of a busy instance often have the time of the one before. */
function createIso(): (ms: number) => string {
  let last = Number.NaN
  let text = ''
  return (ms) => {
    if (ms !== last) text = new Date((last = ms)).toISOString()
    return text
  }
}

export function createTrail({ store, clock, log, chain, keys }: TrailParts, start: Position): Trail {
  const key = keys[0]!
  const isoOf = createIso()
  let position = start
  let recentFrom = start.seq + 1
  let digests: string[] | undefined = []
  let waiting: Waiting[] = []
  /** A batch whose answer was lost, which may be in the store: it is tried again as it was, so that no event is two entries. */
  let tried: (ReturnType<typeof sealAll> & { some: readonly Waiting[] }) | undefined
  let timer: Timer | undefined
  let running: Promise<void> | undefined
  let lost = 0
  let allLost = 0
  let lostSince = 0
  let isClosed = false

  const head = `{"v":${schemaVersion},"chain":"${chain}","seq":`

  function sealAll(some: readonly Waiting[]) {
    let { seq, mac, time } = position
    const lines: string[] = []
    const made: string[] = []
    for (const { draft, at } of some) {
      seq += 1
      time = Math.max(time, at)
      // Pieces of JSON: the draft is written once, and nothing is copied.
      const clocked = at < time - 1000 ? `"clock":"${new Date(at).toISOString()}",` : ''
      // JSON leaves characters that end or reorder a line for the programs that show it. They stand in texts alone.
      const inner = replaceUnsafe(JSON.stringify(draft).slice(1, -1), 'line', escapeCharacter)
      const body = `${head}${seq},"time":"${isoOf(time)}",${clocked}${inner},"key":"${key.id}"}`
      const sealed = seal(body, mac, key)
      ;({ mac } = sealed)
      lines.push(sealed.line)
      made.push(sealed.digest)
    }
    return { lines, made, next: { seq, mac, time, batch: position.batch + 1 } }
  }

  /** Another process has written to this chain: continue after what it wrote. */
  async function catchUp(): Promise<void> {
    const known = (await chainsOf(store)).get(chain) ?? 0
    const walked = await walk(store, chain, position, { known, keys })
    digests = undefined
    position = walked.position
    if (walked.problem !== undefined) log.error('audit_trail_damaged', { chain, problem: walked.problem })
  }

  /** Ends in the same turn in which it finds nothing more to write, so that no entry comes in between. */
  async function writeAll(): Promise<void> {
    try {
      while (waiting.length > 0) await writeSome()
    } finally {
      running = undefined
    }
  }

  async function writeSome(): Promise<void> {
    if (!tried) {
      const some = waiting.slice(0, entriesOfBatch)
      tried = { ...sealAll(some), some }
    }
    const { some, lines, made, next } = tried
    const isWritten = await writeBatch(store, chain, next.batch, lines)
    tried = undefined
    if (!isWritten) return catchUp()
    position = next
    waiting.splice(0, some.length)
    if (digests && digests.length < mostRecent) digests.push(...made)
    else digests = undefined
    for (const { settle } of some) settle?.resolve()
    noteLost()
  }

  function noteLost(): void {
    if (lost === 0) return
    const since = new Date(lostSince).toISOString()
    push({
      kind: 'audit_gap',
      outcome: 'failure',
      reason: 'too_many_waited',
      actor: 'server',
      details: { since, lost },
    })
    lost = 0
  }

  function push(draft: Draft, settle?: Waiting['settle']): void {
    waiting.push({ draft, at: clock.now(), ...(settle && { settle }) })
  }

  function write(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (waiting.length === 0) return Promise.resolve()
    running ??= writeAll().catch((error: unknown) => {
      // The entries stay, because what they tell has happened; who waits for one is told that it is not stored yet.
      for (const each of waiting) {
        each.settle?.reject(error)
        delete each.settle
      }
      if (!(error instanceof StoreUnavailable)) log.error('audit_not_written', { problem: String(error) })
      writeSoon(retryAfter)
      throw error
    })
    return running
  }

  function writeSoon(ms: number): void {
    if (isClosed) return
    timer ??= setTimeout(() => {
      timer = undefined
      write().catch(() => {}) // it has been logged, and is tried again
    }, ms)
  }

  const flush = async (): Promise<void> => {
    await running
    if (waiting.length > 0) await write()
  }

  return {
    chain,
    keep(draft) {
      if (waiting.length >= mostWaiting)
        return Promise.reject(new StoreUnavailable('the audit trail waits for the store'))
      return new Promise((resolve, reject) => {
        push(draft, { resolve, reject })
        if (!running) write().catch(() => {}) // it rejects the promise of this entry
      })
    },
    later(draft) {
      if (waiting.length < mostWaiting) {
        push(draft)
        if (!running && isClosed)
          write().catch(() => {}) // of a request that was under way when a realm was closed
        else if (!running) writeSoon(longestWait)
        return
      }
      if (lost === 0) lostSince = clock.now()
      lost += 1
      allLost += 1
    },
    flush,
    recent: (after) =>
      digests && after + 1 >= recentFrom
        ? { from: after + 1, digests: digests.slice(after + 1 - recentFrom), position }
        : undefined,
    covered(seq) {
      if (digests) digests = digests.slice(Math.max(0, seq + 1 - recentFrom))
      else if (seq === position.seq) digests = []
      recentFrom = seq + 1
    },
    lost: () => allLost,
    async close() {
      await flush()
      isClosed = true
      clearTimeout(timer)
    },
  }
}
