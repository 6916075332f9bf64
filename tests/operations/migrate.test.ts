/** `latchkey migrate` as an operator runs it: between real backends, refused, killed, beside a server. docs/decisions/0086-moves.md */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { unfinishedKey } from '../../src/store/moving/mark.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { commandLine } from '../support/command.ts'
import { codeFor, good, isActive, redeem, refresh, visitor } from '../support/journey.ts'
import { startPostgres } from '../support/postgres.ts'
import { spawnProvider } from '../support/provider.ts'
import { startRedis, startRedisCluster, startSentinel } from '../support/redis.ts'
import { freePort } from '../support/free_port.ts'
import { killedWhen } from '../support/stopped_when.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-migrate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const settings = {
  SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx',
  AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test',
  STORE_TIMEOUT_MS: '30000',
  AUTHORIZATION_CODE_TTL: '600', // a busy machine takes minutes between a code and its replay
}
const fileUrl = (name: string) => `sqlite:${join(folder, name)}`
const on = (url: string, more: Record<string, string> = {}) => ({ ...settings, ...more, STORE_URL: url })

interface Answer {
  records: number
  kinds: { kind: string; records: number; sha256: string; missing: number; surplus: number }[]
}
const migrate = (from: string, to: string, more: Record<string, string> = {}) =>
  commandLine({ ...settings, ...more }).json<Answer>('migrate', '--from', from, '--to', to, '--json')

/** Every backend as a source and as a target; a server before and after each move. */
test.each([[{}], [{ STORE_ENCRYPTION: 'true' }]])(
  'SQLite, PostgreSQL, Redis Cluster, Sentinel, Redis, SQLite (%o): sessions live on, and what was used stays used',
  async (more) => {
    const [postgres, cluster, redis, watched] = await Promise.all([
      startPostgres(),
      startRedisCluster(),
      startRedis(),
      startRedis(),
    ])
    const sentinel = await startSentinel(watched.port)
    const port = `${freePort()}`
    const serve = (url: string) => spawnProvider({ ...on(url, more), PORT: port })
    const name = `round-${Object.keys(more).length}`
    try {
      const urls = [
        fileUrl(`${name}.db`),
        postgres.database(),
        cluster.url,
        sentinel.url,
        redis.url,
        fileUrl(`${name}-2.db`),
      ]
      let server = await serve(urls[0]!)
      const at = { issuer: server.issuer, fetch }
      const who = visitor(at)
      const spent = await codeFor(at, who)
      let tokens = await good(redeem(at, spent))
      const rotated = await codeFor(at, who)
      const replayed = await good(redeem(at, rotated))
      for (const [i, url] of urls.slice(1).entries()) {
        const waiting = await codeFor(at, who)
        await server.stop()
        const answer = await migrate(urls[i]!, url, more)
        expect(answer.kinds.length).toBeGreaterThan(10)
        expect(answer.kinds.map(({ kind }) => kind)).toEqual(
          expect.arrayContaining(['session', 'grant', 'audit', 'index audit_chains', 'index users']),
        )
        server = await serve(url)
        // The browser is signed in: the authorization request is answered without a page.
        const silent = await codeFor(at, who, { prompt: 'none' })
        expect((await redeem(at, silent)).status).toBe(200)
        expect(await isActive(at, tokens.access_token)).toBe(true)
        tokens = await good(refresh(at, tokens.refresh_token))
        expect((await redeem(at, waiting)).status).toBe(200)
        expect((await redeem(at, waiting)).status).toBe(400)
      }
      // Used five stores ago. The replay ends what came of it.
      expect((await redeem(at, rotated)).status).toBe(400)
      expect(await isActive(at, replayed.access_token)).toBe(false)
      await server.stop()
      const verified = await commandLine({ ...on(urls.at(-1)!, more), PORT: port }).latchkey([
        'audit',
        'verify',
      ])
      expect([verified.code, verified.stderr]).toEqual([0, verified.stderr])
    } finally {
      await Promise.all([postgres.stop(), cluster.stop(), sentinel.stop(), redis.stop(), watched.stop()])
    }
  },
  480_000,
)

