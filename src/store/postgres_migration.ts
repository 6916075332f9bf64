/** Creates the tables of the store in PostgreSQL and brings them up to date, once for all instances that start together. docs/decisions/0076-postgres.md */
import type { SQL } from 'bun'
import { parsePostgresUrl, type PostgresTarget } from '../lib/postgres_url.ts'
import { currentVersion, nameless, openClient, versionProblem, within } from './postgres_client.ts'
import type { PoolOptions } from './postgres_pool.ts'
import { codeOf, isDefinite, unavailable, Unusable } from './postgres_reason.ts'
import { arrival, foundation, lock, patience, type Step, steps } from './postgres_schema.ts'
import { StoreUnavailable } from './store.ts'

/** A step may take long on large tables. An instance waits for another one that runs it. */
const patienceMs = 600_000

interface Version {
  version: number
  oldest: number
}

/** Other statements run in this time. */
const lockPauseMs = 1000
/** Ten minutes, as long as a backup may take. */
const mostTries = 600

const absent: readonly string[] = ['3F000', '42P01']

/** Undefined when there are no tables. */
async function versionOf(client: SQL): Promise<Version | undefined> {
  try {
    const [row] = await client.unsafe<Version[]>('SELECT version, oldest FROM latchkey.schema_version')
    return row
  } catch (error) {
    if (absent.includes(codeOf(error))) return undefined
    throw error
  }
}

const undo = Symbol('undo')

/**
 * Runs the steps that are missing, in one transaction. A newer release may have run more: nothing is done then, and nothing is
 * undone. With `keep` false the transaction is rolled back. Resolves to the version that was there before.
 */
export async function runSteps(
  client: SQL,
  of: readonly Step[] = steps,
  keep = true,
  tries = mostTries,
): Promise<number> {
  const before = await versionOf(client)
  if (before && before.version >= currentVersion(of)) return before.version
  try {
    return await client.begin(async (tx) => {
      await tx.unsafe(lock).simple()
      await tx.unsafe(patience).simple()
      await tx.unsafe(foundation).simple()
      // Another instance may have run them while this one waited for the lock.
      const from = (await versionOf(tx))?.version ?? 0
      for (const step of of.filter(({ version }) => version > from)) {
        await tx.unsafe(step.sql).simple()
        await tx.unsafe(arrival(step)).simple()
      }
      if (!keep) throw undo
      return from
    })
  } catch (error) {
    if (error === undo) return before?.version ?? 0
    if (codeOf(error) === '55P03' && tries > 0) {
      await Bun.sleep(lockPauseMs)
      return runSteps(client, of, keep, tries - 1)
    }
    if (codeOf(error) === '42501') throw new Unusable(`postgres: ${versionProblem(before, of)}`)
    throw error
  }
}

/** Like `runSteps`, on the first host that accepts writes. Tries again until the timeout when none does. */
export async function migrate(
  target: PostgresTarget,
  { timeoutMs, caCert }: PoolOptions,
  keep = true,
): Promise<number> {
  const deadline = performance.now() + timeoutMs
  for (let failure: unknown; ;) {
    for (const host of target.hosts) {
      const options = { timeoutMs, max: 1, statementMs: patienceMs, ...(caCert !== undefined && { caCert }) }
      const client = openClient(target, host, options)
      try {
        await within(timeoutMs, requirePrimary(client))
        const before = await runSteps(client, steps, keep)
        const problem = keep ? versionProblem(await versionOf(client)) : undefined
        if (problem !== undefined) throw new Unusable(`postgres: ${problem}`)
        return before
      } catch (error) {
        failure = unavailable(await nameless(error, host))
        if (target.hosts.length === 1 && (isDefinite(error) || error instanceof StoreUnavailable))
          throw failure
      } finally {
        void client.close({ timeout: 0 }).catch(() => {})
      }
    }
    if (performance.now() > deadline) throw failure
    await Bun.sleep(50)
  }
}

/** Whether the next `migrate` would change the database of `url`. It is tried and undone. */
export const wantsTables = async (url: string, options: PoolOptions): Promise<boolean> =>
  (await migrate(parsePostgresUrl(url), options, false)) < currentVersion()

async function requirePrimary(client: SQL): Promise<void> {
  const [row] = await client.unsafe<{ replica: boolean }[]>('SELECT pg_is_in_recovery() AS replica')
  if (row?.replica !== false)
    throw new StoreUnavailable('postgres: the server is a replica and accepts no write', {
      refusesWrites: true,
    })
}
