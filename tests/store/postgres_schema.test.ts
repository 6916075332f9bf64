/** The tables of the PostgreSQL store: made once by instances that start together, shared by an old and a new release, swept, no rows lost. */
import { SQL } from 'bun'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { runSteps, wantsTables } from '../../src/store/postgres_migration.ts'
import { type Step, steps } from '../../src/store/postgres_schema.ts'
import { versionProblem } from '../../src/store/postgres_client.ts'
import { commandLine } from '../support/command.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
}, 60_000)
afterAll(() => server.stop())

const patient = { timeoutMs: 30_000, poolSize: 3 }
const nameOf = (url: string): string => new URL(url).pathname.slice(1)
const client = (url: string): SQL => new SQL(url, { max: 1 })

/** As the next release would bring it: the old one goes on without noticing. */
const next: Step = {
  version: 2,
  oldest: 1,
  sql: `ALTER TABLE latchkey.entries ADD COLUMN IF NOT EXISTS written_at bigint;
    CREATE TABLE IF NOT EXISTS latchkey.runs (at bigint);
    INSERT INTO latchkey.runs SELECT pg_backend_pid();
    SELECT pg_sleep(0.2);`,
}

test('ten instances that start at once on an empty database make the tables once', async () => {
  const url = server.database()
  const stores = await Promise.all(Array.from({ length: 10 }, () => postgresStore(url, systemClock, patient)))
  const won = await Promise.all(stores.map((store, i) => store.create('first', `${i}`)))
  expect(won.filter(Boolean)).toHaveLength(1)
  expect(server.psql('SELECT version, oldest FROM latchkey.schema_version', nameOf(url))).toBe('1|1')
  await Promise.all(stores.map((store) => store.close()))
}, 60_000)

test('of two instances of the next release one migrates, while one of this release serves', async () => {
  const url = server.database()
  const old = await postgresStore(url, systemClock, patient)
  const clients = [client(url), client(url)]
  let migrating = true
  const served = (async () => {
    for (let i = 0; migrating || i < 100; i++) {
      expect((await old.increment('served', 60_000)).count).toBe(i + 1)
      expect(await old.create(`one/${i}`, 'v')).toBe(true)
      await old.link('index', `${i}`, i)
    }
  })()
  const before = await Promise.all(clients.map((each) => runSteps(each, [...steps, next])))
  migrating = false
  await served
  // The one that came second found the work done when it had the lock.
  expect(before.toSorted()).toEqual([1, 2])
  expect(server.psql('SELECT count(*) FROM latchkey.runs', nameOf(url))).toBe('1')
  // An instance of the old release that starts now works too.
  const late = await postgresStore(url, systemClock, patient)
  expect(await late.get('one/1')).toBe('v')
  await Promise.all([old.close(), late.close(), ...clients.map((each) => each.close())])
}, 60_000)

test('a step that waits for a table, as during a backup, stops no statement of an instance', async () => {
  const url = server.database()
  const old = await postgresStore(url, systemClock, patient)
  const backup = server.session(nameOf(url))
  await backup.ask('BEGIN; LOCK TABLE latchkey.entries IN ACCESS SHARE MODE')
  const own = client(url)
  let isMigrated = false
  const migrated = runSteps(own, [...steps, next]).finally(() => (isMigrated = true))
  const waits = `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE%'`
  await until(() => server.psql(waits, nameOf(url)) === '1', 'the step to wait for the table')
  // Each is answered, at the latest when the step has given up for a while.
  for (let i = 0; i < 20; i++) await old.put('k', `${i}`)
  expect(isMigrated).toBe(false)
  await backup.ask('COMMIT')
  expect(await migrated).toBe(1)
  await Promise.all([old.close(), own.close(), backup.end()])
}, 60_000)

test('a user who owns the schema alone may migrate', async () => {
  const url = server.database()
  server.psql(`CREATE ROLE owner LOGIN PASSWORD 'o'; CREATE SCHEMA latchkey AUTHORIZATION owner`, nameOf(url))
  const at = Object.assign(new URL(url), { username: 'owner', password: 'o' }).href
  const store = await postgresStore(at, systemClock, patient)
  expect(await store.create('k', 'v')).toBe(true)
  await store.close()
})

test('a step that fails leaves the version and the tables as they were', async () => {
  const url = server.database()
  const own = client(url)
  await runSteps(own)
  const broken: Step = { version: 2, oldest: 1, sql: 'CREATE TABLE latchkey.half (a int); SELECT 1/0;' }
  await expect(runSteps(own, [...steps, broken])).rejects.toThrow('division by zero')
  expect(server.psql('SELECT version FROM latchkey.schema_version', nameOf(url))).toBe('1')
  expect(server.psql(`SELECT to_regclass('latchkey.half') IS NULL`, nameOf(url))).toBe('t')
  expect(await runSteps(own, [...steps, next])).toBe(1)
  expect(versionProblem({ version: 2, oldest: 2 })).toContain('use a newer release')
  await own.close()
})

test('a trial changes nothing', async () => {
  const url = server.database()
  expect(await wantsTables(url, patient)).toBe(true)
  expect(server.psql(`SELECT to_regnamespace('latchkey') IS NULL`, nameOf(url))).toBe('t')
  await (await postgresStore(url, systemClock, patient)).close()
  expect(await wantsTables(url, patient)).toBe(false)
})

