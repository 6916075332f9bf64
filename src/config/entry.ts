/** The shape of one variable, and the types that follow from a list of them. */
import type { GenericSchema, InferOutput } from 'valibot'

export type Environment = 'development' | 'production'

/** One switch that sets many defaults; each entry says its own (issue of docs/decisions/, RFC 9700, FAPI 2.0, MCP). */
export const profiles = ['oauth21', 'classic', 'fapi2', 'mcp'] as const
export type Profile = (typeof profiles)[number]

type ByEnvironment = string | Readonly<Partial<Record<Environment, string>>>

/** One variable. Documents, `.env.example` and `latchkey config check` all read these entries. */
export interface Entry {
  readonly name: string
  /** From the variable's text to its value. Its `v.description` says what is expected. */
  readonly schema: GenericSchema<string, unknown>
  /** As text, through the same schema; by environment where they differ. None: the value may be undefined. */
  readonly default?: ByEnvironment
  /** Instead of the default, under a profile. */
  readonly profiles?: Readonly<Partial<Record<Profile, string>>>
  /** How the default is found when it follows from something else, in words. */
  readonly computed?: ByEnvironment
  readonly required?: Environment
  /** Another variable that must be set wherever this one is. */
  readonly needs?: string
  /** Never shown, and readable from the file named in NAME_FILE. */
  readonly secret?: true
  readonly help: string
}

export type Entries = readonly Entry[]

/** Entries under the heading they are documented by: a title, or the name of a feature. */
export type Sections = Readonly<Record<string, Entries>>

/** ACCESS_TOKEN_TTL → accessTokenTtl */
export type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<Name>

type AlwaysSet =
  | { readonly default: string | Readonly<Record<Environment, string>> }
  | { readonly default: { readonly development: string }; readonly required: 'production' }

type ValueOf<E extends Entry> = E extends AlwaysSet
  ? InferOutput<E['schema']>
  : InferOutput<E['schema']> | undefined

/** Values by variable name, as the checks between variables see them. */
export type Values<List extends Entries> = { readonly [E in List[number] as E['name']]: ValueOf<E> }

/** Values by camelCase field, as the rest of the program sees them. */
export type Fields<List extends Entries> = {
  readonly [E in List[number] as CamelCase<E['name']>]: ValueOf<E>
}

/** Keeps the names literal, so that `Fields` knows them. */
export const defineEntries = <const List extends Entries>(entries: List): List => entries

export const camelCase = (name: string): string =>
  name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

export const inEnvironment = (
  text: ByEnvironment | undefined,
  environment: Environment,
): string | undefined => (typeof text === 'object' ? text[environment] : text)
