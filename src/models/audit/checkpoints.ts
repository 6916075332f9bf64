/** Makes checkpoints: one sequence for all instances, each covering what was written to all chains since the one before. */
import type { Clock } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import type { Log } from '../../lib/log.ts'
import type { KeyRing } from '../key_ring.ts'
import type { Store } from '../../store/store.ts'
import {
  beginning,
  type Checkpoint,
  type Covered,
  entriesOfCheckpoint,
  hashAfter,
  longestCheckpoint,
  markOf,
  mostMarks,
  readCheckpoint,
  type Segment,
  signCheckpoint,
} from './checkpoint.ts'
import type { MacKey } from './entry.ts'
import { trailIssuer } from './trail_issuer.ts'
import { chainsOf, checkpointKey, newestCheckpoint, type Position, walk, writeCheckpoint } from './stored.ts'
import type { Trail } from './trail.ts'

export interface Newest {
  number: number
  jws: string
  checkpoint: Checkpoint
}

/** What the retention has removed: for each chain the position up to which, and the oldest checkpoint still needed. */
export interface Trimmed {
  bases: ReadonlyMap<string, Covered>
  first: number
}

export interface Checkpoints {
  newest(): Promise<Newest | undefined>
  /**
   * Signs what is new: of `trail`, and of the other chains. Those of servers that run make their own, so that another one
   * does it only when they have not; `all` waits for none.
   */
  extend(
    trail: Trail | undefined,
    options?: { all?: boolean; trimmed?: Trimmed },
  ): Promise<Newest | undefined>
  /** What this process found wrong in the store. */
  problem(): string | undefined
}

interface Parts {
  store: Store
  log: Log
  clock: Clock
  issuer: string
  keys: readonly MacKey[]
  ring: KeyRing
  /** Called once for each thing that is wrong. */
  damaged(problem: string): void
}

/** Failed attempts, each of which means that another instance succeeded. */
const maxAttempts = 50
/** Checkpoints that are looked back for one that is signed. */
const mostBack = 100
/** Problems that are remembered as told. */
const mostTold = 1_000

