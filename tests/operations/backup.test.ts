/** `latchkey backup` and `restore` as an operator runs them: between backends, refused, stopped at each verb, killed. docs/decisions/0080-backups.md */
import { afterAll, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { make } from '../../src/cli/backup/backup.ts'
import { folderPlace } from '../../src/cli/backup/files.ts'
import { nameAt } from '../../src/cli/backup/place.ts'
import { restoreFrom } from '../../src/cli/backup/restore.ts'
import { isUnfinished } from '../../src/models/unfinished.ts'
import { unfinishedKey } from '../../src/store/moving/mark.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { commandLine } from '../support/command.ts'
import { operatorClient } from '../support/flow.ts'
import { failingStore } from '../support/odd_stores.ts'
import { startPostgres } from '../support/postgres.ts'
import { type Provider, provider } from '../support/provider.ts'
import { startRedis } from '../support/redis.ts'
import { killedWhen } from '../support/stopped_when.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-backup-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const settings = {
  SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx',
  BACKUP_KEY: 'Bk7vQ2mXc9Rz4Lw1Jf8Ty5Hn3Ud6Gp0Se-another',
  STORE_TIMEOUT_MS: '30000',
}
/** A server has not used the store for long: these tests have none. */
const sqlite = (name: string): Record<string, string> => ({
  ...settings,
  STORE_URL: `sqlite:${join(folder, name)}`,
})

async function withAccount(env: Record<string, string>) {
  const cli = commandLine(env)
  const added = await cli.latchkey(['user', 'add', 'alice', '--password-stdin'], 'correct-horse-battery')
  expect([added.code, added.stderr]).toEqual([0, added.stderr])
  expect(
    (await cli.latchkey(['client', 'add', 'Shop', '--redirect-uri', 'https://shop.example/cb'])).code,
  ).toBe(0)
  return cli
}

test('from SQLite to Redis to PostgreSQL and back: the same accounts, clients and keys', async () => {
  const [redis, postgres] = [await startRedis(), await startPostgres()]
  try {
    const first = await withAccount(sqlite('first.db'))
    const seen = async (cli: typeof first) => ({
      people: await cli.json('user', 'list', '--json'),
      clients: await cli.json('client', 'list', '--json'),
      keys: await cli.json('jwks'),
    })
    const before = await seen(first)
    let cli = first
    const stores = [redis.url, postgres.database(), `sqlite:${join(folder, 'last.db')}`]
    for (const [i, url] of stores.entries()) {
      const file = join(folder, `hop${i}.backup`)
      const made = await cli.json<{ records: number; sha256: string }>('backup', '--to', file, '--json')
      expect(new Bun.CryptoHasher('sha256').update(readFileSync(file)).digest('hex')).toBe(made.sha256)
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(readFileSync(file).includes('alice')).toBe(false)
      cli = commandLine({ ...settings, STORE_URL: url })
      expect((await cli.json<{ records: number }>('restore', file, '--json')).records).toBe(made.records)
      expect(await seen(cli)).toEqual(before)
    }
  } finally {
    await redis.stop()
    await postgres.stop()
  }
}, 240_000)

