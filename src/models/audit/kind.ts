/** One kind of security event: its words, when it must be in the store, and what it tells beyond the members of every entry. */
import * as v from 'valibot'

/** Texts that others chose are shortened, so that no request makes a long entry. */
export const longestText = 500

export const text = v.pipe(v.string(), v.maxLength(longestText))
export const texts = v.pipe(v.array(text), v.maxLength(200))
export const flag = v.boolean()
export const count = v.pipe(v.number(), v.integer(), v.minValue(0))

export type Details = Readonly<Record<string, v.GenericSchema>>

/** Whose act it was: an End-User, a client, the operator at a command line, an administrator by the API, this server, or one who proved nothing. */
export type Actor = 'person' | 'client' | 'operator' | 'administrator' | 'server' | 'unproven'
export type Outcome = 'success' | 'refused' | 'failure'

export interface Kind<D extends Details = Details, First extends boolean = boolean> {
  /** What happened, for docs/audit.md. */
  readonly words: string
  /** True: it changes an account, a credential, a client, a role or a key, so the answer waits until its entry is in the store. */
  readonly first: First
  readonly level: 'info' | 'warn' | 'error'
  readonly actor: Actor
  readonly outcome: Outcome
  readonly details: D
}

interface More<D extends Details> {
  level?: Kind['level']
  actor?: Actor
  outcome?: Outcome
  details?: D
}

const kind = <First extends boolean, D extends Details>(
  words: string,
  first: First,
  actor: Actor,
  more: More<D>,
): Kind<D, First> => ({
  words,
  first,
  level: 'info',
  actor,
  outcome: 'success',
  ...more,
  details: more.details ?? ({} as D),
})

type Empty = Readonly<Record<never, never>>

/** A change: its entry is in the store before the answer. */
export const change = <const D extends Details = Empty>(
  words: string,
  actor: Actor,
  more: More<D> = {},
): Kind<D, true> => kind(words, true, actor, more)

/** Anything else: its entry is in the store within a second. */
export const note = <const D extends Details = Empty>(
  words: string,
  actor: Actor,
  more: More<D> = {},
): Kind<D, false> => kind(words, false, actor, more)
