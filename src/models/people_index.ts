/** By what people are found and listed. docs/decisions/0083-large-tables.md */
import { searchSpelling, searchWords } from '../lib/search_words.ts'
import type { Memory } from './define_record.ts'
import type { Searched } from './search_index.ts'
import type { User } from './user_record.ts'

export const usersIndex = 'users'
/** Seconds of the newest sign-in; 0 for never. */
export const signInsIndex = 'people_signed_in'

export const peopleStates = ['disabled', 'leaving', 'unverified'] as const
export type PeopleState = (typeof peopleStates)[number]

const holds: Readonly<Record<PeopleState, (user: User) => boolean>> = {
  disabled: ({ disabled }) => disabled,
  leaving: ({ leaving_at }) => leaving_at !== undefined,
  unverified: ({ claims }) => claims.email !== undefined && claims.email_verified !== true,
}

const isInState = (user: User, state: PeopleState): boolean => holds[state](user)

export const roleMark = (role: string): string => `role:${role}`

/** The domain finds the people of a company. */
const domainOf = (address: unknown): string =>
  typeof address === 'string' ? address.slice(address.lastIndexOf('@') + 1) : ''

export const people: Searched<User> = {
  name: 'people',
  all: usersIndex,
  idOf: ({ sub }) => sub,
  createdOf: ({ created_at }) => created_at,
  nameOf: ({ username }) => searchSpelling(username),
  wordsOf: ({ username, claims }) =>
    searchWords([
      username,
      claims.email,
      claims.given_name,
      claims.family_name,
      domainOf(claims.email),
      claims.name,
      claims.preferred_username,
    ]),
  marksOf: (user) => [...peopleStates.filter((state) => isInState(user, state)), ...user.roles.map(roleMark)],
  isKept: () => true,
}

/** For sorting by the last sign-in. */
export const noteSignIn = ({ store, clock }: Memory, sub: string): Promise<void> =>
  store.link(signInsIndex, sub, Math.floor(clock.now() / 1000))