test('each refusal says what to do, and leaves the store as it was', async () => {
  const cli = await withAccount(sqlite('refused.db'))
  const file = join(folder, 'refused.backup')
  await cli.json('backup', '--to', file, '--json')
  const people = await cli.json('user', 'list', '--json')
  const refused = async (words: string, args: string[], env: Record<string, string> = {}) => {
    const ran = await commandLine({ ...sqlite('refused.db'), ...env }).latchkey(args)
    expect([ran.code > 0, ran.stderr]).toEqual([true, expect.stringContaining(words)])
    expect(ran.stderr).not.toContain('    at ')
  }
  await refused('exists, and a backup replaces no file', ['backup', '--to', file])
  await refused('BACKUP_KEY is not set', ['backup', '--to', `${file}2`], { BACKUP_KEY: '' })
  await refused('BACKUP_KEY: expected another value than SECRET_KEY', ['backup', '--to', file], {
    BACKUP_KEY: settings.SECRET_KEY,
  })
  await refused('BACKUP_KEY: expected at least 32 characters', ['backup', '--to', file], {
    BACKUP_KEY: 'short',
  })
  await refused('does not exist yet', ['backup', '--to', `${file}2`], sqlite('absent.db'))
  await refused('--keep goes with a folder', ['backup', '--to', `${file}2`, '--keep', '3'])
  await refused('SECRET_KEY', ['backup', '--to', `${file}2`], { SECRET_KEY: `${settings.SECRET_KEY}x` })
  await refused('has data: name an empty store, or add --replace --yes', ['restore', file])
  await refused('add --yes to confirm', ['restore', file, '--replace'])
  await refused('BACKUP_KEY is not the key of this backup', ['restore', file, '--replace', '--yes'], {
    BACKUP_KEY: `${settings.BACKUP_KEY}x`,
  })
  await refused('SECRET_KEY', ['restore', file, '--replace', '--yes'], {
    SECRET_KEY: `${settings.SECRET_KEY}x`,
  })
  await refused('the store has data that is not encrypted', ['restore', file, '--replace', '--yes'], {
    STORE_ENCRYPTION: 'true',
  })
  await refused('of the issuer http://localhost:5000', ['restore', file, '--replace', '--yes'], {
    ISSUER_URL: 'http://localhost:5001',
  })
  const cut = join(folder, 'cut.backup')
  writeFileSync(cut, readFileSync(file).subarray(0, -1))
  await refused('changed or cut off', ['restore', cut, '--replace', '--yes'])
  await refused('there is no such file', ['restore', join(folder, 'absent'), '--replace', '--yes'])
  await refused('keeps its data in the process of the server', ['restore', file], { STORE_URL: 'memory:' })
  expect(await cli.json('user', 'list', '--json')).toEqual(people)
  // A server that said so a moment ago.
  const store = sqliteStore(join(folder, 'refused.db'), systemClock)
  const now = Math.floor(Date.now() / 1000)
  await store.put('birth', JSON.stringify({ since: 1, undated_since: 0, seen_at: now }))
  await refused('stop every instance, and try again in', ['restore', file, '--replace', '--yes'])
  await store.put('birth', JSON.stringify({ since: 1, undated_since: 0, seen_at: now - 300 }))
  await store.close()
  expect(
    (await cli.json<{ contents: string }>('restore', file, '--replace', '--yes', '--json')).contents,
  ).toBe('everything')
  expect(await cli.json('user', 'list', '--json')).toEqual(people)
}, 240_000)

test('of two backups to one name at the same time one is written whole, and the other is refused', async () => {
  const place = folderPlace(folder)
  async function* parts(text: string) {
    yield Buffer.from(text)
    await Bun.sleep(0)
    yield Buffer.from(text)
  }
  const both = await Promise.allSettled(['a', 'b'].map((text) => place.write('same.backup', parts(text))))
  const refused = both.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  expect(refused.map(({ reason }) => String(reason))).toEqual([expect.stringContaining('replaces no file')])
  expect(readFileSync(join(folder, 'same.backup'), 'utf8')).toMatch(/^(aa|bb)$/)
  expect(readdirSync(folder).filter((name) => name.includes('same.backup'))).toEqual(['same.backup'])
})

test('a folder keeps the newest; a configuration has clients and keys and no account', async () => {
  const cli = await withAccount(sqlite('kept.db'))
  const backups = mkdtempSync(join(folder, 'kept-'))
  writeFileSync(join(backups, 'notes.txt'), 'not ours')
  writeFileSync(join(backups, nameAt(1_000)), 'old')
  for (let i = 0; i < 3; i++)
    await cli.json('backup', '--to', backups, '--keep', '2', '--only', 'configuration', '--json')
  const names = readdirSync(backups).toSorted()
  expect(names).toHaveLength(3)
  expect(names).toContain('notes.txt')
  expect(names).not.toContain(nameAt(1_000))
  const next = commandLine(sqlite('configuration.db'))
  const newest = names.filter((name) => name.endsWith('.backup')).at(-1)!
  await next.json('restore', join(backups, newest), '--json')
  expect(await next.json('jwks')).toEqual(await cli.json('jwks'))
  expect(await next.json('client', 'list', '--json')).toEqual(await cli.json('client', 'list', '--json'))
  expect(await next.json('user', 'list', '--json')).toEqual([])
}, 240_000)

