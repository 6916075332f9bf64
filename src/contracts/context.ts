/** What is handed round: types only. Nothing here runs. */
import type { Config } from '../config.ts'
import type { Joined, Sockets } from './sockets.ts'
import type { Random } from '../lib/random.ts'
import type { OwnWords, Said } from '../lib/say.ts'
import type { Limiter } from '../lib/limiter.ts'
import type { Memory } from '../models/define_record.ts'
import type { KeyRing } from '../models/key_ring.ts'
import type { Client } from '../models/client.ts'
import type { Cache } from '../lib/cache.ts'
import type { ReadKeys } from '../auth/client_jwks.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Looks } from '../html/looks.ts'

/** Everything that plugs in, joined and checked once at boot (table.ts). */
export interface Table extends Joined<Sockets> {
  /** Names of the features, the core first. */
  features: readonly string[]
}

/** Keys derived from SECRET_KEY, one for each purpose. */
export interface Secrets {
  csrf: Uint8Array
  refresh: Uint8Array
  clientSecrets: Uint8Array
  keyRing: Uint8Array
  /** Seals mails that wait, and what else of a person must not lie open. */
  mail: Uint8Array
  people: Uint8Array
}

export interface Context extends Memory {
  config: Config
  keys: KeyRing
  random: Random
  table: Table
  secrets: Secrets
  /** Passwords are hashed here, a few at a time; beyond the bounds it is `temporarily_unavailable`. */
  signInQueue: Limiter
  /** Milliseconds that the slowest check of an old hash took here: no wrong password is answered sooner. */
  oldHashes: { slowest: number }
  /** Scope to the claims it asks for, features' scopes included. */
  scopeTable: Readonly<Record<string, readonly string[]>>
  /** The path of the issuer, '' for most: everything is served below it. */
  basePath: string
  /** Everywhere this provider is reached: the issuer first, then what features add. Without trailing slash. */
  baseUrls: readonly string[]
  /** What the consent page says of each scope. */
  scopeDescriptions: Readonly<Record<string, OwnWords | Said>>
  /** All scopes that may be asked for, and all `acr` values that a sign-in here can reach. */
  scopes: readonly string[]
  acrValues: readonly string[]
  /** Compute something that depends on nothing but the context, once. */
  once(name: string, make: () => string): string
  /** Clients as last read, for a second or two. */
  clients: Cache<Client>
  metrics: Metrics
  /** The house's name, logo and stylesheets, and what a theme puts in place of ours. */
  looks: Looks
  /** Every request to a URL that somebody else chose. */
  outbound: Outbound
  /** What was read from a client's JWK Set, for as long as the set itself is held. */
  clientKeys: WeakMap<object, ReadKeys>
  /** Has a job of the table run now and not only at its next turn; nothing where no jobs run, as in a command. */
  soon: (job: string) => void
  /** Turns true on SIGTERM: /health says so while requests in flight finish. */
  closing: () => boolean
}
