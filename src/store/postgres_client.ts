/** Clients of Bun for one host of a PostgreSQL URL. https://bun.com/docs/runtime/sql */
import { lookup } from 'node:dns/promises'
import { SQL } from 'bun'
import type { Host } from '../lib/host_port.ts'
import { type PostgresTarget, sslModeOf } from '../lib/postgres_url.ts'
import { isAnswer, Unusable } from './postgres_reason.ts'
import { steps } from './postgres_schema.ts'
import { StoreUnavailable } from './store.ts'

export interface ClientOptions {
  /** How long a verb may take, including connecting. */
  timeoutMs: number
  /** Most connections. */
  max: number
  /** Milliseconds after which the server ends a statement; 0 for never. */
  statementMs: number
  /** The certificate authority (PEM) of the server. Default: public ones. */
  caCert?: string
}

/** Each setting is given, because Bun would take what is missing from PGHOST, PGDATABASE, DATABASE_URL and the like. */
export function openClient(target: PostgresTarget, { host, port }: Host, options: ClientOptions): SQL {
  const { timeoutMs, max, statementMs, caCert } = options
  const mode = sslModeOf(target, caCert !== undefined)
  const verified = { rejectUnauthorized: true, ...(caCert !== undefined && { ca: caCert }) }
  return new SQL({
    adapter: 'postgres',
    hostname: host,
    port,
    username: target.username,
    password: target.password ?? '',
    database: target.database,
    tls: host.startsWith('/') ? 'disable' : mode === 'verify-full' ? verified : mode,
    channelBinding: target.channelBinding ?? 'disable',
    max,
    connectionTimeout: timeoutMs / 1000,
    idleTimeout: 0,
    maxLifetime: 0,
    prepare: true,
    connection: {
      application_name: 'latchkey',
      options: '',
      statement_timeout: statementMs,
      lock_timeout: 0,
      idle_in_transaction_session_timeout: 60_000,
      // Functions of the schema lock a row and read what others wrote before.
      default_transaction_isolation: 'read committed',
    },
  })
}

interface Told {
  replica: boolean
  isolation: string
  version: number
  oldest: number
}

/** Rejects unless the server accepts writes and has the tables that this version uses. */
export async function requireUsable(client: SQL): Promise<void> {
  const [replica] = await client.unsafe<Pick<Told, 'replica' | 'isolation'>[]>(
    `SELECT pg_is_in_recovery() AS replica, current_setting('transaction_isolation') AS isolation`,
  )
  if (replica?.replica !== false)
    throw new StoreUnavailable('postgres: the server is a replica and accepts no write', {
      refusesWrites: true,
    })
  if (replica.isolation !== 'read committed')
    throw new Unusable(
      `postgres: transactions are ${replica.isolation}, because a pooler drops the settings of a connection; expected default_transaction_isolation=read committed`,
    )
  const [found] = await client.unsafe<Pick<Told, 'version' | 'oldest'>[]>(
    'SELECT version, oldest FROM latchkey.schema_version',
  )
  const problem = versionProblem(found)
  if (problem !== undefined) throw new Unusable(`postgres: ${problem}`)
}

export const currentVersion = (of = steps): number => of.at(-1)?.version ?? 0

/** What is wrong with the version of the tables for code that has the `steps`; undefined when it can use them. */
export function versionProblem(
  found: { version: number; oldest: number } | undefined,
  of = steps,
): string | undefined {
  const ours = currentVersion(of)
  if (!found || found.version < ours)
    return `the tables have version ${found?.version ?? 0} and this release needs ${ours}: start it with a user that may change them, or apply what \`latchkey store schema\` prints`
  if (found.oldest > ours)
    return `the tables have version ${found.version}, which a newer release made, and this release has ${ours}: use a newer release`
  return undefined
}

/** Bun says "refused" for a name without an address too, or nothing at all where the name server is slow. */
export async function nameless(error: unknown, { host }: Host): Promise<unknown> {
  if (isAnswer(error) || host.startsWith('/')) return error
  return lookup(host).then(
    () => error,
    (failure: Error & { code?: string }) =>
      ['ENOTFOUND', 'EAI_AGAIN'].includes(failure.code ?? '') ? failure : error,
  )
}

/** `StoreUnavailable` when there is no answer in time. The query goes on; its result is not used. */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new StoreUnavailable('postgres: no answer in time')), ms)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}
