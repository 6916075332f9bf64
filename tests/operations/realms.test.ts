/** Realms of a server as it is started, with the commands' records beside it: found within seconds, kept over a restart. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { Realm } from '../../src/models/realm.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { demo } from '../support/client.ts'
import { quickKeys } from '../support/realms.ts'
import { redisStore } from '../../src/store/redis.ts'
import { freePort } from '../support/free_port.ts'
import { startRedis } from '../support/redis.ts'
import { spawnProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-realms-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const token = (issuer: string): Promise<Response> =>
  fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${demo.client_id}:${demo.client_secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
const jwksOf = async (issuer: string) => (await fetch(`${issuer}/.well-known/jwks.json`)).text()

test('a realm that another process creates, changes and removes', async () => {
  const path = join(folder, 'a.db')
  const env = { STORE_URL: `sqlite:${path}`, REALMS: 'true', LAB: 'false' }
  let op = await spawnProvider(env)
  const store = sqliteStore(path, systemClock)
  const memory = { store, clock: systemClock, log: createLog('silent', 'text', () => {}) }
  const issuer = `${op.issuer}/realms/class`
  expect((await fetch(`${issuer}/health`)).status).toBe(404)
  await Realm.create(memory, systemRandom, { name: 'class', settings: quickKeys, demo: true })
  await until(async () => (await fetch(`${issuer}/health`)).ok, 'the realm is answered')
  expect((await token(issuer)).status).toBe(200)
  const keys = await jwksOf(issuer)
  expect(keys).not.toBe(await jwksOf(op.issuer))
  await op.stop()
  op = await spawnProvider({ ...env, PORT: new URL(op.issuer).port })
  expect(await jwksOf(issuer)).toBe(keys)
  await Realm.update(memory, systemRandom, 'class', (current) => ({ ...current, disabled: true }))
  await until(async () => (await fetch(`${issuer}/health`)).status === 404, 'the realm is disabled')
  await Realm.update(memory, systemRandom, 'class', (current) => ({ ...current, disabled: false }))
  await until(async () => (await token(issuer)).ok, 'the realm is enabled')
  await Realm.remove(memory, systemRandom, 'class')
  await until(async () => (await fetch(`${issuer}/health`)).status === 404, 'the realm is removed')
  expect((await fetch(`${op.issuer}/health`)).status).toBe(200)
  await op.stop()
  await store.close()
}, 120_000)

test('two servers on one Redis: a realm that one creates is answered by both, with one key ring', async () => {
  const redis = await startRedis()
  const env = { STORE_URL: redis.url, REALMS: 'true', LAB: 'false' }
  const one = await spawnProvider(env)
  const port = new URL(one.issuer).port
  const otherPort = freePort()
  const other = await spawnProvider({ ...env, ISSUER_URL: one.issuer, PORT: `${otherPort}` })
  const there = `http://localhost:${otherPort}/realms/class`
  const store = redisStore(redis.url)
  const memory = { store, clock: systemClock, log: createLog('silent', 'text', () => {}) }
  await Realm.create(memory, systemRandom, { name: 'class', settings: quickKeys, demo: true })
  const here = `http://localhost:${port}/realms/class`
  const answered = async (issuer: string) => (await fetch(`${issuer}/health`)).ok
  await until(async () => (await answered(here)) && (await answered(there)), 'both answer')
  const tokens = await Promise.all([token(here), token(there), token(here), token(there)])
  expect(tokens.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect(await jwksOf(here)).toBe(await jwksOf(there))
  await Realm.remove(memory, systemRandom, 'class')
  await until(async () => !(await answered(here)) && !(await answered(there)), 'neither answers')
  await Promise.all([one.stop(), other.stop(), store.close()])
  await redis.stop()
}, 120_000)