test('a server that runs is not moved from; one that was stopped, or killed on this machine, is', async () => {
  const [from, to] = [fileUrl('used.db'), fileUrl('unused.db')]
  const cli = commandLine(settings)
  const refused = async (words: string, ...more: string[]) => {
    const ran = await cli.latchkey(['migrate', '--from', from, '--to', to, ...more])
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining(words)])
  }
  let server = await spawnProvider(on(from))
  await refused('uses it, seen')
  await server.stop()
  server = await spawnProvider(on(from))
  server.signal('SIGKILL')
  await server.exited
  // Of another machine, an hour ago: it may be frozen.
  const store = sqliteStore(join(folder, 'used.db'), systemClock)
  await store.link('present', 'web-2:5000/17-abcdefabcdef', Math.floor(Date.now() / 1000) - 3600)
  await refused('web-2:5000/17-abcdefabcdef did not leave in order')
  await refused('--gone web-2:5000/17-abcdefabcdef', '--gone', 'web-3:5000/17-abcdefabcdef')
  expect(await store.get(unfinishedKey)).toBeUndefined()
  const ran = await cli.latchkey([
    'migrate',
    '--from',
    from,
    '--to',
    to,
    '--gone',
    'web-2:5000/17-abcdefabcdef',
  ])
  expect([ran.code, ran.stderr]).toEqual([0, ran.stderr])
  await store.close()
  for (const args of [['serve'], ['user', 'list'], ['keys', 'rotate'], ['config', 'check', '--deep']]) {
    const kept = await commandLine(on(from)).latchkey(args)
    expect([args, kept.code > 0, kept.stdout + kept.stderr]).toEqual([
      args,
      true,
      expect.stringContaining(`its data was moved to ${to}: name that store in STORE_URL`),
    ])
  }
}, 240_000)

test('a PostgreSQL that commands have only looked into is empty; one with an account is not', async () => {
  const postgres = await startPostgres()
  try {
    const [from, to] = [fileUrl('looked.db'), postgres.database()]
    const add = (url: string, name: string) =>
      commandLine(on(url)).latchkey(['user', 'add', name, '--password-stdin'], 'correct-horse-battery')
    expect((await add(from, 'anna')).code).toBe(0)
    for (const args of [
      ['config', 'check', '--deep'],
      ['user', 'list'],
    ])
      expect([args, (await commandLine(on(to)).latchkey(args)).code]).toEqual([args, 0])
    const { kinds } = await migrate(from, to)
    expect(kinds.filter(({ missing, surplus }) => missing + surplus > 0)).toEqual([])
    const other = postgres.database()
    expect((await add(other, 'ben')).code).toBe(0)
    expect((await add(fileUrl('second.db'), 'cleo')).code).toBe(0)
    const cli = commandLine(settings)
    const refused = await cli.latchkey(['migrate', '--from', fileUrl('second.db'), '--to', other])
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('has data')])
    expect((await commandLine(on(other)).latchkey(['user', 'list'])).stdout).toContain('ben')
  } finally {
    await postgres.stop()
  }
}, 240_000)

test('a server whose store gets a mark while it runs ends by itself, and says why', async () => {
  const server = await spawnProvider(on(fileUrl('marked.db')))
  const store = sqliteStore(join(folder, 'marked.db'), systemClock)
  await store.put(unfinishedKey, '1')
  await store.close()
  expect(await server.exited).toBe(1)
  expect(server.output()).toContain('store_marked')
  expect(server.output()).toContain('a restore into this store did not end')
  await server.stop()
}, 120_000)

test('a move that is killed: neither store is served until the same command has made the target whole', async () => {
  const [from, to] = [fileUrl('large.db'), fileUrl('killed.db')]
  expect(
    (
      await commandLine(on(from)).latchkey(
        ['user', 'add', 'alice', '--password-stdin'],
        'correct-horse-battery',
      )
    ).code,
  ).toBe(0)
  const source = sqliteStore(join(folder, 'large.db'), systemClock)
  const many = 30_000
  for (let i = 0; i < many; i += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, j) => source.put(`gone_sub:${i + j}`, JSON.stringify({ at: i + j }))),
    )
  let kills = 0
  for (const goal of [1, 9_000, 21_000]) {
    const child = Bun.spawn([...latchkeyCommand, 'migrate', '--from', from, '--to', to], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, ...settings },
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    await until(async () => (await source.get(unfinishedKey)) !== undefined, 'the mark')
    const target = sqliteStore(join(folder, 'killed.db'), systemClock)
    const isPartly = async () =>
      (await target.get(`gone_sub:${goal}`)) !== undefined && (await target.get(unfinishedKey)) !== undefined
    await killedWhen(child, isPartly, 'a part of the records')
    kills++
    const whole = (await target.get(unfinishedKey)) === undefined
    await target.close()
    expect(whole).toBe(false)
    for (const url of [from, to]) {
      const ran = await commandLine(on(url)).latchkey(['user', 'list'])
      expect([ran.code > 0, ran.stderr]).toEqual([true, expect.stringContaining('latchkey migrate')])
    }
  }
  expect(kills).toBe(3)
  const status = await commandLine(settings).json<Record<string, unknown>>(
    ...['migrate', 'status', '--from', from, '--to', to, '--json'],
  )
  expect(status).toMatchObject({ state: 'copying', target: expect.any(Number) })
  const { kinds } = await migrate(from, to)
  expect(kinds.find(({ kind }) => kind === 'gone_sub')).toMatchObject({
    records: many,
    missing: 0,
    surplus: 0,
  })
  expect(await commandLine(on(to)).json('user', 'list', '--json')).toHaveLength(1)
  await source.close()
}, 240_000)

