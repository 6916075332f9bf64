/** Options of commands that list people or clients: words, order, state, and how many. */
import type { Page, Search } from '../models/search.ts'
import { SortUnavailable } from '../models/search.ts'
import { UsageError } from './failure.ts'
import { print } from './output.ts'

export const searchOptions = {
  search: {
    type: 'string',
    value: 'WORDS',
    help: 'Only those with words that begin so, in names and addresses',
  },
  descending: { type: 'boolean', help: 'The last one first' },
  limit: { type: 'string', value: 'NUMBER', help: 'At most so many. Default: all' },
} as const

/** Throws UsageError for a value that is none of `choices`. */
export function chosen<const T extends string>(
  option: string,
  value: string | undefined,
  choices: readonly T[],
): T | undefined {
  if (value === undefined) return undefined
  const found = choices.find((each) => each === value)
  if (found === undefined) throw new UsageError(`--${option}: expected ${choices.join(', ')}`)
  return found
}

const pageSize = 200

interface Given {
  search?: string
  descending?: boolean
  limit?: string
}

/** Reads page after page. Throws UsageError for an order that the store does not keep. */
export async function found<T>(
  { search: query, descending, limit }: Given,
  read: (wanted: Search) => Promise<Page<T>>,
): Promise<{ items: T[]; note: () => void }> {
  if (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit))
    throw new UsageError('--limit: expected a number from 1 to 999999999')
  const most = limit === undefined ? Infinity : Number(limit)
  const items: T[] = []
  let page: Page<T> = { items: [], complete: true }
  try {
    do {
      const wanted = { query, descending, limit: Math.min(pageSize, most - items.length) }
      page = await read({ ...wanted, ...(page.next && { after: page.next }) })
      for (const each of page.items) items.push(each)
    } while (page.next && items.length < most)
  } catch (error) {
    throw error instanceof SortUnavailable ? new UsageError(`--sort: ${error.message}`) : error
  }
  const isPartial = !page.complete && query !== undefined
  return {
    items,
    note: () =>
      isPartial && print('\na running server is still filling the index of this store: some may be missing'),
  }
}
