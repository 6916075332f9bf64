/** Moves the data of one store into another while no server uses either; can be stopped anywhere and run again. docs/decisions/0086-moves.md */
import { unfinishedWords } from '../../models/unfinished.ts'
import { isWhileServing, unfinishedKey } from '../../store/moving/mark.ts'
import type { Found } from '../../store/store.ts'
import { isOfLooks, requireUnused, write } from '../backup/fill.ts'
import { Refusal } from '../failure.ts'
import { compare, type Compared, contentsOf } from './digest.ts'
import {
  type Held,
  heldBy,
  isTargetOf,
  markTarget,
  movedAlready,
  type Moving,
  newMark,
  placeOf,
  requireEnded,
  requireFit,
  requireSourceOf,
  takenOver,
  takeOver,
  undoing,
} from './marks.ts'
import type { Stores } from './stores.ts'

/** Marks the source, so that no server and no command begins to use it. Resolves to the mark of this or an earlier run. */
async function markSource(stores: Stores, gone: readonly string[]): Promise<Held> {
  const { from, to } = stores
  const found = await heldBy(from)
  if (found) {
    requireSourceOf(found, stores)
    if (isWhileServing(found.mark))
      throw new Refusal('this move was begun while servers serve: add --while-serving')
    requireEnded(found.mark, gone)
    return takeOver(from, found)
  }
  const problem = unfinishedWords(await from.plain.get(unfinishedKey))
  if (problem !== undefined) throw new Refusal(`--from: ${placeOf(from)}: ${problem}`)
  await requireUnused(from, gone)
  const { raw, mark } = newMark(to, 'copying')
  if (!(await from.plain.create(unfinishedKey, raw)))
    throw new Refusal('another latchkey migrate has begun just now: wait for it')
  // One that arrived before the mark has given its sign by now; one that arrives after it sees the mark.
  await undoing(
    () => from.plain.take(unfinishedKey),
    () => requireUnused(from, gone),
  )
  return { raw, mark }
}

/** Records that are written at a time. */
const atOnce = 200
/** Records between two lines of progress. */
const often = 20_000

async function copy({ from, to }: Stores, held: Held, { progress }: Moving): Promise<number> {
  let count = 0
  let told = 0
  let waiting: Found[] = []
  const flush = async (): Promise<void> => {
    if ((await from.plain.get(unfinishedKey)) !== held.raw) throw takenOver()
    await Promise.all(waiting.map((found) => write(to.plain, found)))
    count += waiting.length
    waiting = []
    if (count - told < often) return
    told = count
    progress(`copied ${count} records`)
  }
  for await (const page of from.plain.scan()) {
    waiting.push(...page.filter((found) => !isOfLooks(found)))
    if (waiting.length >= atOnce) await flush()
  }
  await flush()
  return count
}

/** Milliseconds: what ends in this time is not looked for, because one store may have forgotten it before the other. */
const margin = 120_000

/** `copyMs`: how long it took to read all of the source and write it. */
async function verify({ from, to }: Stores, copyMs: number): Promise<Compared[]> {
  const until = performance.now() + margin + 4 * copyMs
  const options = {
    endsAfter: () => until - performance.now(),
    isKept: (found: Found) => !isOfLooks(found),
  }
  const source = await contentsOf(from.plain, options)
  return compare(source, await contentsOf(to.plain, options))
}

export interface Moved {
  records: number
  kinds: Compared[]
}

/** Resolves when the target is whole and may be served. Run again after any end, it goes on. */
export async function move(stores: Stores, moving: Moving): Promise<Moved> {
  const { from, to } = stores
  await requireFit(stores, moving)
  const held = await markSource(stores, moving.gone)
  let isOpen = true
  const target = async () => void (isOpen = await markTarget(stores, held))
  const isBegun = held.mark.state === 'moved' || isTargetOf(held.mark, (await heldBy(to))?.mark)
  await (isBegun ? target() : undoing(() => from.plain.take(unfinishedKey), target))
  if (!isOpen) throw movedAlready(to)
  moving.progress(`copying ${placeOf(from)} to ${placeOf(to)}`)
  const began = performance.now()
  const records = await copy(stores, held, moving)
  moving.progress(`copied ${records} records; comparing both stores`)
  const kinds = await verify(stores, performance.now() - began)
  const wrong = kinds.filter(({ missing, surplus }) => missing + surplus > 0)
  if (wrong.length > 0)
    throw new Refusal(
      `the stores differ: ${wrong.map(({ kind, missing, surplus }) => `${kind} (${missing} missing, ${surplus} surplus)`).join(', ')}. Something writes to one of them: stop it, undo the move with latchkey migrate abort, and begin again`,
    )
  // The source first: of both, at most one is ever served.
  const done = JSON.stringify({ ...held.mark, state: 'moved' })
  if (!(await from.plain.replace(unfinishedKey, held.raw, done))) throw takenOver()
  await to.plain.take(unfinishedKey)
  return { records, kinds }
}
