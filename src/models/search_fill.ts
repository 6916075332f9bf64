/** Fills the indexes of a store from before, and finds what a crash left: resumable, a page at a time, by one instance. docs/decisions/0083-large-tables.md */
import * as v from 'valibot'
import type { Scored } from '../store/store.ts'
import { defineRecord, type Memory, type RecordKind } from './define_record.ts'
import {
  allWordsIndex,
  type Entry,
  entriesOf,
  idIn,
  linkAll,
  namesIndex,
  type Searched,
  unlinkUnconfirmed,
  wordsIndex,
} from './search_index.ts'

/** A kind of record and how one is read. */
export interface Filled<T extends object> {
  of: Searched<T>
  records: Pick<RecordKind<T>, 'load'>
  /** What else is written for a record when the indexes are filled for the first time. */
  also?(memory: Memory, record: T): Promise<void>
}

/** Raised when a record has other entries than before, so that all are filled again. */
const version = 1

const Place = v.object({ member: v.string(), score: v.number() })
const progress = defineRecord(
  'search_index',
  v.object({
    version: v.number(),
    /** Whether the store sealed when the indexes were filled: then they have no words and no names. */
    seals: v.boolean(),
    /** All records of that time have their entries. */
    filled: v.boolean(),
    /** What is read in this round, and how far; undefined between two rounds. */
    reading: v.optional(v.picklist(['records', 'words', 'names'])),
    at: v.optional(Place),
    /** Milliseconds: the beginning of this round. */
    began_at: v.number(),
  }),
)
type Progress = NonNullable<Awaited<ReturnType<typeof progress.find>>>

const isCurrent = (memory: Memory, found: Progress | undefined): found is Progress =>
  found?.version === version && (found.seals === memory.store.seals || isMoreThanSealed(memory, found))

/** A store that seals since then uses a part of what was filled. */
const isMoreThanSealed = ({ store }: Memory, { seals, filled }: Progress): boolean =>
  store.seals && !seals && filled

/** Whether the words that were filled are there. A store that seals has none. */
const hasWords = async <T>({ store }: Memory, of: Searched<T>): Promise<boolean> =>
  store.seals || (await store.range(allWordsIndex(of), { limit: 1 })).length > 0

/** Whether every record has its entries; false while a store from before is being filled. */
export async function isFilled<T>(memory: Memory, of: Searched<T>): Promise<boolean> {
  const [found, words] = await Promise.all([progress.find(memory, of.name), hasWords(memory, of)])
  return isCurrent(memory, found) && found.filled && words
}

const pageSize = 200
/** Milliseconds between the beginnings of two rounds. */
const roundMs = 86_400_000
/** Pages of a turn once all is filled: a round over a million records takes days, and no request is slower for it. */
const pagesOfTurn = 2

const after = { records: 'words', words: 'names', names: undefined } as const

/** Fills, or goes on with a round, until `mayGoOn` says no. What it did is kept page by page. */
export async function keepIndexes<T extends object>(
  memory: Memory,
  filled: Filled<T>,
  mayGoOn: () => boolean,
): Promise<void> {
  const { name } = filled.of
  let state = await progress.find(memory, name)
  const { seals } = memory.store
  const words = await hasWords(memory, filled.of)
  if (!isCurrent(memory, state) || state.seals !== seals || (state.filled && !words)) {
    // What a move from a store that does not seal may have brought along.
    if (seals)
      await Promise.all(
        [wordsIndex, namesIndex, allWordsIndex].map((index) => memory.store.trim(index(filled.of), Infinity)),
      )
    const isFilled = isCurrent(memory, state) && words
    state = { version, seals, filled: isFilled, reading: 'records', began_at: memory.clock.now() }
    await progress.put(memory, name, state)
  }
  for (let page = 0; mayGoOn() && (!state.filled || page < pagesOfTurn); page++) {
    if (state.reading === undefined) {
      if (memory.clock.now() - state.began_at < roundMs) return
      state = { ...state, reading: 'records', began_at: memory.clock.now() }
    }
    state = await turn(memory, filled, state, state.reading ?? 'records')
    await progress.put(memory, name, state)
  }
}

async function turn<T extends object>(
  memory: Memory,
  filled: Filled<T>,
  state: Progress,
  reading: NonNullable<Progress['reading']>,
): Promise<Progress> {
  const index = { records: filled.of.all, words: wordsIndex(filled.of), names: namesIndex(filled.of) }[
    reading
  ]
  const page = await memory.store.range(index, { limit: pageSize, ...(state.at && { after: state.at }) })
  if (reading === 'records')
    await Promise.all(page.map(({ member }) => linkMissing(memory, filled, member, !state.filled)))
  else
    await Promise.all(
      page.map((entry) =>
        unlinkUnconfirmed(filled.of, memory, filled.records, idIn(entry.member), [{ ...entry, index }]),
      ),
    )
  if (page.length === pageSize) return { ...state, at: page.at(-1)! }
  if (!state.filled) await memory.store.link(allWordsIndex(filled.of), 'all', 0)
  const { at: _at, reading: _reading, ...rest } = state
  const next = after[reading]
  return { ...rest, filled: true, ...(next && { reading: next }) }
}

/** Links what the record has and is not linked, and undoes it where the record has changed or ended since it was read. */
async function linkMissing<T extends object>(
  memory: Memory,
  { of, records, also }: Filled<T>,
  id: string,
  isFirst: boolean,
): Promise<void> {
  const found = await records.load(memory, id)
  if (!found) return
  const all = entriesOf(of, memory.store, found.record)
  const missing = isFirst ? all : await absent(memory, all)
  await linkAll(memory.store, missing)
  if (isFirst) await also?.(memory, found.record)
  await unlinkUnconfirmed(of, memory, records, id, missing)
}

async function absent({ store }: Memory, entries: readonly Entry[]): Promise<Entry[]> {
  const there = await Promise.all(
    entries.map(async ({ index, member, score }): Promise<Scored | undefined> => {
      const [first] = await store.range(index, { min: score, max: score, prefix: member, limit: 1 })
      return first
    }),
  )
  return entries.filter(({ member }, i) => there[i]?.member !== member)
}
