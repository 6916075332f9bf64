/** The marks of a move in both stores: who begins one, who goes on with it, and what is refused. docs/decisions/0086-moves.md */
import { keyRingSecret } from '../../app.ts'
import { systemRandom } from '../../lib/random.ts'
import { hasData } from '../../models/birth.ts'
import { requireReadable } from '../../models/readable_keys.ts'
import { unfinishedWords } from '../../models/unfinished.ts'
import { type MoveMark, parseMoveMark, unfinishedKey } from '../../store/moving/mark.ts'
import { storeLocation } from '../store_location.ts'
import { clear, isUnborn, requireUnused } from '../backup/fill.ts'
import { Refusal } from '../failure.ts'
import { encrypted, type OpenedPlain, refusedConcern } from '../open.ts'
import { hasEnded, machine, ownId } from '../own_process.ts'
import type { Stores } from './stores.ts'

/** The other one has changed the mark. */
export const takenOver = (): Refusal => new Refusal('another command has taken over this move, or undone it')

export const movedAlready = (to: OpenedPlain): Refusal =>
  new Refusal(`the data was moved to ${placeOf(to)} already: name it in STORE_URL`)

export interface Moving {
  /** Processes that did not leave in order and have ended, by the word of the operator. */
  gone: readonly string[]
  progress(words: string): void
}

/** A mark, and the text of the store that it was read from: a swap names this text. */
export interface Held {
  raw: string
  mark: MoveMark
}

const ownRun = (): string => `${machine}/${ownId}/${systemRandom(6)}`
export const placeOf = ({ config, place }: OpenedPlain): string => place ?? storeLocation(config)

export async function heldBy({ plain }: OpenedPlain): Promise<Held | undefined> {
  const raw = await plain.get(unfinishedKey)
  const mark = parseMoveMark(raw)
  return raw === undefined || !mark ? undefined : { raw, mark }
}

/** The command that began this move must have ended: one that is frozen would write later. */
export function requireEnded({ run }: MoveMark, gone: readonly string[]): void {
  const [, id = ''] = run.split('/')
  const name = run.slice(0, run.lastIndexOf('/'))
  if (hasEnded(id) || gone.includes(name)) return
  throw new Refusal(
    `${name} works on this move: wait for it. If it is frozen, end it, then say that it is gone with --gone ${name}`,
  )
}

/** Of a move that begins. */
export const newMark = (to: OpenedPlain, state: MoveMark['state']): Held => {
  const mark: MoveMark = { move: systemRandom(12), role: 'source', state, other: placeOf(to), run: ownRun() }
  return { raw: JSON.stringify(mark), mark }
}

/** The move is ours from here on; another command that has begun it stops at its next page. */
export async function takeOver({ plain }: OpenedPlain, { raw, mark }: Held): Promise<Held> {
  const next = { ...mark, run: ownRun() }
  const text = JSON.stringify(next)
  if (!(await plain.replace(unfinishedKey, raw, text)))
    throw new Refusal('another command works on this move: wait for it')
  return { raw: text, mark: next }
}

export function requireSourceOf({ mark }: Held, { from, to }: Stores): void {
  if (mark.role === 'target')
    throw new Refusal(
      `--from: ${placeOf(from)} is the target of a move: ${unfinishedWords(JSON.stringify(mark))}`,
    )
  if (mark.other !== placeOf(to))
    throw new Refusal(`--from: ${unfinishedWords(JSON.stringify(mark))}; --to names ${placeOf(to)}`)
}

/** Runs `undo` when `work` refuses: nothing was written yet. After a failure of a store the next run goes on. */
export async function undoing(undo: () => Promise<unknown>, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof Refusal) await undo()
    throw error
  }
}

export const isTargetOf = ({ move: id }: MoveMark, there: MoveMark | undefined): boolean =>
  there?.move === id && there.role === 'target'

/** Marks the target, which must be empty. False where it was whole already: an earlier run ended there. */
export async function markTarget({ from, to }: Stores, { mark }: Held): Promise<boolean> {
  const raw = await to.plain.get(unfinishedKey)
  const there = parseMoveMark(raw)
  const target: MoveMark = { ...mark, role: 'target', other: placeOf(from) }
  if (to.place !== undefined && !isTargetOf(mark, there)) return markPlace(to, raw, target)
  if (there) {
    if (isTargetOf(mark, there)) return true
    throw new Refusal(
      there.move === mark.move
        ? '--from and --to are one store: name another one in --to'
        : `--to: ${placeOf(to)} belongs to another move: ${unfinishedWords(raw)}`,
    )
  }
  if (raw !== undefined) throw new Refusal(`--to: ${placeOf(to)}: ${unfinishedWords(raw)}`)
  if (mark.state === 'moved' || mark.state === 'drained') return false
  if (!(await isUnborn(to.plain))) throw new Refusal(`--to: ${placeOf(to)} has data: name an empty store`)
  await requireUnused(to)
  if (!(await to.plain.create(unfinishedKey, JSON.stringify(target))))
    throw new Refusal(`--to: another command has begun to fill ${placeOf(to)} just now`)
  if (!(await isUnborn(to.plain))) {
    await to.plain.take(unfinishedKey)
    throw new Refusal(`--to: ${placeOf(to)} is in use`)
  }
  // Keys and a trail of its own would stand beside those that come.
  await clear(to.plain)
  return true
}

/**
 * The other place of one store, which has at most the mark of having been given up. What else is there was written by no process
 * that takes part, and would count as newer: it is removed first, unless records may have been moved there already.
 */
async function markPlace(to: OpenedPlain, raw: string | undefined, target: MoveMark): Promise<true> {
  if (target.state === 'announced') await clear(to.plain)
  const text = JSON.stringify(target)
  const isOurs = await (raw === undefined
    ? to.plain.create(unfinishedKey, text)
    : to.plain.replace(unfinishedKey, raw, text))
  if (!isOurs) throw takenOver()
  return true
}

/** Throws Refusal for stores that cannot be moved; tells of settings by which the target loses records. */
export async function requireFit(
  { from, to }: Stores,
  { progress }: Pick<Moving, 'progress'>,
): Promise<void> {
  const { config, plain } = from
  const store = await encrypted(plain, config)
  await requireReadable(store, plain, keyRingSecret(config.secretKey))
  if (!(await hasData(store)))
    throw new Refusal(`--from: ${placeOf(from)} has no data: is it the store of the server?`)
  const concerns = (await to.plain.concerns?.()) ?? []
  const { refused, accepted } = refusedConcern(to.config, concerns)
  if (refused !== undefined) throw new Refusal(`--to: ${refused}`)
  // A start is quiet about what is not on disk. Here all data is about to be there alone.
  const lost = concerns.filter(({ name }) => name === 'not_on_disk')
  for (const { text } of [...accepted, ...lost]) progress(`warning: --to: ${text}`)
}
