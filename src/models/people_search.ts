/** Finds people: by words, state and role, in three orders, a page at a time. docs/decisions/0083-large-tables.md */
import type { Memory } from './define_record.ts'
import { pagesOf } from './every_member.ts'
import { people, type PeopleState, roleMark, signInsIndex } from './people_index.ts'
import { type Page, search, type Search } from './search.ts'
import { isFilled } from './search_fill.ts'
import { markIndex } from './search_index.ts'
import { User } from './user.ts'

export const peopleSorts = ['created_at', 'username', 'last_sign_in'] as const

export interface PeopleSearch extends Search {
  filter?: { state?: PeopleState | undefined; role?: string | undefined } | undefined
  /** With a query, people come by the words that were found. Default: `created_at`. */
  sort?: (typeof peopleSorts)[number] | undefined
}

const orders = { created_at: undefined, username: 'name', last_sign_in: { index: signInsIndex } } as const

/** A query also finds a whole `sub`, user name or verified address, which a store that seals has no words of. */
export const searchPeople = (
  memory: Memory,
  { filter: { state, role } = {}, sort = 'created_at', ...wanted }: PeopleSearch,
): Promise<Page<User>> =>
  search(people, memory, User.find, {
    ...wanted,
    marks: [...(state ? [state] : []), ...(role === undefined ? [] : [roleMark(role)])],
    order: orders[sort],
    exactly: (query) => Promise.all([User.find(memory, query), User.findByLogin(memory, query)]),
  })

/** How many people have the role, by its index, a page at a time. */
export async function countPeopleWith(memory: Memory, role: string): Promise<number> {
  let count = 0
  for await (const page of pagesOf(memory.store, markIndex(people, roleMark(role)))) count += page.length
  return count
}

/** False while a store from before is being indexed: then a role has more people than are counted. */
export const arePeopleIndexed = (memory: Memory): Promise<boolean> => isFilled(memory, people)
