/**
 * Issue 9, 61: a store with data and without its record of signing keys got new keys without a word, and all tokens stopped
 * verifying.
 */
import { Database } from 'bun:sqlite'
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { openBirth } from '../../src/models/birth.ts'
import { createLog } from '../../src/lib/log.ts'
import { redisStore } from '../../src/store/redis.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { type CommandLine, commandLine } from '../support/command.ts'
import { spawnProvider } from '../support/provider.ts'
import { redisCli, startRedis } from '../support/redis.ts'

const production = {
  NODE_ENV: 'production',
  ISSUER_URL: 'https://id.example',
  SECRET_KEY: 'q8vN2kP5xW9zR4tY7uB1mC6dF3gH0jLs',
}
const aClient = ['client', 'add', 'An application', '--redirect-uri', 'https://app.example/cb']
const log = createLog('silent', 'json', () => {})

let folder: string
let database: string
let line: CommandLine
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-keys-'))
  database = join(folder, 'latchkey.db')
  line = commandLine({ ...production, STORE_URL: `sqlite:${database}`, PORT: '0' }) // others check port 5000
})
afterEach(() => {
  line.remove()
  rmSync(folder, { recursive: true, force: true })
})

/** The store loses a record. */
function lose(key: string): void {
  const db = new Database(database)
  expect(db.run('DELETE FROM entries WHERE key = ?', [key]).changes).toBe(1)
  db.close()
}

const kidsOf = async (): Promise<string[]> =>
  (await line.json<{ kid: string }[]>('keys', 'list', '--json')).map(({ kid }) => kid)

test('production stops and names the command, and the command makes new keys', async () => {
  expect((await line.latchkey(aClient)).code).toBe(0)
  const before = await kidsOf()
  lose('key_ring')
  for (const args of [['keys', 'list'], ['serve'], aClient, ['keys', 'generate']]) {
    const { code, stderr } = await line.latchkey(args)
    expect([args[0], code === 0]).toEqual([args[0], false])
    expect(stderr).toContain('the store has data, and no signing keys')
    expect(stderr).toContain('latchkey keys replace')
  }
  const deep = await line.latchkey(['config', 'check', '--deep'])
  expect(deep.stderr + deep.stdout).toContain('latchkey keys replace')

  expect((await line.latchkey(['keys', 'replace', '--yes'])).code).toBe(0)
  const after = await kidsOf()
  expect(after.some((kid) => before.includes(kid))).toBe(false)
}, 60_000)

test('a mark alone is data; a new store is not', async () => {
  expect((await line.latchkey(['keys', 'generate'])).code).toBe(0)
  lose('key_ring')
  expect((await line.latchkey(['keys', 'generate'])).code).toBe(0) // nothing was ever kept beside the keys
  const store = sqliteStore(database, systemClock)
  await openBirth({ store, clock: systemClock, log }, 0) // as a server does
  await store.close()
  lose('key_ring')
  expect((await line.latchkey(['keys', 'generate'])).stderr).toContain('the store has data')
}, 60_000)

test('a server on Redis leaves a mark, and does not start again without its keys', async () => {
  const redis = await startRedis()
  try {
    const env = { ...production, ISSUER_URL: 'http://localhost:5000', REDIS_URL: redis.url }
    const op = await spawnProvider({ ...env, NODE_ENV: 'development' })
    await op.stop()
    const store = redisStore(redis.url)
    expect(await store.get('birth')).toBeDefined()
    await store.take('key_ring')
    await store.close()
    const prod = commandLine({ ...env, ISSUER_URL: 'https://id.example' })
    const { code, stderr } = await prod.latchkey(['serve'])
    expect([code === 0, stderr]).toEqual([false, expect.stringContaining('latchkey keys replace')])
    expect(redisCli(redis.port, 'EXISTS', 'latchkey:v:key_ring').trim()).toBe('0')
    prod.remove()
  } finally {
    await redis.stop()
  }
}, 60_000)