export function createCheckpoints({ store, log, clock, issuer, keys, ring, damaged }: Parts): Checkpoints {
  let known: Newest | undefined
  let problem: string | undefined
  const told = new Set<string>()
  /** The newest batch of each chain at the last look. */
  let seen = new Map<string, number>()

  /** Each once: several that take turns would fill the trail. */
  function report(text: string): void {
    problem = text
    if (told.has(text)) return
    if (told.size >= mostTold) told.clear()
    told.add(text)
    damaged(text)
  }

  /** An instance remembers the newest checkpoint, so that a store that is put back to an older state is noticed. */
  async function requireKnown(newest: number, first: number): Promise<void> {
    if (!known || known.number < first) return
    const stored = await store.get(checkpointKey(known.number))
    if (newest < known.number || stored !== known.jws)
      report(
        `checkpoint ${known.number} is no longer in the store, or is another one: the trail was cut or replaced`,
      )
  }

  async function newest(): Promise<Newest | undefined> {
    const found = await newestCheckpoint(store)
    if (found?.missing !== undefined)
      report(
        `checkpoint ${found.missing} is named by the index and is not there: the trail was cut, or the index was changed`,
      )
    if (!found) {
      if (known) report(`checkpoint ${known.number} is no longer in the store: the trail was cut or replaced`)
      return known && { ...known }
    }
    let { number, jws } = found
    let checkpoint = await readAt(number, jws)
    for (let back = 0; !checkpoint && back < mostBack && number > 1; back += 1) {
      number -= 1
      jws = (await store.get(checkpointKey(number))) ?? ''
      checkpoint = await readAt(number, jws)
    }
    if (!checkpoint) return known
    await requireKnown(found.number, checkpoint.first)
    const last = { number: found.number, jws: found.jws, checkpoint }
    if (!known || last.number >= known.number) known = last
    return known
  }

  /** Undefined, and reported, for another text than the one that was written there. */
  async function readAt(number: number, jws: string): Promise<Checkpoint | undefined> {
    const checkpoint = await read(jws)
    if (checkpoint?.number === number) return checkpoint
    report(
      checkpoint
        ? `checkpoint ${number} is another one: ${checkpoint.number} was put in its place`
        : `checkpoint ${number} is not signed by a key of this provider`,
    )
    return undefined
  }

  /** Of the issuer under which the trail began: ISSUER_URL may have changed since, or be missing in a command. */
  async function read(jws: string): Promise<Checkpoint | undefined> {
    let checkpoint = readCheckpoint(ring, jws)
    if (!checkpoint) {
      await ring.refresh() // another instance may have made the first key, or rotated it
      checkpoint = readCheckpoint(ring, jws)
    }
    const { iss } = known?.checkpoint ?? checkpoint ?? {}
    return checkpoint?.iss === iss ? checkpoint : undefined
  }

  interface Found {
    position: Position
    digests: readonly string[]
  }

  async function newOf(
    chain: string,
    covered: Covered,
    { trail, latest, all }: { trail: Trail | undefined; latest: number; all: boolean },
  ): Promise<Found | undefined> {
    if (chain === trail?.chain) {
      const recent = trail.recent(covered.seq)
      if (recent) return recent
    } else if (!all && (latest <= covered.batch || seen.get(chain) !== latest)) return undefined
    const walked = await walk(store, chain, covered, { known: latest, keys, most: entriesOfCheckpoint })
    if (walked.problem !== undefined) report(walked.problem)
    return walked
  }

  async function extend(
    trail: Trail | undefined,
    { all = false, trimmed }: { all?: boolean; trimmed?: Trimmed } = {},
  ): Promise<Newest | undefined> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const last = await newest()
      const now = await chainsOf(store)
      const iss = trailIssuer(last, issuer)
      const chains = new Map(Object.entries(last?.checkpoint.chains ?? {}))
      const segments: Segment[] = []
      let left = mostMarks
      for (const chain of new Set([...chains.keys(), ...now.keys()])) {
        const start = beginning(iss, chain)
        const { base, ...covered } = chains.get(chain) ?? { ...start, base: start }
        const next = trimmed?.bases.get(chain) ?? base
        // A name of the index is a chain when an entry of it holds by its MAC: anyone may have written the name.
        if (chains.has(chain)) chains.set(chain, { ...covered, base: next })
        if (left <= 0) continue
        const found = await newOf(chain, covered, { trail, latest: now.get(chain) ?? 0, all })
        if (!found || found.digests.length === 0) continue
        const { digests, position } = found
        left -= digests.length
        const hash = hashAfter(covered.hash, digests)
        chains.set(chain, { ...position, hash, base: next })
        const from = covered.seq + 1
        segments.push({ chain, from, to: position.seq, marks: digests.map(markOf).join('') })
      }
      seen = now
      if (segments.length === 0 && !trimmed) return last
      const number = (last?.number ?? 0) + 1
      const checkpoint: Checkpoint = {
        iss,
        number,
        first: trimmed?.first ?? last?.checkpoint.first ?? 1,
        prev: last ? sha256(last.jws) : '',
        time: clock.now(),
        chains: Object.fromEntries(chains),
        segments,
      }
      const jws = signCheckpoint(ring.signer('EdDSA'), checkpoint)
      // A verification would refuse it, and no later entry would be signed.
      if (jws.length > longestCheckpoint) {
        report(
          `the trail has ${chains.size} chains, too many for a checkpoint: set AUDIT_CHAIN to a name that stays when an instance or a command runs again`,
        )
        return last
      }
      if (!(await writeCheckpoint(store, number, jws))) continue
      known = { number, jws, checkpoint }
      // A copy of this line that is kept elsewhere shows later that the trail was cut or replaced (--seen).
      log.info('audit_checkpoint', { checkpoint: `${number}:${sha256(jws)}` })
      const own = trail && chains.get(trail.chain)
      if (own) trail.covered(own.seq)
      return known
    }
    throw new Error(`the checkpoint of the audit trail was written by another process ${maxAttempts} times`)
  }

  /** One at a time: the job and the retention of one process would each remember another state. */
  let turn: Promise<unknown> = Promise.resolve()
  return {
    newest,
    extend(...args) {
      const made = turn.then(() => extend(...args))
      turn = made.catch(() => {})
      return made
    },
    problem: () => problem,
  }
}
