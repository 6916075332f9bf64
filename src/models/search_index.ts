/** Indexes by which records are listed, filtered and found: what they have of a record, and how they follow it. docs/decisions/0083-large-tables.md */
import { namesOf, wordsOf } from '../store/readable_index.ts'
import type { Scored, Store } from '../store/store.ts'
import type { Memory, RecordKind } from './define_record.ts'

/** A kind of record that can be searched. The names of its indexes begin with `name`. */
export interface Searched<T> {
  name: string
  /** The index of all records by the time of their creation. */
  all: string
  idOf(record: T): string
  createdOf(record: T): number
  /** By which it is sorted. */
  nameOf(record: T): string
  /** Of which a query has the beginnings. */
  wordsOf(record: T): readonly string[]
  /** Whether it has entries beside that by creation; not for what may end by itself, because its entries would stay. */
  isKept(record: T): boolean
  /** States that few records have, such as `disabled`. No personal data: they are in the name of an index. */
  marksOf(record: T): readonly string[]
}

export interface Entry extends Scored {
  index: string
}

type Place = Pick<Store, 'seals' | 'link' | 'unlink'>

/** A text never has it, because the spelling of a search drops control characters. */
const separator = '\0'

export const wordsIndex = ({ name }: { name: string }): string => wordsOf(name)
export const namesIndex = ({ name }: { name: string }): string => namesOf(name)
/**
 * Has one member once all records have their words. A store that seals keeps it as little as the words, so where they are
 * missing after a move there and back, it is missing too.
 */
export const allWordsIndex = ({ name }: { name: string }): string => wordsOf(`${name}_all`)
export const markIndex = ({ name }: { name: string }, mark: string): string => `${name}_marked:${mark}`

/** Of a member of an index of words or names. */
export const textOf = (member: string): string => member.slice(0, member.lastIndexOf(separator))
export const idIn = (member: string): string => member.slice(member.lastIndexOf(separator) + 1)

/** All entries of a record but that by creation. In a store that seals there is no word and no name among them. */
export function entriesOf<T>(of: Searched<T>, { seals }: Pick<Store, 'seals'>, record: T): Entry[] {
  if (!of.isKept(record)) return []
  const id = of.idOf(record)
  const score = of.createdOf(record)
  const marks = of.marksOf(record).map((mark) => ({ index: markIndex(of, mark), member: id, score }))
  if (seals) return marks
  const texts = [
    { index: namesIndex(of), text: of.nameOf(record) },
    ...of.wordsOf(record).map((text) => ({ index: wordsIndex(of), text })),
  ]
  return [
    ...marks,
    ...texts.map(({ index, text }) => ({ index, member: `${text}${separator}${id}`, score: 0 })),
  ]
}

const keyOf = ({ index, member }: Entry): string => `${index}${separator}${member}`

function without(entries: readonly Entry[], others: readonly Entry[]): Entry[] {
  const known = new Set(others.map(keyOf))
  return entries.filter((entry) => !known.has(keyOf(entry)))
}

export const linkAll = async (store: Place, entries: readonly Entry[]): Promise<void> =>
  void (await Promise.all(entries.map(({ index, member, score }) => store.link(index, member, score))))

const unlinkAll = async (store: Place, entries: readonly Entry[]): Promise<void> =>
  void (await Promise.all(entries.map(({ index, member }) => store.unlink(index, member))))

/**
 * Changes a record so that it is found under what it has at every moment. What the change brings is linked first: an entry
 * that the record does not confirm is passed over, and a record without an entry would not be found. It is linked once more
 * after the change, because another caller may have removed an entry that was not confirmed yet. What the change takes away
 * is unlinked last.
 */
export async function changeIndexed<T extends object>(
  of: Searched<NoInfer<T>>,
  memory: Memory,
  { load, update }: Pick<RecordKind<T>, 'load' | 'update'>,
  id: string,
  change: (current: T) => T | undefined,
): Promise<T | undefined> {
  const { store } = memory
  const entries = (record: T | undefined) => (record === undefined ? [] : entriesOf(of, store, record))
  const loaded = await load(memory, id)
  const expected = loaded && change(loaded.record)
  const announced = expected ? without(entries(expected), entries(loaded.record)) : []
  if (announced.length > 0) await linkAll(store, announced)
  let before: T | undefined
  const after = await update(memory, id, (current) => change((before = current)), loaded)
  const had = after ? entries(before) : []
  const has = entries(after)
  const added = without(has, had)
  if (added.length > 0) await linkAll(store, added)
  await unlinkUnconfirmed(of, memory, { load }, id, without([...had, ...announced], has))
  return after
}

/**
 * Unlinks those of `entries` that the record does not have. A change that brings one back links it after that; one that did
 * so before is seen when the record is read once more.
 */
export async function unlinkUnconfirmed<T extends object>(
  of: Searched<NoInfer<T>>,
  memory: Memory,
  { load }: Pick<RecordKind<T>, 'load'>,
  id: string,
  entries: readonly Entry[],
): Promise<void> {
  if (entries.length === 0) return
  const current = async () => {
    const found = await load(memory, id)
    return found ? entriesOf(of, memory.store, found.record) : []
  }
  const gone = without(entries, await current())
  if (gone.length === 0) return
  await unlinkAll(memory.store, gone)
  const now = await current()
  await linkAll(memory.store, without(now, without(now, gone)))
}

/** Removes a record and all its entries; first the entries, so that a removal that stops leaves a record to be removed again. */
export async function takeIndexed<T extends object>(
  of: Searched<NoInfer<T>>,
  memory: Memory,
  { load, take }: Pick<RecordKind<T>, 'load' | 'take'>,
  id: string,
): Promise<T | undefined> {
  const { store } = memory
  const found = await load(memory, id)
  if (found) await unlinkAll(store, entriesOf(of, store, found.record))
  await store.unlink(of.all, id)
  const last = await take(memory, id)
  if (last) await unlinkAll(store, entriesOf(of, store, last)) // a change in between has linked its own
  return last
}
