/** A PostgreSQL with a replica: the one that accepts writes is found, before and after a failover. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { concernsOf } from '../../src/store/postgres_settings.ts'
import { type Store, StoreUnavailable } from '../../src/store/store.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

let primary: PostgresServer
let replica: PostgresServer
let url: string
beforeAll(async () => {
  primary = await startPostgres({ settings: { fsync: 'on' } })
  url = primary.database('ha')
  replica = await primary.replica()
}, 120_000)
afterAll(() => Promise.all([primary.stop(), replica.stop()]))

const patient = { timeoutMs: 30_000, poolSize: 3 }
const at = (...servers: PostgresServer[]): string =>
  url.replace(/127\.0\.0\.1:\d+/, servers.map(({ port }) => `127.0.0.1:${port}`).join(','))

const concerns = async (store: Store): Promise<string[]> => (await store.concerns!()).map(({ name }) => name)

test('a replica that no commit waits for is a concern; one that confirms is none', async () => {
  const store = await postgresStore(url, systemClock, patient)
  expect(await concerns(store)).toEqual(['may_lose_writes'])
  primary.psql(`ALTER SYSTEM SET synchronous_standby_names = '*'`)
  primary.psql('SELECT pg_reload_conf()')
  await until(async () => (await concerns(store)).length === 0, 'the setting to be in use')
  primary.psql('ALTER SYSTEM RESET synchronous_standby_names')
  primary.psql('SELECT pg_reload_conf()')
  await store.close()
}, 60_000)

test('settings that lose acknowledged writes are named', () => {
  const safe = {
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    synchronous_standby_names: '',
    replicas: 0,
    superuser: false,
  }
  expect(concernsOf(safe)).toEqual([])
  expect(concernsOf({ ...safe, superuser: true }).map(({ name }) => name)).toEqual(['superuser'])
  for (const name of ['fsync', 'full_page_writes', 'synchronous_commit'] as const)
    expect(concernsOf({ ...safe, [name]: 'off' })[0]?.text).toStartWith(`${name} is off`)
})

test('a replica alone is not used, not even to read', async () => {
  const opened = postgresStore(at(replica), systemClock, { timeoutMs: 5_000 })
  await expect(opened).rejects.toThrow('postgres: the server is a replica and accepts no write')
}, 60_000)

test('of two hosts the one that accepts writes is used, in either order; after a failover the other', async () => {
  const stores = [
    await postgresStore(at(primary, replica), systemClock, patient),
    await postgresStore(at(replica, primary), systemClock, patient),
  ]
  for (const [i, store] of stores.entries()) await store.put(`kept/${i}`, 'v')
  const rows = () => replica.psql(`SELECT count(*) FROM latchkey.entries WHERE key LIKE 'kept/%'`, 'ha')
  await until(() => rows() === '2', 'the replica to have the writes')
  await primary.kill()
  const early = await postgresStore(at(primary, replica), systemClock, { timeoutMs: 1_000 }).catch(
    (error: unknown) => error,
  )
  expect(early).toBeInstanceOf(StoreUnavailable)
  replica.promote()
  for (const [i, store] of stores.entries()) {
    await until(
      () =>
        store.put('after', 'failover').then(
          () => true,
          () => false,
        ),
      'the new primary to be found',
    )
    expect(await store.get(`kept/${i}`)).toBe('v')
    expect(await store.create(`kept/${i}`, 'w')).toBe(false)
    await store.close()
  }
  expect(
    replica.psql(`SELECT convert_from(value, 'UTF8') FROM latchkey.entries WHERE key = 'after'`, 'ha'),
  ).toBe('failover')
}, 120_000)

test('with a replica that confirms each commit, a failover loses nothing that was acknowledged', async () => {
  const first = await startPostgres({ settings: { fsync: 'on' } })
  const single = first.database('sync')
  const second = await first.replica()
  try {
    first.psql(`ALTER SYSTEM SET synchronous_standby_names = '*'`)
    first.psql('SELECT pg_reload_conf()')
    const both = single.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${first.port},127.0.0.1:${second.port}`)
    const store = await postgresStore(both, systemClock, { timeoutMs: 5_000 })
    await until(async () => (await concerns(store)).length === 0, 'commits to wait for the replica')
    const acknowledged: string[] = []
    let isOver = false
    const writers = Array.from({ length: 8 }, async (_, w) => {
      for (let i = 0; !isOver; i++) {
        const key = `kept/${w}/${i}`
        await store.create(key, key).then(
          (won) => won && acknowledged.push(key),
          () => Bun.sleep(20),
        )
      }
    })
    await until(() => acknowledged.length > 200, 'writes')
    await first.kill()
    const before = acknowledged.length
    second.promote()
    second.psql(`ALTER SYSTEM SET synchronous_standby_names = ''`)
    second.psql('SELECT pg_reload_conf()')
    await until(() => acknowledged.length > before + 50, 'writes after the failover')
    isOver = true
    await Promise.all(writers)
    const values = await Promise.all(acknowledged.map((key) => store.get(key)))
    expect(values).toEqual(acknowledged)
    await store.close()
  } finally {
    await Promise.all([first.stop(), second.stop()])
  }
}, 120_000)
