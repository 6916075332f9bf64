/** Moves the data of one store into another while servers with STORE_MOVE_TO serve; can be stopped anywhere and run again. docs/decisions/0086-moves.md */
import { systemRandom } from '../../lib/random.ts'
import { forgetPresent, presentBeside } from '../../models/presence.ts'
import {
  arrivedKey,
  closedKey,
  handlesIndex,
  isWhileServing,
  type MoveMark,
  unfinishedKey,
} from '../../store/moving/mark.ts'
import { type Pulling, pullingStore } from '../../store/moving/pulling.ts'
import type { Backend } from '../../store/store.ts'
import { isOfLooks } from '../backup/fill.ts'
import { Refusal } from '../failure.ts'
import { hasEnded } from '../own_process.ts'
import { givenUp } from '../store_place.ts'
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
import type { Backends } from './stores.ts'

/** Milliseconds in which each handle has read that a change is about to come: it looks once a second. */
const announcedMs = 2_500
/** Milliseconds for which all verbs wait at most. A handle waits a little longer before it opens by itself. */
const closingMs = 2_000
/** How often all are asked to close before the command gives up. */
const mostTurns = 10

const isEnded = (handle: string, gone: readonly string[]): boolean => {
  const [place = '', id = ''] = handle.split('/')
  return hasEnded(id) || gone.includes(`${place}/${id}`)
}

/** Writes the next state of the mark. False when another process has changed it. */
async function change(from: Backend, held: Held, next: Partial<MoveMark>): Promise<Held | undefined> {
  const { turn: _, ...rest } = held.mark
  const mark: MoveMark = { ...rest, ...next }
  const raw = JSON.stringify(mark)
  return (await from.replace(unfinishedKey, held.raw, raw)) ? { raw, mark } : undefined
}

async function announce(stores: Backends, moving: Moving): Promise<Held> {
  const { from, to } = stores
  const { gone } = moving
  const found = await heldBy(from)
  if (found) {
    requireSourceOf(found, stores)
    if (!isWhileServing(found.mark))
      throw new Refusal('this move was begun with all servers stopped: run it without --while-serving')
    requireEnded(found.mark, gone)
    return takeOver(from, found)
  }
  await requireFit(stores, moving)
  await requireHandles(stores, moving)
  const { raw, mark } = newMark(to, 'announced')
  if (!(await from.plain.create(unfinishedKey, raw)))
    throw new Refusal(`--from: ${placeOf(from)} is being filled or moved by another command`)
  return { raw, mark }
}

/** Milliseconds after which a backend does no more of what a process asked for that has ended. */
const lateMs = 10_000

/** Every process that uses the source must take part. What is left of those that have ended is taken out. */
async function requireHandles({ from, to }: Backends, { gone, progress }: Moving): Promise<void> {
  const handles = (await from.plain.range(handlesIndex, { limit: 10_000 })).map(({ member }) => member)
  const ids = handles.map((member) => member.split('/')[1] ?? '')
  const others = await presentBeside(from.plain, ids)
  const other = others.find((name) => !isEnded(name, gone))
  if (other !== undefined)
    throw new Refusal(
      `${other} ${from.place === undefined ? `uses ${placeOf(from)} without STORE_MOVE_TO: restart it with STORE_MOVE_TO set to ${placeOf(to)}` : 'uses the store without STORE_ENCRYPTION=migrate: restart it with that'}. If it has ended without leaving, say so with --gone ${other}`,
    )
  const ended = handles.filter((name) => isEnded(name, gone))
  if (ended.length + others.length === 0) return
  progress(`waiting for what ${[...ended, ...others].join(', ')} may have left under way`)
  await Bun.sleep(lateMs)
  for (const name of ended) await from.plain.unlink(handlesIndex, name)
  for (const name of others) await forgetPresent(from.plain, name)
}

/** The handles that did not say within the time that they have closed. */
async function closeAll(from: Backend, turn: string): Promise<string[]> {
  const until = performance.now() + closingMs
  for (;;) {
    const handles = await from.range(handlesIndex, { limit: 10_000 })
    const open: string[] = []
    for (const { member } of handles) if ((await from.get(closedKey(member))) !== turn) open.push(member)
    if (open.length === 0 || performance.now() > until) return open
    await Bun.sleep(20)
  }
}

