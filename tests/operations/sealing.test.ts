/**
 * A store is encrypted and decrypted again under a load of real flows: servers are restarted one after the other, the command
 * and an instance are killed, and each wrong step is refused with the next one. docs/decisions/0105-encryption-of-a-store-in-use.md
 */
import { afterAll, afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openWhole } from '../../src/cli/open_store.ts'
import { readConfig } from '../../src/cli/open.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { parseMoveMark, unfinishedKey } from '../../src/store/moving/mark.ts'
import type { Backend } from '../../src/store/store.ts'
import { backendUrls } from '../support/backend_urls.ts'
import { commandLine } from '../support/command.ts'
import { type CodeInHand, codeFor, good, isActive, redeem, refresh, visitor } from '../support/journey.ts'
import { type MixedLoad, startMixedLoad } from '../support/mixed_load.ts'
import type { SpawnedProvider } from '../support/provider.ts'
import { finished, threeInstances } from '../support/three_instances.ts'
import { killedWhen, stoppedWhen } from '../support/stopped_when.ts'

setDefaultTimeout(480_000)

const folder = mkdtempSync(join(tmpdir(), 'latchkey-sealing-'))
const stops: (() => Promise<unknown>)[] = []
const started: SpawnedProvider[] = []
let load: MixedLoad | undefined
afterEach(async () => {
  await load?.stop()
  load = undefined
  for (const each of started.splice(0)) {
    each.signal('SIGCONT')
    await each.stop()
  }
  for (const stop of stops.splice(0)) await stop()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const urls = backendUrls(folder, stops)

async function stage(kind: string) {
  const three = threeInstances(started)
  const shared = {
    ...three.shared,
    STORE_URL: await urls[kind]!(),
    BACKUP_KEY: 'Bk7vQ2mXc9Rz4Lw1Jf8Ty5Hn3Ud6Gp0Se-another',
  }
  const env = (STORE_ENCRYPTION: string) => ({ ...shared, STORE_ENCRYPTION })
  const backend = await openWhole(readConfig({ LOG_LEVEL: 'error', ...shared }), systemClock)
  stops.push(() => backend.close())
  const run = async (encryption: string, ...args: string[]) => {
    const line = commandLine(env(encryption))
    const ran = await line.latchkey(args)
    line.remove()
    return ran
  }
  const state = async (key = unfinishedKey) => parseMoveMark(await backend.get(key))?.state
  return { ...three, env, backend, run, state }
}

const redirect = 'https://shop.example/callback'
const left = 'https://shop.example/left'

/** What a reader of the backend sees of these words, and what is in the plain place beside names of processes. */
async function readable(backend: Backend, words: readonly string[]): Promise<string[]> {
  const seen: string[] = []
  for await (const page of backend.scan())
    for (const found of page)
      seen.push(found.kind === 'value' ? `${found.key} = ${found.value}` : `${found.index} = ${found.member}`)
  return seen.filter(
    (line) =>
      words.some((word) => line.toLowerCase().includes(word)) ||
      !/^(~|unfinished_restore = \{|ping|present = |all_left = |move_(closed:|handles = ))/.test(line),
  )
}

test.each(['SQLite', 'Redis', 'Redis Cluster', 'PostgreSQL'])(
  '%s while serving: encrypted and decrypted, no answer is wrong, whatever is killed',
  async (kind) => {
    const scene = await stage(kind)
    const { issuer, env, backend, run, state, balanced, command } = scene
    await scene.start(0, env('false'))
    const cli = commandLine(env('false'))
    const accounts = []
    for (const username of ['annabel', 'benjamin']) {
      const password = `${username}-correct-horse-battery`
      const made = await cli.latchkey(
        ['user', 'add', username, '--email', `${username}@canary.example`, '--password-stdin', '--json'],
        password,
      )
      accounts.push({ username, password, sub: (JSON.parse(made.stdout) as { sub: string }).sub })
    }
    interface Made {
      client_id: string
      client_secret: string
    }
    const shop = await cli.json<Made>(
      ...['client', 'add', 'Shop', '--redirect-uri', redirect, '--post-logout-redirect-uri', left],
      '--json',
    )
    const service = await cli.json<Made>(
      ...['client', 'add', 'Reports', '--grant-type', 'client_credentials', '--resource-server', '--json'],
    )
    cli.remove()
    await scene.start(1, env('false'))
    await scene.start(2, env('false'))
    const journey = { issuer, fetch: balanced }
    const who = visitor(journey)
    let tokens = await good(redeem(journey, await codeFor(journey, who)))
    const many = 4_000
    for (let i = 0; i < many; i += 200)
      await Promise.all(
        Array.from({ length: 200 }, (_, j) =>
          backend.put(`gone_sub:${i + j}`, JSON.stringify({ at: i + j })),
        ),
      )
    const finds = async (encryption: string) => {
      const { stdout, stderr } = await run(encryption, 'user', 'list', '--search', 'annab', '--json')
      expect([
        (JSON.parse(stdout) as { username: string }[]).map(({ username }) => username),
        stderr,
      ]).toEqual([['annabel'], stderr])
    }
    await finds('false')

    load = startMixedLoad({
      ...{ issuer, fetch: balanced, accounts },
      application: { ...shop, redirect_uri: redirect, post_logout_redirect_uri: left },
      service: { ...service, redirect_uri: '' },
    })
    await load.rounds(1)

    // Wrong steps: too early for each of them.
    const refused = async (encryption: string, args: string[], said: string) => {
      const ran = await run(encryption, ...args)
      expect([ran.code > 0, ran.stderr]).toEqual([true, expect.stringContaining(said)])
    }
    await refused('true', ['user', 'list'], 'run latchkey secrets seal')
    await refused('false', ['secrets', 'seal'], 'set it to migrate on every instance')
    await scene.restart(env('migrate'), [0])
    await refused('migrate', ['secrets', 'seal'], 'without STORE_ENCRYPTION=migrate')
    expect(await state()).toBeUndefined()
    await scene.restart(env('migrate'), [1, 2])
    await finds('migrate')

    const waiting = await codeFor(journey, who)
    const spent = await codeFor(journey, who)
    const replayed = await good(redeem(journey, spent))
    const first = command(env('migrate'), 'secrets', 'seal', '--json')
    const told = finished(first)
    const some = Array.from({ length: 40 }, (_, i) => `gone_sub:${Math.floor((i * many) / 40)}`)
    const isPartly = async () => {
      if ((await state()) !== 'moving') return false
      const left = await Promise.all(some.map((key) => backend.get(key)))
      return left.includes(undefined) && left.some((value) => value !== undefined)
    }
    await killedWhen(first, isPartly, 'a part of the data').catch(async (error: Error) => {
      throw new Error(`${error.message}: ${(await told).stderr}`)
    })
    expect(await state()).toBe('moving')
    // Without the command the servers go on, between both places.
    const twice = await Promise.all([redeem(journey, waiting), redeem(journey, waiting)])
    expect(twice.map(({ status }) => status).toSorted()).toEqual([200, 400])
    expect((await redeem(journey, spent)).status).toBe(400)
    expect(await isActive(journey, replayed.access_token)).toBe(false)
    await finds('migrate')
    await refused('true', ['user', 'list'], 'run latchkey secrets seal until it ends')
    await refused('false', ['user', 'list'], 'run latchkey secrets seal until it ends')
    await refused('migrate', ['secrets', 'unseal'], 'run latchkey secrets seal until it ends')
    const file = join(folder, `${crypto.randomUUID()}.backup`)
    const saved = await run('migrate', 'backup', '--to', file)
    expect([saved.code, saved.stderr]).toEqual([0, saved.stderr])
    await load.rounds(1)
    await scene.end(1, 'SIGKILL')
    const second = finished(command(env('migrate'), 'secrets', 'seal', '--json'))
    await scene.start(1, env('migrate'))
    const sealed = await second
    expect([sealed.code, sealed.stderr]).toEqual([0, sealed.stderr])
    expect(JSON.parse(sealed.stdout)).toMatchObject({ encrypted: true, records: expect.any(Number) })
    await load.rounds(1)
    await scene.restart(env('true'))
    await load.rounds(1)
    expect(load.wrong).toEqual([])
    const words = ['annabel', 'benjamin', 'canary.example']
    expect(await readable(backend, words)).toEqual([])
    await finds('true')
    await refused('false', ['user', 'list'], 'it is encrypted: set STORE_ENCRYPTION=true')
    expect((await redeem(journey, waiting)).status).toBe(400)
    tokens = await good(refresh(journey, tokens.refresh_token))
    expect(await isActive(journey, tokens.access_token)).toBe(true)

    // The way back.
    await scene.restart(env('migrate'))
    const unsealed = await finished(command(env('migrate'), 'secrets', 'unseal', '--json'))
    expect([unsealed.code, unsealed.stderr]).toEqual([0, unsealed.stderr])
    await scene.restart(env('false'))
    await load.rounds(1)
    await load.stop()
    expect(load.wrong).toEqual([])
    expect(await backend.get('gone_sub:997')).toBe(JSON.stringify({ at: 997 }))
    await refused('true', ['user', 'list'], 'the store has data that is not encrypted')
    tokens = await good(refresh(journey, tokens.refresh_token))
    const silent = await codeFor(journey, who, { prompt: 'none' })
    expect((await redeem(journey, silent)).status).toBe(200)
    await finds('false')
    const verified = await run('false', 'audit', 'verify')
    expect([verified.code, verified.stderr]).toEqual([0, verified.stderr])

    // The backup of the time between, into a store that is encrypted and into one that is not.
    for (const encryption of ['true', 'false']) {
      const at = commandLine({ ...env(encryption), STORE_URL: await urls.SQLite!() })
      const restored = await at.latchkey(['restore', file])
      expect([restored.code, restored.stderr]).toEqual([0, restored.stderr])
      expect((await at.json<unknown[]>('user', 'list', '--search', 'benja', '--json')).length).toBe(1)
      at.remove()
    }
  },
)

test('an instance that is frozen over the change redeems nothing a second time', async () => {
  const scene = await stage('Redis')
  const { issuer, env, state, at, command, backend } = scene
  for (let i = 0; i < 1_000; i++) await backend.put(`gone_sub:${i}`, '{}')
  for (const i of [0, 1, 2]) await scene.start(i, env('migrate'))
  const journey = (i: number) => ({ issuer, fetch: at(i) })
  const codes: CodeInHand[] = []
  for (let i = 0; i < 12; i++) codes.push(await codeFor(journey(0), visitor(journey(0))))
  const frozen = scene.instances[2]!
  const sealing = command(env('migrate'), 'secrets', 'seal')
  await stoppedWhen(sealing, async () => (await state()) === 'moving', 'the change')
  const pending = codes.map((code) =>
    redeem(journey(2), code).then(
      ({ status }) => status,
      () => 0,
    ),
  )
  frozen.signal('SIGSTOP')
  sealing.kill('SIGCONT')
  const { code, stderr } = await finished(sealing)
  expect([code, stderr]).toEqual([0, stderr])
  await scene.restart(env('true'), [0])
  const won = await Promise.all(codes.map(async (each, i) => (await redeem(journey(i % 2), each)).status))
  frozen.signal('SIGCONT')
  const late = await Promise.all(pending)
  for (const [i, status] of won.entries()) {
    const times = [status, late[i]].filter((each) => each === 200).length
    // None, where the replay ended the grant before the first answer was made.
    expect([i, status, late[i], times <= 1]).toEqual([i, status, late[i], true])
  }
  expect([...won, ...late].filter((each) => each === 200).length).toBeGreaterThan(0)
})

test('the file of SQLite has no readable word after --overwrite', async () => {
  const url = await urls.SQLite!()
  const env = { STORE_URL: url, SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx' }
  const plain = commandLine(env)
  await plain.latchkey(['user', 'add', 'annabel', '--password-stdin'], 'annabel-correct-horse')
  plain.remove()
  const file = url.slice('sqlite:'.length)
  expect(readFileSync(file).includes('annabel')).toBe(true)
  const between = commandLine({ ...env, STORE_ENCRYPTION: 'migrate' })
  const sealed = await between.latchkey(['secrets', 'seal', '--overwrite'])
  expect([sealed.code, sealed.stderr]).toEqual([0, sealed.stderr])
  expect(readFileSync(file).includes('annabel')).toBe(false)
  const again = await between.latchkey(['secrets', 'seal', '--overwrite'])
  expect(again.stdout).toContain('is encrypted already')
  between.remove()
})

test('a store without data is told the setting, and one that was set up with an encryption is released from it', async () => {
  const base = { STORE_URL: await urls.SQLite!(), SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx' }
  const on = async (STORE_ENCRYPTION: string, ...args: string[]) => {
    const line = commandLine({ ...base, STORE_ENCRYPTION })
    const ran = await line.latchkey(args)
    line.remove()
    return ran
  }
  const absent = await on('migrate', 'secrets', 'seal')
  expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('does not exist yet: set')])
  // A look at it makes nothing that holds it to a setting.
  const looked = await on('true', 'config', 'check', '--deep')
  expect(looked.stderr).not.toContain('STORE_ENCRYPTION')
  const backend = await openWhole(readConfig(base), systemClock)
  const empty = await on('migrate', 'secrets', 'seal')
  expect([empty.code, empty.stderr]).toEqual([
    1,
    expect.stringContaining('has no data: set STORE_ENCRYPTION=true'),
  ])
  expect((await on('true', 'client', 'list')).code).toBe(0)
  for await (const page of backend.scan())
    for (const found of page)
      if (found.kind === 'value' && /^~(?!names_secret)/.test(found.key)) await backend.take(found.key)
  expect((await on('false', 'client', 'list')).stderr).toContain('it is encrypted: set STORE_ENCRYPTION=true')
  expect((await on('migrate', 'secrets', 'unseal')).code).toBe(0)
  expect((await on('false', 'client', 'list')).code).toBe(0)
  await backend.close()
})

test('a move from a store that is not encrypted into one that is tells the way, and leaves both as they are', async () => {
  const [from, to] = [await urls.SQLite!(), await urls.SQLite!()]
  const base = { STORE_URL: from, SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx' }
  const on = async (STORE_ENCRYPTION: string, ...args: string[]) => {
    const line = commandLine({ ...base, STORE_ENCRYPTION })
    const ran = await line.latchkey(args, 'annabel-correct-horse')
    line.remove()
    return ran
  }
  expect((await on('false', 'user', 'add', 'annabel', '--password-stdin')).code).toBe(0)
  for (const [encryption, said] of [
    ['true', 'run latchkey secrets seal, and set it to true afterwards'],
    ['migrate', 'end that change first, by latchkey secrets seal or unseal'],
  ] as const) {
    const ran = await on(encryption, 'migrate', '--from', from, '--to', to)
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining(said)])
    const listed = await on('false', 'user', 'list')
    expect([listed.code, listed.stdout]).toEqual([0, expect.stringContaining('annabel')])
  }
  // The way: encrypted where it is, and moved then.
  expect((await on('migrate', 'secrets', 'seal')).code).toBe(0)
  const moved = await on('true', 'migrate', '--from', from, '--to', to)
  expect([moved.code, moved.stderr]).toEqual([0, moved.stderr])
  const there = commandLine({ ...base, STORE_URL: to, STORE_ENCRYPTION: 'true' })
  expect(await there.json<object[]>('user', 'list', '--json')).toMatchObject([{ username: 'annabel' }])
  there.remove()
  const backend = await openWhole(readConfig({ ...base, STORE_URL: to }), systemClock)
  expect(await readable(backend, ['annabel'])).toEqual([])
  await backend.close()
})
