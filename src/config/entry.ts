/** The type of one variable's entry, and the types that follow from a list of entries. */
import type { GenericSchema, InferOutput } from 'valibot'

export type Environment = 'development' | 'production'

/** A profile sets many defaults; each entry has its own (RFC 9700, FAPI 2.0, MCP). docs/configuration.md, "PROFILE" */
export const profiles = ['oauth21', 'classic', 'fapi2', 'mcp'] as const
export type Profile = (typeof profiles)[number]

type ByEnvironment = string | Readonly<Partial<Record<Environment, string>>>

/**
 * Which value a realm has. `own` is one that it may set, `server` is that of the server, `default` is the default, because the
 * value of the server names the server alone: its keys, its credentials, its issuer, services that know it. `by_command`:
 * only an operator sets it at the command line, because the value names a file or a service of this machine's network.
 */
export type RealmUse = 'own_or_server' | 'own_or_default' | 'own_or_server_by_command' | 'server' | 'default'

/** One variable. Documents, `.env.example` and `latchkey config check` are made from these entries. */
export interface Entry {
  readonly name: string
  /** Turns the text of the variable into its value. `v.description` says what is expected. */
  readonly schema: GenericSchema<string, unknown>
  /** The default as text for the same schema, one for each environment where they differ. Without it the value may be undefined. */
  readonly default?: ByEnvironment
  /** The default under a profile, where it differs. */
  readonly profiles?: Readonly<Partial<Record<Profile, string>>>
  /** A description of a default that is computed from other variables. */
  readonly computed?: ByEnvironment
  readonly required?: Environment
  /** Another variable that must be set when this one is. */
  readonly needs?: string
  /** The value is never shown, and can be read from the file in NAME_FILE. */
  readonly secret?: true
  /** The value may have a credential in it, as the query of a URL has: the audit trail has a fingerprint of it. */
  readonly credentials?: true
  /** Which value a realm has. docs/realms.md */
  readonly realm: RealmUse
  /** The URLs in the value that this provider requests. One that the outbound fetcher refuses stops the start. */
  readonly outbound?: (value: unknown) => readonly string[]
  readonly help: string
}

export type Entries = readonly Entry[]

/** Entries by the heading of their documentation: a title, or the name of a feature. */
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

/** Values by variable name, for checks of several variables. */
export type Values<List extends Entries> = { readonly [E in List[number] as E['name']]: ValueOf<E> }

/** Values by camelCase field, for all other code. */
export type Fields<List extends Entries> = {
  readonly [E in List[number] as CamelCase<E['name']>]: ValueOf<E>
}

/** Keeps the literal types of the names, which `Fields` needs. */
export const defineEntries = <const List extends Entries>(entries: List): List => entries

export const camelCase = (name: string): string =>
  name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

export const inEnvironment = (
  text: ByEnvironment | undefined,
  environment: Environment,
): string | undefined => (typeof text === 'object' ? text[environment] : text)
