/** Looks entries up, newest first, in all chains together. Each look reads a bounded number of entries. docs/audit.md */
import { ownMember } from '../../lib/own_member.ts'
import type { Store } from '../../store/store.ts'
import type { Checkpoint } from './checkpoint.ts'
import { type Entry, readLine } from './entry.ts'
import { batchKey, chainsOf } from './stored.ts'

/** All that are given must hold. */
export interface Filter {
  kinds?: ReadonlySet<string> | undefined
  outcome?: string | undefined
  actor?: string | undefined
  /** A pseudonym. */
  subject?: string | undefined
  client?: string | undefined
  address?: string | undefined
  operator?: string | undefined
  request?: string | undefined
  /** Milliseconds, inclusive. */
  from?: number | undefined
  to?: number | undefined
}

/** The place of an entry among all: by time, then chain, then number. */
export interface Place {
  time: number
  chain: string
  seq: number
  /** Chains whose newer batches have nothing more, because what they had was dropped: the batch that is read next. */
  passed?: Readonly<Record<string, number>> | undefined
}

/** Before the newest entry. */
const top: Place = { time: Number.MAX_SAFE_INTEGER, chain: '', seq: Number.MAX_SAFE_INTEGER }

export interface Page {
  entries: Entry[]
  /** Where the next page begins; undefined when there is no more. */
  next: Place | undefined
  /** Entries that were read. */
  looked: number
}

export interface Look {
  limit: number
  /** Only what comes after it. */
  after?: Place | undefined
  /** Entries that are read at most. */
  most: number
  /** Batches that are read at most: what the retention has dropped is no entry, and takes time too. Default: any number. */
  mostBatches?: number
  /** Where each chain begins: all before was dropped. */
  bases?: Checkpoint['chains'] | undefined
}

const members = {
  outcome: 'outcome',
  actor: 'actor',
  subject: 'subject',
  client: 'client_id',
  address: 'address',
  operator: 'operator',
  request: 'request_id',
} as const satisfies Partial<Record<keyof Filter, keyof Entry>>

function fits(entry: Entry, filter: Filter): boolean {
  if (filter.kinds && !filter.kinds.has(entry.kind)) return false
  for (const [name, member] of Object.entries(members))
    if (
      filter[name as keyof typeof members] !== undefined &&
      filter[name as keyof typeof members] !== entry[member]
    )
      return false
  return true
}

/** Negative when `one` comes first: it is newer. */
const order = (one: Place, other: Place): number =>
  other.time - one.time || (one.chain < other.chain ? -1 : one.chain > other.chain ? 1 : other.seq - one.seq)

const placeOf = ({ time, chain, seq }: Entry): Place => ({ time: Date.parse(time), chain, seq })

/** Missing batches in a row after which a chain ends: the rest was deleted, which `verify` names. */
const mostMissing = 100
/** Chains whose newest batch is read together. */
const together = 50

export async function searchTrail(store: Store, filter: Filter, look: Look): Promise<Page> {
  const { limit, after, most, bases = {}, mostBatches = Infinity } = look
  const newestTime = Math.min(filter.to ?? Infinity, after?.time ?? Infinity)
  const left = { batches: mostBatches }
  const heads: Backwards[] = []
  const chains = [...(await chainsOf(store))]
  for (let at = 0; at < chains.length; at += together)
    heads.push(
      ...(await Promise.all(
        chains.slice(at, at + together).map(([chain, latest]) =>
          backwards(store, chain, {
            latest,
            base: ownMember(bases, chain)?.base.batch ?? 0,
            top: newestTime,
            from: ownMember(after?.passed ?? {}, chain),
            left,
          }),
        ),
      )),
    )
  const page: Page = { entries: [], next: undefined, looked: 0 }
  for (;;) {
    const passed = passedBy(heads)
    if (passed) return { ...page, next: { ...(page.next ?? after ?? top), passed } }
    const head = newest(heads)
    const entry = head?.entry()
    if (!head || !entry) return { ...page, next: undefined }
    const place = placeOf(entry)
    if (place.time < (filter.from ?? -Infinity)) return { ...page, next: undefined }
    if (page.entries.length >= limit || page.looked >= most)
      // All that was read is newer than what was asked for: the next look begins in these batches.
      return page.next ? page : { ...page, next: { ...(after ?? top), passed: batchesAt(heads) } }
    page.looked += 1
    const isAsked = place.time <= newestTime && (!after || order(after, place) < 0)
    if (isAsked) {
      page.next = place
      if (fits(entry, filter)) page.entries.push(entry)
    }
    await head.step()
  }
}