const quiet = await provider()
const plainOf = ({ context }: Provider, plain: Store) => ({
  config: context.config,
  clock: context.clock,
  log: { ...context.log, setLevel() {} },
  plain,
})

test('a restore that stops at any verb leaves a store that is not served, and that the same command makes whole', async () => {
  await operatorClient(quiet, { client_id: 'shop' })
  const [secret, path] = ['x'.repeat(40), join(folder, 'stops.backup')]
  const { records } = await make(plainOf(quiet, quiet.context.store), {
    secret,
    contents: 'everything',
    place: folderPlace(folder),
    name: 'stops.backup',
  })
  let stopped = 0
  for (let verbs = 0; ; verbs++) {
    const real = memoryStore(quiet.context.clock)
    const failing = failingStore(real)
    failing.failAfter(verbs)
    const first = await restoreFrom(plainOf(quiet, failing.store), { path, secret, replace: false }).catch(
      () => undefined,
    )
    failing.recover()
    if (first) {
      expect(await isUnfinished(real)).toBe(false)
      expect(first.records).toBe(records)
      break
    }
    stopped++
    // Nothing was written, or the mark is there.
    let any = false
    for await (const page of real.scan()) any ||= page.length > 0
    expect(await isUnfinished(real)).toBe(any)
    const again = await restoreFrom(plainOf(quiet, real), { path, secret, replace: true })
    expect([again.records, await isUnfinished(real)]).toEqual([records, false])
  }
  expect(stopped).toBeGreaterThan(records)
}, 120_000)

test('a restore that was killed: the server and all commands refuse the store until it is whole', async () => {
  const source = sqliteStore(join(folder, 'large.db'), systemClock)
  const cli = await withAccount(sqlite('large.db'))
  for (let i = 0; i < 20_000; i += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, j) => source.put(`gone_sub:${i + j}`, JSON.stringify({ at: i + j }))),
    )
  await source.close()
  const file = join(folder, 'large.backup')
  const { records } = await cli.json<{ records: number }>('backup', '--to', file, '--json')
  const env = sqlite('killed.db')
  const child = Bun.spawn([...latchkeyCommand, 'restore', file], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  await until(() => existsSync(join(folder, 'killed.db')), 'the store')
  const watching = sqliteStore(join(folder, 'killed.db'), systemClock)
  const isPartly = async () =>
    (await watching.get('gone_sub:100')) !== undefined && (await watching.get(unfinishedKey)) !== undefined
  await killedWhen(child, isPartly, 'a part of the records')
  expect(await watching.get(unfinishedKey)).toBe('1')
  await watching.close()
  const next = commandLine(env)
  for (const args of [
    ['serve'],
    ['user', 'list'],
    ['backup', '--to', `${file}2`],
    ['config', 'check', '--deep'],
  ]) {
    const ran = await next.latchkey(args)
    expect([args, ran.code > 0, ran.stdout + ran.stderr]).toEqual([
      args,
      true,
      expect.stringContaining('a restore into this store did not end'),
    ])
  }
  const plain = await next.latchkey(['restore', file])
  expect(plain.stderr).toContain('that did not end: name an empty store, or add --replace --yes')
  const whole = await next.json<{ records: number }>('restore', file, '--replace', '--yes', '--json')
  expect(whole.records).toBe(records)
  expect(await next.json('user', 'list', '--json')).toHaveLength(1)
}, 240_000)

test('a backup that is killed leaves no file of the name; the next one is whole', async () => {
  const env = sqlite('large.db')
  const target = mkdtempSync(join(folder, 'killed-'))
  const file = join(target, 'x.backup')
  const child = Bun.spawn([...latchkeyCommand, 'backup', '--to', file], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  const isBegun = () => readdirSync(target).some((name) => name !== 'x.backup')
  await killedWhen(child, isBegun, 'the file to be begun')
  expect(readdirSync(target)).not.toContain('x.backup')
  expect(await commandLine(env).json('backup', '--to', file, '--json')).toMatchObject({ file })
}, 240_000)
