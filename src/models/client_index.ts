/** By what clients are found and listed. docs/decisions/0083-large-tables.md */
import { searchSpelling, searchWords } from '../lib/search_words.ts'
import type { Searched } from './search_index.ts'

export const clientsIndex = 'clients'

export const clientStates = ['disabled', 'self_registered'] as const
export type ClientState = (typeof clientStates)[number]

/** What it reads of a client. */
interface Listed {
  client_id: string
  client_id_issued_at: number
  client_name?: string | undefined
  disabled: boolean
  self_registered: boolean
  exp?: number | undefined
}

export const clientIndex: Searched<Listed> = {
  name: 'client',
  all: clientsIndex,
  idOf: ({ client_id }) => client_id,
  createdOf: ({ client_id_issued_at }) => client_id_issued_at,
  nameOf: ({ client_name, client_id }) => searchSpelling(client_name ?? client_id),
  wordsOf: ({ client_id, client_name }) => searchWords([client_id, client_name]),
  marksOf: (client) => clientStates.filter((state) => client[state]),
  // One that registered itself and got no token yet ends by itself.
  isKept: ({ exp }) => exp === undefined,
}
