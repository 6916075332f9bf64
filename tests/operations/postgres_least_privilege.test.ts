/** The PostgreSQL user of docs/deployment.md is enough for every verb of the store, and for nothing else. OWASP ASVS 5.0 V13.2.2 */
import { SQL } from 'bun'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { rightsOf, schemaScript } from '../../src/store/postgres_schema.ts'
import { storeContract } from '../store/contract.ts'
import { commandLine } from '../support/command.ts'
import { blocksOf, document } from '../support/document.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'

const rights = blocksOf(document('docs/deployment.md'))
  .find(({ note }) => note === 'postgres-user')!
  .text.trim()

let server: PostgresServer
let url: string
let empty: string
beforeAll(async () => {
  server = await startPostgres({ user: false })
  server.psql('CREATE DATABASE latchkey')
  server.psql(schemaScript(), 'latchkey')
  server.psql(rights, 'latchkey')
  server.psql('CREATE DATABASE other')
  url = `postgres://latchkey:PASSWORD@127.0.0.1:${server.port}/latchkey`
  empty = url.replace(/latchkey$/, 'other')
}, 60_000)
afterAll(() => server.stop())

const patient = { timeoutMs: 30_000 }

storeContract('postgres with the least privileges', async () => {
  const [a, b] = await Promise.all([
    postgresStore(url, systemClock, patient),
    postgresStore(url, systemClock, patient),
  ])
  return {
    a,
    b,
    pass: Bun.sleep,
    done: async () => {
      await Promise.all([a.close(), b.close()])
    },
  }
})

test('it sweeps, tells the time and its concerns', async () => {
  const store = await postgresStore(url, systemClock, patient)
  expect(await store.concerns!()).toEqual([expect.objectContaining({ name: 'may_lose_writes' })]) // fsync is off in tests
  expect(await store.time!()).toBeGreaterThan(0)
  await store.close()
  const own = new SQL(url, { max: 1 })
  expect(await own.unsafe('SELECT latchkey.sweep($1, 10) AS more', [Date.now()])).toEqual([
    { more: expect.any(Boolean) },
  ])
  await own.close()
})

test.each([
  'CREATE TABLE latchkey.mine (a int)',
  'CREATE TABLE public.mine (a int)',
  'CREATE TEMPORARY TABLE mine (a int)',
  'CREATE SCHEMA mine',
  'DROP TABLE latchkey.entries',
  'TRUNCATE latchkey.entries',
  'ALTER TABLE latchkey.entries ADD COLUMN a int',
  'CREATE INDEX ON latchkey.entries (value)',
  'CREATE OR REPLACE FUNCTION latchkey.now_ms() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT 0::bigint $$',
  'UPDATE latchkey.schema_version SET version = 0',
  'DELETE FROM latchkey.schema_version',
  'SELECT * FROM pg_authid',
  `COPY latchkey.entries TO PROGRAM 'cat'`,
  `SELECT pg_read_file('/etc/passwd')`,
  'ALTER SYSTEM SET fsync = off',
  'CREATE ROLE friend',
  'SELECT pg_reload_conf()',
])('it may not: %s', async (statement) => {
  const own = new SQL(url, { max: 1 })
  await expect(own.unsafe(statement).simple()).rejects.toThrow(
    /permission denied|must be owner|must be superuser/,
  )
  await own.close()
})

test('`latchkey store schema --grant` gives the same rights', async () => {
  const { sql } = await commandLine().json<{ sql: string }>(
    'store',
    'schema',
    '--grant',
    'a "user"',
    '--json',
  )
  expect(sql).toEndWith(rightsOf('"a ""user"""'))
  expect(rights).toEndWith(rightsOf('latchkey').trim())
})

test('on a database without tables the start says what to do', async () => {
  const { code, stderr } = await commandLine({
    NODE_ENV: 'development',
    STORE_URL: empty,
    STORE_TIMEOUT_MS: '30000',
  }).latchkey(['client', 'list'])
  expect(stderr).toContain('latchkey store schema')
  expect(code).toBe(1)
})