test('what `latchkey store schema` prints makes the same tables, and may run twice', async () => {
  const [printed, made] = [server.database(), server.database()]
  const { sql } = await commandLine().json<{ sql: string }>('store', 'schema', '--json')
  const own = client(printed)
  await own.unsafe(sql).simple()
  await own.unsafe(sql).simple()
  await own.close()
  await (await postgresStore(made, systemClock, patient)).close()
  const tables = (url: string) =>
    server.psql(
      `SELECT string_agg(format('%s %s %s %s', table_name, column_name, data_type, is_nullable), E'\\n' ORDER BY table_name, ordinal_position)
        FROM information_schema.columns WHERE table_schema = 'latchkey'
       UNION ALL SELECT string_agg(indexdef, E'\\n' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'latchkey'
       UNION ALL SELECT string_agg(prosrc, E'\\n' ORDER BY proname) FROM pg_proc WHERE pronamespace = to_regnamespace('latchkey')`,
      nameOf(url),
    )
  expect(tables(printed)).toBe(tables(made))
  expect(await wantsTables(printed, patient)).toBe(false)
}, 60_000)

test('expired rows leave the tables by themselves, in portions', async () => {
  const url = server.database()
  const store = await postgresStore(url, systemClock, patient)
  await Promise.all(Array.from({ length: 2500 }, (_, i) => store.put(`k${i}`, 'v', 1)))
  await Promise.all(Array.from({ length: 1500 }, (_, i) => store.link('index', `m${i}`, i, 300)))
  await store.put('stays', 'v')
  await store.link('stays', 'm', 1)
  const rows = () =>
    server.psql(
      'SELECT (SELECT count(*) FROM latchkey.entries), (SELECT count(*) FROM latchkey.indexes), (SELECT count(*) FROM latchkey.members)',
      nameOf(url),
    )
  await until(() => rows() === '1|1|1', 'the expired rows to go')
  await store.close()
}, 60_000)

test('a row that has expired by the clock of the server alone is not deleted', async () => {
  const url = server.database()
  // Its clock is an hour behind, so that of the server looks as if it had been set an hour ahead.
  const behind = await postgresStore(url, { now: () => Date.now() - 3_600_000 }, patient)
  await behind.put('used', 'v', 1)
  await behind.put('marker', 'v')
  await Bun.sleep(2500) // two turns of the sweep
  expect(server.psql('SELECT count(*) FROM latchkey.entries', nameOf(url))).toBe('2')
  expect(await behind.get('used')).toBeUndefined()
  const right = await postgresStore(url, systemClock, patient)
  await until(
    () => server.psql('SELECT count(*) FROM latchkey.entries', nameOf(url)) === '1',
    'the sweep of the right clock',
  )
  await Promise.all([behind.close(), right.close()])
}, 60_000)

test('links and unlinks that race lose no member and no TTL', async () => {
  const url = server.database()
  const stores = await Promise.all([
    postgresStore(url, systemClock, patient),
    postgresStore(url, systemClock, patient),
  ])
  const [a, b] = stores as [(typeof stores)[number], (typeof stores)[number]]
  for (let round = 0; round < 40; round++) {
    const index = `race/${round}`
    await a.link(index, 'old', 1, 1)
    await Promise.all([
      a.unlink(index, 'old'),
      b.link(index, 'kept', 2),
      a.link(index, 'brief', 3, 60_000),
      b.trim(index, 1),
    ])
    expect(
      server.psql(
        `SELECT expires_at = ${Number.MAX_SAFE_INTEGER} FROM latchkey.indexes WHERE name = '${index}'`,
        nameOf(url),
      ),
    ).toBe('t')
    expect((await b.range(index)).map(({ member }) => member)).toEqual(['kept', 'brief'])
  }
  await Promise.all(stores.map((store) => store.close()))
}, 60_000)

test('statements that stop each other are tried again: no verb fails and none counts twice', async () => {
  const url = server.database()
  const store = await postgresStore(url, systemClock, { ...patient, poolSize: 4 })
  await Promise.all([store.put('a', '0'), store.put('b', '0')])
  server.psql(`ALTER SYSTEM SET deadlock_timeout = '10ms'`)
  server.psql('SELECT pg_reload_conf()')
  const count = (sql: string) => Number(server.psql(sql, nameOf(url)))
  const deadlocks = () => count(`SELECT deadlocks FROM pg_stat_database WHERE datname = '${nameOf(url)}'`)
  // The first update of `b` goes on to `a` after a second, as no verb does.
  server.psql(
    `CREATE SEQUENCE public.updates; GRANT USAGE ON SEQUENCE public.updates TO latchkey;
     CREATE FUNCTION public.crossing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF new.key = 'b' AND nextval('public.updates') = 1 THEN
         PERFORM pg_sleep(1); UPDATE latchkey.entries SET value = value WHERE key = 'a';
       END IF;
       RETURN new; END $$;
     CREATE TRIGGER crossing AFTER UPDATE ON latchkey.entries FOR EACH ROW EXECUTE FUNCTION public.crossing()`,
    nameOf(url),
  )
  const before = deadlocks()
  const holder = server.session(nameOf(url))
  await holder.ask(
    `BEGIN; SET LOCAL deadlock_timeout = '60s'; SELECT 1 FROM latchkey.entries WHERE key = 'a' FOR UPDATE`,
  )
  const counted = store.increment('b', 60_000)
  await until(
    () => count(`SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`) === 1,
    'the verb to hold b',
  )
  await holder.ask(`SELECT 1 FROM latchkey.entries WHERE key = 'b' FOR UPDATE`)
  await holder.ask('COMMIT')
  expect((await counted).count).toBe(1)
  await until(() => deadlocks() > before, 'the server to count the deadlock')
  expect((await store.increment('b', 60_000, 0)).count).toBe(1)
  await holder.end()
  await store.close()
}, 60_000)
