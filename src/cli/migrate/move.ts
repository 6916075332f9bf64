/** Moves the data of one store into another while no server uses either; can be stopped anywhere and run again. docs/decisions/0086-moves.md */
import { keyRingSecret } from '../../app.ts'
import { systemRandom } from '../../lib/random.ts'
import { hasData } from '../../models/birth.ts'
import { requireReadable } from '../../models/readable_keys.ts'
import { type MoveMark, parseMoveMark, unfinishedKey, unfinishedWords } from '../../models/unfinished.ts'
import type { Found, Store } from '../../store/store.ts'
import { storeLocation } from '../administration.ts'
import { clear, isEmpty, isOfLooks, requireUnused, write } from '../backup/fill.ts'
import { Refusal } from '../failure.ts'
import { encrypted, type OpenedPlain, refusedConcern } from '../open.ts'
import { hasEnded, machine, ownId } from '../own_process.ts'
import { compare, type Compared, contentsOf } from './digest.ts'
import type { Stores } from './stores.ts'

export interface Moving {
  /** Processes that did not leave in order and have ended, by the word of the operator. */
  gone: readonly string[]
  progress(words: string): void
}

/** A mark, and the text of the store that it was read from: a swap names this text. */
interface Held {
  raw: string
  mark: MoveMark
}

const ownRun = (): string => `${machine}/${ownId}/${systemRandom(6)}`
const placeOf = ({ config }: OpenedPlain): string => storeLocation(config)

async function heldBy({ plain }: OpenedPlain): Promise<Held | undefined> {
  const raw = await plain.get(unfinishedKey)
  const mark = parseMoveMark(raw)
  return raw === undefined || !mark ? undefined : { raw, mark }
}

/** The command that began this move must have ended: one that is frozen would write later. */
function requireEnded({ run }: MoveMark, gone: readonly string[]): void {
  const [, id = ''] = run.split('/')
  const name = run.slice(0, run.lastIndexOf('/'))
  if (hasEnded(id) || gone.includes(name)) return
  throw new Refusal(
    `${name} works on this move: wait for it. If it is frozen, end it, then say that it is gone with --gone ${name}`,
  )
}

/** The move is ours from here on; another command that has begun it stops at its next page. */
async function takeOver({ plain }: OpenedPlain, { raw, mark }: Held): Promise<Held> {
  const next = { ...mark, run: ownRun() }
  const text = JSON.stringify(next)
  if (!(await plain.replace(unfinishedKey, raw, text)))
    throw new Refusal('another latchkey migrate works on this move: wait for it')
  return { raw: text, mark: next }
}

function requireSourceOf({ mark }: Held, { from, to }: Stores): void {
  if (mark.role === 'target')
    throw new Refusal(
      `--from: ${placeOf(from)} is the target of a move: ${unfinishedWords(JSON.stringify(mark))}`,
    )
  if (mark.other !== placeOf(to))
    throw new Refusal(`--from: ${unfinishedWords(JSON.stringify(mark))}; --to names ${placeOf(to)}`)
}

/** Marks the source, so that no server and no command begins to use it. Resolves to the mark of this or an earlier run. */
async function markSource(stores: Stores, gone: readonly string[]): Promise<Held> {
  const { from, to } = stores
  const found = await heldBy(from)
  if (found) {
    requireSourceOf(found, stores)
    requireEnded(found.mark, gone)
    return takeOver(from, found)
  }
  const problem = unfinishedWords(await from.plain.get(unfinishedKey))
  if (problem !== undefined) throw new Refusal(`--from: ${placeOf(from)}: ${problem}`)
  await requireUnused(from, gone)
  const mark: MoveMark = {
    move: systemRandom(12),
    role: 'source',
    state: 'copying',
    other: placeOf(to),
    run: ownRun(),
  }
  const raw = JSON.stringify(mark)
  if (!(await from.plain.create(unfinishedKey, raw)))
    throw new Refusal('another latchkey migrate has begun just now: wait for it')
  // One that arrived before the mark has given its sign by now; one that arrives after it sees the mark.
  await undoing(
    () => from.plain.take(unfinishedKey),
    () => requireUnused(from, gone),
  )
  return { raw, mark }
}

/** Runs `undo` when `work` refuses: nothing was written yet. After a failure of a store the next run goes on. */
async function undoing(undo: () => Promise<unknown>, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof Refusal) await undo()
    throw error
  }
}

const isTargetOf = ({ move: id }: MoveMark, there: MoveMark | undefined): boolean =>
  there?.move === id && there.role === 'target'