/** Resolves once the data may be moved: from that moment on, no verb of any process adds to the source. */
async function begin(stores: Backends, announced: Held, moving: Moving): Promise<Held> {
  try {
    return await closeInTurns(stores, announced, moving)
  } catch (error) {
    if (error instanceof Refusal) await withdraw(stores, announced)
    throw error
  }
}

async function closeInTurns(stores: Backends, announced: Held, moving: Moving): Promise<Held> {
  const { plain } = stores.from
  let held = announced
  let open: string[] = []
  for (let turns = 0; turns < mostTurns; turns++) {
    if (held.mark.state === 'closing')
      held = (await change(plain, held, { state: 'announced' })) ?? (await reread(stores, held))
    await Bun.sleep(announcedMs)
    await requireHandles(stores, moving)
    const turn = systemRandom(9)
    const closing = await change(plain, held, { state: 'closing', turn })
    if (!closing) throw takenOver()
    open = await closeAll(plain, turn)
    const next = await change(plain, closing, { state: open.length === 0 ? 'moving' : 'announced' })
    if (next?.mark.state === 'moving') return next
    held = next ?? (await reread(stores, closing))
    if (open.length > 0) moving.progress(`not closed: ${open.join(', ')}; trying again`)
  }
  throw new Refusal(
    `${open.join(', ') || 'a server'} did not answer. If it is frozen, end it, and say that it is gone with --gone. Nothing was moved; the servers go on with ${placeOf(stores.from)}`,
  )
}

/** A handle has opened again by itself, because the time was over. */
async function reread({ from }: Backends, before: Held): Promise<Held> {
  const now = await heldBy(from)
  if (now?.mark.run !== before.mark.run) throw takenOver()
  return now
}

/** Moved at a time. Requests of the servers come in between. */
const atOnce = 50
const often = 20_000

async function drain(stores: Backends, pulling: Pulling, { progress }: Moving, held: Held): Promise<number> {
  let count = 0
  let told = 0
  for (;;) {
    let left = 0
    for await (const page of stores.from.plain.scan()) {
      const found = page.filter((each) => !isOfLooks(each))
      left += found.length
      if (found.length === 0) continue
      if ((await heldBy(stores.from))?.mark.run !== held.mark.run) throw takenOver()
      for (let i = 0; i < found.length; i += atOnce)
        await Promise.all(
          found
            .slice(i, i + atOnce)
            .map((each) => (each.kind === 'value' ? pulling.pull(each.key) : pulling.pullMember(each))),
        )
      count += found.length
      if (count - told < often) continue
      told = count
      progress(`moved ${count} records`)
    }
    if (left === 0) return count
  }
}

/** Resolves to the number of records that this run has moved, when the target has everything and may be served alone. */
export async function moveWhileServing(stores: Backends, moving: Moving): Promise<number> {
  const { from, to } = stores
  const announced = await announce(stores, moving)
  const isMoving = ({ mark }: Held) => mark.state === 'moving' || mark.state === 'drained'
  let isOpen = true
  const target = async () => void (isOpen = await markTarget(stores, announced))
  const isBegun = isMoving(announced) || isTargetOf(announced.mark, (await heldBy(to))?.mark)
  await (isBegun ? target() : undoing(() => from.plain.take(unfinishedKey), target))
  if (!isOpen) throw movedAlready(to)
  await to.plain.put(arrivedKey, announced.mark.move)
  const held = isMoving(announced) ? announced : await begin(stores, announced, moving)
  moving.progress(`moving ${placeOf(from)} to ${placeOf(to)}`)
  const pulling = pullingStore({
    source: from.plain,
    target: to.plain,
    elapsed: () => performance.now(),
    unique: () => systemRandom(12),
  })
  const records = await drain(stores, pulling, moving, held)
  if (held.mark.state === 'moving' && !(await change(from.plain, held, { state: 'drained' })))
    throw takenOver()
  await to.plain.take(unfinishedKey)
  return records
}

/** Nothing was moved yet: the servers go on with the source alone. */
async function withdraw({ from, to }: Backends, { mark }: Held): Promise<void> {
  const now = await heldBy(from)
  if (now?.mark.run !== mark.run || now.mark.state !== 'announced') return
  // The other place of one store stays given up.
  if (to.place === undefined) await to.plain.take(unfinishedKey)
  else await to.plain.put(unfinishedKey, givenUp(placeOf(from)))
  await from.plain.take(unfinishedKey)
}
