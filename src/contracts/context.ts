/** The context that is passed to endpoints and features: types only. */
import type { Config } from '../config.ts'
import type { EffectiveSetting } from '../config/effective_setting.ts'
import type { Realms } from './realms.ts'
import type { ServerControls } from './server.ts'
import type { Joined, Sockets } from './sockets.ts'
import type { Random } from '../lib/random.ts'
import type { Keys } from '../lib/secret_keys.ts'
import type { OwnWords, Said } from '../lib/say.ts'
import type { Limiter } from '../lib/limiter.ts'
import type { MadeOnce } from '../lib/made_once.ts'
import type { Audit } from '../models/audit/audit.ts'
import type { Memory } from '../models/define_record.ts'
import type { Birth } from '../models/birth.ts'
import type { ClockGuard } from '../models/clock_guard.ts'
import type { KeyRing } from '../models/key_ring.ts'
import type { RealmRecord } from '../models/realm.ts'
import type { Client } from '../models/client.ts'
import type { FlowRecorder } from '../models/recording/recorder.ts'
import type { Cache } from '../lib/cache.ts'
import type { ReadKeys } from '../auth/client_jwks.ts'
import type { ErrorReports } from '../lib/error_reports.ts'
import type { Tracing } from '../lib/tracing.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Usage } from '../models/usage/usage.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Looks } from '../html/looks.ts'

/** The sockets of all features, joined and checked once at boot (table.ts). */
export interface Table extends Joined<Sockets> {
  /** Names of the features, the core first. */
  features: readonly string[]
}

/** Keys derived from SECRET_KEY, by purpose. */
export interface Secrets {
  csrf: Keys
  refresh: Keys
  clientSecrets: Keys
  keyRing: Keys
  /** Encrypts queued mails, and other personal data in the store. */
  mail: Keys
  people: Keys
  /** The key of a purpose that stays the same when SECRET_KEY changes: for names, and never for what opens something. */
  lasting(purpose: string): Uint8Array
}

export interface Context extends Memory {
  config: Config
  keys: KeyRing
  random: Random
  table: Table
  secrets: Secrets
  /** Hashes passwords, a few at a time. A full queue throws `temporarily_unavailable`. */
  signInQueue: Limiter
  /** Milliseconds that the slowest check of an old hash took on this instance: no wrong password is refused sooner. */
  oldHashes: { slowest: number }
  /** The claims that each scope requests, including the scopes of features. */
  scopeTable: Readonly<Record<string, readonly string[]>>
  /** The path of the issuer, usually ''. All paths are served below it. */
  basePath: string
  /** The base URLs of this provider: the issuer, then those of features. Without trailing slash. */
  baseUrls: readonly string[]
  /** Those of them, without the issuer, at which pages have a session (http/page_base.ts). */
  pageBases: readonly string[]
  /** The description of each scope on the consent page. */
  scopeDescriptions: Readonly<Record<string, OwnWords | Said>>
  /** All scopes that may be requested, and below all `acr` values that a sign-in can reach. */
  scopes: readonly string[]
  /** Those that clients may have without an operator who named them. */
  openScopes: readonly string[]
  acrValues: readonly string[]
  /** Computes a text that depends only on the context, once. */
  once(name: string, make: () => string): string
  /** A short cache of client records. */
  clients: Cache<Client>
  /** Hashes of wrong secrets of the last minute: one that is sent again is no further guess. */
  wrongSecrets: Cache<true>
  /** What features remember of this provider: one value for each function that makes it. It ends with a change of the configuration. */
  made: MadeOnce<Context>
  /** Open streams of events. */
  streams: Limiter
  /** Changes of which owners of accounts are told, by account and kind, and whether each succeeds (people/tell_owner.ts). */
  changes: { instance: string; running: Map<string, { detail: string; succeeded: Promise<boolean> }> }
  metrics: Metrics
  /** What clients do, until a job writes it. */
  usage: Usage
  /** The audit trail; undefined without AUDIT_SIGNING_KEY. */
  audit: Audit | undefined
  /** Since when the store has lost no record of what was used or revoked. */
  birth: Birth
  /** Compares the clock of this instance with that of the store. */
  clockGuard: ClockGuard
  /** The name, logo, stylesheets and templates of pages and mails, with the operator's theme. */
  looks: Looks
  /** Sends all requests to URLs that a client or another party chose. */
  outbound: Outbound
  /** The parsed keys of clients, for as long as their JWK Set is cached. */
  clientKeys: WeakMap<object, ReadKeys>
  /** Runs a job of the table now and not only at its next interval. Does nothing where no jobs run, as in a command. */
  soon: (job: string) => void
  /** Variables whose secret could not be read again; undefined when all secrets are in the environment itself. */
  unreadSecrets: (() => readonly { name: string; problem: string }[]) | undefined
  /** Absent without OTEL_EXPORTER_OTLP_ENDPOINT. */
  tracing?: Tracing | undefined
  /** Absent without LAB. */
  recorder?: FlowRecorder | undefined
  /** Undefined without SENTRY_DSN. */
  errorReports?: Pick<ErrorReports, 'problem'> | undefined
  /** Undefined in a command, and in a realm: it is of the process. */
  server: ServerControls | undefined
  /** Of the server alone; undefined without REALMS, in a realm and in a command. */
  realms?: Realms | undefined
  /** Of a realm: those that a realm may set. Undefined for the server, whose `server` has all. */
  ownSettings?: (() => readonly EffectiveSetting[]) | undefined
  /** The realm that this is the context of; undefined for the server itself. */
  realm?: Pick<RealmRecord, 'id' | 'name' | 'title' | 'classroom'> | undefined
  /**
   * Answers a request as if it had come from `peer` over the network: for the playground of the lab, whose client is a part
   * of this process. It rejects in a command.
   */
  answer(request: Request, peer: string): Promise<Response>
  /** Turns true on SIGTERM: /health says so while requests in flight finish. */
  closing: () => boolean
}