/** Chains that a place names at most: a cursor has a bounded length. Each look goes on in these. */
const mostPassed = 200

const batchesAt = (heads: readonly Backwards[]): Record<string, number> =>
  Object.fromEntries(heads.slice(0, mostPassed).map((head) => [head.chain, head.batch()]))

/** Undefined when it is known for each chain which entry is next. */
function passedBy(heads: readonly Backwards[]): Record<string, number> | undefined {
  const open = heads.filter((head) => head.isUnread())
  if (open.length === 0) return undefined
  // All of them: what a look has passed over, or read to its end, is not read again in the next.
  return batchesAt([...open, ...heads.filter((head) => !head.isUnread())])
}

function newest(heads: readonly Backwards[]): Backwards | undefined {
  let first: Backwards | undefined
  let at: Place | undefined
  for (const head of heads) {
    const entry = head.entry()
    if (!entry) continue
    const place = placeOf(entry)
    if (at && order(at, place) <= 0) continue
    first = head
    at = place
  }
  return first
}

/** One chain, from its end to its beginning. */
interface Backwards {
  chain: string
  entry(): Entry | undefined
  /** No more may be read in this look, and what is next is not known. */
  isUnread(): boolean
  /** The batch of the entry, or the one that is read next. */
  batch(): number
  step(): Promise<void>
}

async function backwards(
  store: Store,
  chain: string,
  {
    from,
    left,
    ...bounds
  }: { latest: number; base: number; top: number; from: number | undefined; left: { batches: number } },
): Promise<Backwards> {
  const { base } = bounds
  let entries: Entry[] = []
  let batch = from ?? (await startOf(store, chain, bounds))
  let missing = 0
  const isOver = () => entries.length > 0 || batch <= base || missing >= mostMissing

  async function fill(): Promise<void> {
    while (!isOver() && left.batches > 0) {
      left.batches -= 1
      const text = await store.get(batchKey(chain, batch))
      batch -= 1
      missing = text === undefined ? missing + 1 : 0
      entries = (text ?? '').split('\n').flatMap((line) => entryOf(line, chain))
    }
  }

  await fill()
  return {
    chain,
    entry: () => entries.at(-1),
    isUnread: () => !isOver(),
    batch: () => (entries.length > 0 ? batch + 1 : batch),
    async step() {
      entries.pop()
      if (entries.length === 0) await fill()
    },
  }
}

function entryOf(line: string, chain: string): Entry[] {
  const entry = readLine(line)?.entry
  return entry?.chain === chain ? [entry] : []
}

/** The newest batch that begins at `top` or before: times never go back in a chain, so that it is found by halving. */
async function startOf(
  store: Store,
  chain: string,
  { latest, base, top }: { latest: number; base: number; top: number },
): Promise<number> {
  // The index is one behind after a crash between two verbs.
  const last = (await store.get(batchKey(chain, latest + 1))) === undefined ? latest : latest + 1
  if (top === Infinity) return last
  let low = base
  let high = last
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const time = timeOf(await store.get(batchKey(chain, middle)))
    // What is missing or was dropped says nothing: the older half is left for later.
    if (time !== undefined && time > top) high = middle - 1
    else low = middle
  }
  return low
}

/** The time of the first entry of a batch. */
const timeOf = (text: string | undefined): number | undefined => {
  const found = text === undefined ? undefined : /"time":"([0-9T:.Z-]{24})"/.exec(text)?.[1]
  return found === undefined ? undefined : Date.parse(found)
}

/** For commands, which read any number of batches. */
export const placeText = ({ time, chain, seq }: Place): string => `${time}.${seq}.${chain}`

/** Undefined for another text. */
export function readPlace(text: string): Place | undefined {
  const [, time, seq, chain] = /^(\d{1,15})\.(\d{1,15})\.([\w.-]{1,200})$/.exec(text) ?? []
  return chain === undefined ? undefined : { time: Number(time), seq: Number(seq), chain }
}