/** Marks the target, which must be empty. False where it was whole already: an earlier run ended there. */
async function markTarget({ from, to }: Stores, { mark }: Held): Promise<boolean> {
  const raw = await to.plain.get(unfinishedKey)
  const there = parseMoveMark(raw)
  if (there) {
    if (isTargetOf(mark, there)) return true
    throw new Refusal(
      there.move === mark.move
        ? '--from and --to are one store: name another one in --to'
        : `--to: ${placeOf(to)} belongs to another move: ${unfinishedWords(raw)}`,
    )
  }
  if (raw !== undefined) throw new Refusal(`--to: ${placeOf(to)}: ${unfinishedWords(raw)}`)
  if (mark.state === 'moved') return false
  if (!(await isEmpty(to.plain))) throw new Refusal(`--to: ${placeOf(to)} has data: name an empty store`)
  await requireUnused(to)
  const target: MoveMark = { ...mark, role: 'target', other: placeOf(from) }
  if (!(await to.plain.create(unfinishedKey, JSON.stringify(target))))
    throw new Refusal(`--to: another command has begun to fill ${placeOf(to)} just now`)
  if (!(await isEmpty(to.plain))) {
    await to.plain.take(unfinishedKey)
    throw new Refusal(`--to: ${placeOf(to)} is in use`)
  }
  return true
}

async function requireFit({ from, to }: Stores): Promise<void> {
  const { config, plain } = from
  const store = await encrypted(plain, config)
  await requireReadable(store, plain, keyRingSecret(config.secretKey))
  if (!(await hasData(store)))
    throw new Refusal(`--from: ${placeOf(from)} has no data: is it the store of the server?`)
  const { refused } = refusedConcern(to.config, (await to.plain.concerns?.()) ?? [])
  if (refused !== undefined) throw new Refusal(`--to: ${refused}`)
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
    if ((await from.plain.get(unfinishedKey)) !== held.raw)
      throw new Refusal('another command has taken over this move, or undone it')
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
  await requireFit(stores)
  const held = await markSource(stores, moving.gone)
  let isOpen = true
  const target = async () => void (isOpen = await markTarget(stores, held))
  const isBegun = held.mark.state === 'moved' || isTargetOf(held.mark, (await heldBy(to))?.mark)
  await (isBegun ? target() : undoing(() => from.plain.take(unfinishedKey), target))
  if (!isOpen) throw new Refusal(`the data was moved to ${placeOf(to)} already: name it in STORE_URL`)
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
  if (!(await from.plain.replace(unfinishedKey, held.raw, done)))
    throw new Refusal('another command has taken over this move, or undone it')
  await to.plain.take(unfinishedKey)
  return { records, kinds }
}

/** The target is empty afterwards, and the source is as it was. Refused once the source was given up. */
export async function abort({ from, to }: Stores, gone: readonly string[]): Promise<void> {
  const [ours, theirs] = [await heldBy(from), await heldBy(to)]
  const isTarget = theirs?.mark.role === 'target' && theirs.mark.other === placeOf(from)
  if (!ours && !isTarget) throw new Refusal(`${placeOf(from)} has no move that could be undone`)
  if (ours) {
    requireSourceOf(ours, { from, to })
    if (ours.mark.state === 'moved')
      throw new Refusal(`the data was moved to ${placeOf(to)}, where it may have changed since`)
    requireEnded(ours.mark, gone)
    await takeOver(from, ours)
  }
  if (isTarget && (!ours || theirs.mark.move === ours.mark.move)) {
    requireEnded(theirs.mark, gone)
    await clear(to.plain)
    await to.plain.take(unfinishedKey)
  }
  await from.plain.take(unfinishedKey)
}

export interface Standing {
  state: 'none' | 'copying' | 'moved'
  from: string
  to: string
  run?: string
  /** Records of each, without marks. */
  source: number
  target: number
}

export async function standing({ from, to }: Stores): Promise<Standing> {
  const held = await heldBy(from)
  const count = async (store: Store): Promise<number> => {
    let records = 0
    for await (const page of store.scan()) records += page.filter((found) => !isOfLooks(found)).length
    return records
  }
  const [source, target] = await Promise.all([count(from.plain), count(to.plain)])
  return {
    state: held?.mark.role === 'source' ? held.mark.state : 'none',
    from: placeOf(from),
    to: placeOf(to),
    ...(held && { run: held.mark.run.slice(0, held.mark.run.lastIndexOf('/')) }),
    source,
    target,
  }
}