test('abort empties the target and releases the source; each refusal says what to do', async () => {
  const [from, to] = [fileUrl('abort.db'), fileUrl('aborted.db')]
  const cli = commandLine(settings)
  await commandLine(on(from)).latchkey(['user', 'add', 'alice', '--password-stdin'], 'correct-horse-battery')
  await commandLine(on(to)).latchkey(['user', 'add', 'bob', '--password-stdin'], 'correct-horse-battery')
  const refused = async (words: string, args: string[], code = 1, env = {}) => {
    const ran = await commandLine({ ...settings, ...env }).latchkey(['migrate', ...args])
    expect([args, ran.code, ran.stderr]).toEqual([args, code, expect.stringContaining(words)])
    expect(ran.stderr).not.toContain('    at ')
  }
  const both = ['--from', from, '--to', to]
  await refused('has data: name an empty store', both)
  await refused('has no data: is it the store of the server?', ['--from', await emptyStore(), '--to', to])
  await refused('does not exist', ['--from', fileUrl('absent.db'), '--to', to])
  await refused('--to is missing', ['--from', from], 2)
  await refused('--to: expected memory:, sqlite:PATH', ['--from', from, '--to', 'mysql://x'], 2)
  await refused('the memory store', ['--from', 'memory:', '--to', to])
  await refused('--from and --to are one store', [
    '--from',
    from,
    '--to',
    `sqlite:${join(folder, '.', 'x/../abort.db')}`,
  ])
  await refused('--to: redis:', ['--from', from, '--to', 'redis://127.0.0.1:1'])
  await refused('SECRET_KEY', both, 2, { SECRET_KEY: `${settings.SECRET_KEY}x` })
  await refused('has no move that could be undone', ['abort', ...both])
  // None of them has marked the source.
  expect(await commandLine(on(from)).json('user', 'list', '--json')).toHaveLength(1)
  const store = sqliteStore(join(folder, 'abort.db'), systemClock)
  const mark = {
    move: 'm',
    role: 'source',
    state: 'copying',
    other: fileUrl('new.db'),
    run: 'web-9/1-abcdefabcdef/r',
  }
  await store.put(unfinishedKey, JSON.stringify(mark))
  const halfway = ['--from', from, '--to', fileUrl('new.db')]
  await refused(`its data is on the way to ${fileUrl('new.db')}`, both)
  await refused('web-9/1-abcdefabcdef works on this move', halfway)
  await refused('web-9/1-abcdefabcdef works on this move', ['abort', ...halfway])
  const target = sqliteStore(join(folder, 'new.db'), systemClock)
  await target.put(unfinishedKey, JSON.stringify({ ...mark, role: 'target', other: from }))
  await target.put('user:half', '{}')
  expect(
    await cli.json<object>('migrate', 'abort', ...halfway, '--gone', 'web-9/1-abcdefabcdef', '--json'),
  ).toMatchObject({ undone: true })
  expect([await store.get(unfinishedKey), await target.get('user:half')]).toEqual([undefined, undefined])
  // A URL may be in a file.
  writeFileSync(join(folder, 'url'), `${fileUrl('new.db')}\n`)
  expect(await migrate(from, `@${join(folder, 'url')}`)).toMatchObject({ records: expect.any(Number) })
  await refused('the data was moved to', ['abort', ...halfway])
  await refused('was moved to', halfway)
  await store.close()
  await target.close()
}, 240_000)

async function emptyStore(): Promise<string> {
  const store = sqliteStore(join(folder, 'empty.db'), systemClock)
  await store.put('ping', '1', 60_000)
  await store.close()
  return fileUrl('empty.db')
}
