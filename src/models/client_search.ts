/** Finds clients: by words and state, in two orders, a page at a time. docs/decisions/0083-large-tables.md */
import { clientIndex, type ClientState } from './client_index.ts'
import { Client } from './client.ts'
import type { Memory } from './define_record.ts'
import { type Page, search, type Search } from './search.ts'

export const clientSorts = ['created_at', 'client_name'] as const

export interface ClientSearch extends Search {
  filter?: { state?: ClientState | undefined } | undefined
  /** With a query, clients come by the words that were found. Default: `created_at`. */
  sort?: (typeof clientSorts)[number] | undefined
}

export const searchClients = (
  memory: Memory,
  { filter: { state } = {}, sort = 'created_at', ...wanted }: ClientSearch,
): Promise<Page<Client>> =>
  search(clientIndex, memory, Client.find, {
    ...wanted,
    marks: state ? [state] : [],
    order: sort === 'client_name' ? 'name' : undefined,
    exactly: async (query) => [await Client.find(memory, query)],
  })
