/** Pages of what is searched: from one index, checked against each record, in bounded work. docs/decisions/0083-large-tables.md */
import { matchesTerms, searchTerms } from '../lib/search_words.ts'
import type { RangeOptions, Scored } from '../store/store.ts'
import type { Memory } from './define_record.ts'
import type { IndexPage } from './every_member.ts'
import { idIn, markIndex, namesIndex, type Searched, textOf, wordsIndex } from './search_index.ts'
import { isFilled } from './search_fill.ts'

export interface Search {
  /** Words; each must begin a word of the record. */
  query?: string | undefined
  descending?: boolean | undefined
  /** `next` of the page before, with the same query, filter and order. */
  after?: Scored | undefined
  limit: number
}

export interface Page<T> extends IndexPage<T> {
  /** False while the indexes of a store from before are being filled: some records may be missing. */
  complete: boolean
}

/** Names are in no index of a store that seals. */
export class SortUnavailable extends Error {
  override name = 'SortUnavailable'
}

/** Records that are read for one page. */
const mostRead = 500

/** An index that has, in the order of the page, all records that it may have. */
interface Source<T> {
  index: string
  options?: RangeOptions
  idOf?(member: string): string
  /** Whether this entry shows the record: another one may, or none any more. */
  shows?(member: string, record: T): boolean
}

export interface Wanted<T> extends Search {
  /** All of them must hold; the records of the first are read where no query is nearer. */
  marks: readonly string[]
  /** `name`, or another index than that by creation. */
  order?: 'name' | { index: string } | undefined
  /** Records that a query finds as a whole, such as an id; they come first. */
  exactly?(query: string): Promise<readonly (T | undefined)[]>
}

const oneScore = { min: 0, max: 0 }

/** A place in an index of words: the scores there are 0, and those of other indexes are times. */
const isAmongWords = ({ score }: Scored): boolean => score === 0
/** Follows a page that exact findings fill; the beginning of any index. */
const isBeginning = ({ score }: Scored): boolean => Math.abs(score) === Number.MAX_VALUE

/**
 * Whether words lead to the records. A store that seals has none, and one that is being filled does not have all of them: there
 * the records are read. A page goes on in the index of the page before it.
 */
async function readsWords<T>(
  of: Searched<T>,
  memory: Memory,
  terms: readonly string[],
  after: Scored | undefined,
): Promise<boolean> {
  if (terms.length === 0 || memory.store.seals) return false
  return after && !isBeginning(after) ? isAmongWords(after) : isFilled(memory, of)
}

function sourceOf<T>(
  of: Searched<T>,
  seals: boolean,
  [longest]: readonly string[],
  wanted: Wanted<T>,
): Source<T> {
  const { marks, order } = wanted
  if (longest !== undefined)
    return {
      index: wordsIndex(of),
      options: { ...oneScore, prefix: longest },
      idOf: idIn,
      // Of several words that begin so, the first one shows the record.
      shows: (member, record) => textOf(member) === firstFrom(of.wordsOf(record), longest),
    }
  if (order === 'name') {
    if (seals)
      throw new SortUnavailable(
        'the store is encrypted (STORE_ENCRYPTION) and keeps no order of names: sort by the time of creation',
      )
    return {
      index: namesIndex(of),
      options: oneScore,
      idOf: idIn,
      shows: (member, record) => textOf(member) === of.nameOf(record),
    }
  }
  if (order) return { index: order.index }
  return { index: marks[0] === undefined ? of.all : markIndex(of, marks[0]) }
}

/** By the order of the index. */
const firstFrom = (words: readonly string[], prefix: string): string | undefined =>
  words
    .filter((word) => word.startsWith(prefix))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))[0]

/** A page. At most 500 records are read for it, whatever the query, so that a page of few findings costs no more than others. */
export async function search<T>(
  of: Searched<NoInfer<T>>,
  memory: Memory,
  find: (memory: Memory, id: string) => Promise<T | undefined>,
  wanted: Wanted<T>,
): Promise<Page<T>> {
  const { query = '', after, limit, descending = false } = wanted
  const { store } = memory
  const terms = searchTerms(query)
  const byWords = await readsWords(of, memory, terms, after)
  const source = sourceOf(of, store.seals, byWords ? terms : [], wanted)
  const isFound = (record: T) => byWords || store.seals || terms.length === 0 || of.isKept(record)
  const matches = (record: T) =>
    isFound(record) &&
    matchesTerms(of.wordsOf(record), terms) &&
    wanted.marks.every((mark) => of.marksOf(record).includes(mark))
  const whole = terms.length > 0 && wanted.exactly ? await wanted.exactly(query.trim()) : []
  const exact = [
    ...new Map(whole.filter((each) => each !== undefined).map((each) => [of.idOf(each), each])).values(),
  ].filter((record) => wanted.marks.every((mark) => of.marksOf(record).includes(mark)))
  const known = new Set(exact.map(of.idOf))
  const items: T[] = after === undefined ? exact.slice(0, limit) : []
  // A page that exact findings fill is followed by one from the beginning.
  // Several words of one record may begin so: it is read once.
  const records = new Map<string, Promise<T | undefined>>()
  const findOnce = (id: string): Promise<T | undefined> => {
    const reading = records.get(id) ?? find(memory, id)
    records.set(id, reading)
    return reading
  }
  // Where the words have gone since the page before: from the beginning, so that nothing is missed.
  let place = terms.length > 0 && after && !byWords && isAmongWords(after) ? undefined : after
  const beginning = { member: '', score: descending ? Number.MAX_VALUE : -Number.MAX_VALUE }
  for (let read = 0; read < mostRead;) {
    const batch = Math.min(mostRead - read, Math.max(limit - items.length, 1) + read)
    const entries = await store.range(source.index, {
      ...source.options,
      descending,
      limit: batch,
      ...(place && { after: place }),
    })
    const ids = entries.map(({ member }) => source.idOf?.(member) ?? member)
    const found = await Promise.all(ids.map(findOnce))
    for (const [i, entry] of entries.entries()) {
      if (items.length >= limit)
        return { items, next: place ?? beginning, complete: await isFilled(memory, of) }
      const record = found[i]
      if (
        record !== undefined &&
        !known.has(of.idOf(record)) &&
        (source.shows?.(entry.member, record) ?? true) &&
        matches(record)
      )
        items.push(record)
      place = entry
    }
    read += entries.length
    if (entries.length < batch) return { items, complete: await isFilled(memory, of) }
  }
  return { items, ...(place && { next: place }), complete: await isFilled(memory, of) }
}
