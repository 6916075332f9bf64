/** `latchkey backup --to s3://…` and `restore` from there: whole or not at all, verified before an older one is removed, killed at each request. Issue 10. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nameAt } from '../../src/cli/backup/place.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { type CommandLine, commandLine } from '../support/command.ts'
import { s3Error, s3Key, startS3 } from '../support/s3.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-s3-'))
const s3 = startS3('backups', 2)
const settings = {
  SECRET_KEY: 'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx',
  BACKUP_KEY: 'Bk7vQ2mXc9Rz4Lw1Jf8Ty5Hn3Ud6Gp0Se-another',
}
const env = (name: string): Record<string, string> => ({
  ...settings,
  ...s3.env,
  STORE_URL: `sqlite:${join(folder, name)}`,
})
const to = 's3://backups/of/latchkey/'
let line: CommandLine

beforeAll(async () => {
  line = commandLine(env('small.db'))
  expect(
    (await line.latchkey(['user', 'add', 'alice', '--password-stdin'], 'correct-horse-battery')).code,
  ).toBe(0)
}, 60_000)
afterEach(() => {
  s3.odd = () => undefined
  s3.objects.clear()
  s3.asked.length = 0
})
afterAll(() => {
  s3.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Made {
  file: string
  records: number
  sha256: string
  removed: string[]
}
const make = (...args: string[]) => line.json<Made>('backup', '--to', to, ...args, '--json')
const keys = () => [...s3.objects.keys()].toSorted()
let restored = 0
/** Restores into a store of its own, and finds the account. */
async function expectWhole(file: string): Promise<void> {
  const other = commandLine(env(`restored${restored++}.db`))
  expect(await other.json('restore', file, '--json')).toMatchObject({ contents: 'everything' })
  expect(await other.json('user', 'list', '--json')).toMatchObject([{ username: 'alice' }])
  other.remove()
}

test('what is written is in the bucket under a name of the time, read back, and restored from there', async () => {
  const { file, sha256 } = await make()
  expect(file).toMatch(/^s3:\/\/backups\/of\/latchkey\/latchkey-\d{8}T\d{9}Z\.backup$/)
  const [key] = keys()
  expect(new Bun.CryptoHasher('sha256').update(s3.objects.get(key!)!).digest('hex')).toBe(sha256)
  expect(s3.asked.map((each) => each.split(' ')[0])).toEqual(['GET', 'PUT', 'GET'])
  expect(Buffer.from(s3.objects.get(key!)!).includes('alice')).toBe(false)
  await expectWhole(file)
  const refused = await line.latchkey(['restore', to])
  expect(refused.stderr).toContain(`expected one backup; the newest are ${file}`)
}, 60_000)

test('a chosen name replaces no object; --keep removes the oldest of our names in that folder alone', async () => {
  const name = `${to}mine.backup`
  const one = await line.json<Made>('backup', '--to', name, '--json')
  expect(one.file).toBe(name)
  expect((await line.latchkey(['backup', '--to', name])).stderr).toContain('a backup replaces no file')
  const old = [1_000, 2_000, 3_000, 4_000, 5_000].map(nameAt)
  for (const each of old) s3.objects.set(`of/latchkey/${each}`, new Uint8Array(1))
  const others = ['of/latchkey/notes.txt', `of/latchkey/below/${nameAt(500)}`, `of/${nameAt(600)}`]
  for (const each of others) s3.objects.set(each, new Uint8Array(1))
  const { file, removed } = await make('--keep', '2')
  expect(removed).toEqual(old.slice(0, 4).map((each) => to + each))
  const kept = [
    ...others,
    'of/latchkey/mine.backup',
    `of/latchkey/${old[4]}`,
    file.replace('s3://backups/', ''),
  ]
  expect(keys()).toEqual(kept.toSorted())
}, 60_000)

test('a large one goes in parts, and is whole', async () => {
  await fillStore('large.db', 6_000)
  const large = commandLine(env('large.db'))
  const { file, records } = await large.json<Made>('backup', '--to', to, '--json')
  expect(records).toBeGreaterThan(6_000)
  expect(s3.asked.filter((each) => each.includes('partNumber=')).length).toBeGreaterThan(1)
  expect(s3.open()).toBe(0)
  await expectWhole(file)
  large.remove()
}, 120_000)

/** A store with Alice and so many records of 5 kB. */
async function fillStore(name: string, count: number): Promise<void> {
  const cli = commandLine(env(name))
  await cli.latchkey(['user', 'add', 'alice', '--password-stdin'], 'correct-horse-battery')
  cli.remove()
  const store = sqliteStore(join(folder, name), systemClock)
  for (let i = 0; i < count; i += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, j) => store.put(`gone_sub:${i + j}`, 'x'.repeat(5_000))),
    )
  await store.close()
}

describe('an outage', () => {
  const cut = (bytes: Uint8Array<ArrayBuffer>) => new Response(bytes.subarray(0, bytes.length - 40))
  const changed = (bytes: Uint8Array<ArrayBuffer>) =>
    new Response(bytes.map((byte, at) => (at === 200 ? byte ^ 1 : byte)))
  const stored = () => s3.objects.get(keys().at(-1)!)!
  const old = `of/latchkey/${nameAt(1_000)}`

  const cases: Record<
    string,
    [odd: (what: string, times: number) => Response | Promise<Response> | undefined, said: string]
  > = {
    'credentials without the right': [() => s3Error(403, 'AccessDenied', 'Access Denied'), 'AccessDenied'],
    'an upload that is refused': [
      (what) => (what.startsWith('PUT') ? s3Error(403, 'AccessDenied') : undefined),
      'AccessDenied',
    ],
    'SlowDown without an end': [
      (what) =>
        what.startsWith('PUT') ? s3Error(503, 'SlowDown', 'Please reduce your request rate.') : undefined,
      'SlowDown',
    ],
    'an object that is cut off': [
      (what) => (what.startsWith('GET of') ? cut(stored()) : undefined),
      'is not what was written',
    ],
    'an object that was changed': [
      (what) => (what.startsWith('GET of') ? changed(stored()) : undefined),
      'is not what was written',
    ],
    'an object that is not there after all': [
      (what) => (what.startsWith('GET of') ? s3Error(404, 'NoSuchKey') : undefined),
      'NoSuchKey',
    ],
    'an upload without an answer': [
      (what) => (what.startsWith('PUT') ? new Promise(() => {}) : undefined),
      'has not answered for 2 seconds',
    ],
  }
  test.each(Object.entries(cases))(
    '%s: the backup fails with the reason, and no older one is removed',
    async (_, [odd, said]) => {
      s3.objects.set(old, new Uint8Array(1))
      let times = 0
      s3.odd = (_at, what) => odd(what, times++)
      const { code, stderr } = await line.latchkey(['backup', '--to', to, '--keep', '1', '--timeout', '2s'])
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(said) as string })
      expect(stderr).not.toContain('    at ')
      expect(stderr).not.toContain(s3Key.secret)
      expect(s3.objects.has(old)).toBe(true)
    },
    120_000,
  )

  test('SlowDown for a while, and one answer that is cut off: it goes on', async () => {
    const slow = new Map<string, number>()
    s3.odd = (_at, what) => {
      const verb = what.split(' ')[0]!
      slow.set(verb, (slow.get(verb) ?? 0) + 1)
      if (verb === 'GET' && slow.get(verb) === 1 && keys().length > 0) return cut(stored())
      return slow.get(verb)! <= 2 && verb === 'PUT' ? s3Error(503, 'SlowDown') : undefined
    }
    const { file } = await make()
    s3.odd = () => undefined
    await expectWhole(file)
  }, 120_000)

  test('a server that does not listen, a bucket that is not there, settings that are missing', async () => {
    const refused = async (change: Record<string, string>, path: string, said: string) => {
      const cli = commandLine({ ...env('small.db'), ...change })
      const { code, stderr } = await cli.latchkey(['backup', '--to', path])
      expect({ failed: code > 0, stderr }).toEqual({
        failed: true,
        stderr: expect.stringContaining(said) as string,
      })
      cli.remove()
    }
    await refused({}, 's3://another/', 'NoSuchBucket')
    await refused({ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' }, to, 'S3 answered')
    await refused({ AWS_ENDPOINT_URL_S3: 'http://10.0.0.1:9000' }, to, 'with https only')
    await refused({ AWS_SECRET_ACCESS_KEY: 'wrong' }, to, 'S3 answered')
    await refused({ AWS_ACCESS_KEY_ID: '' }, to, 's3:// needs credentials')
    await refused({ AWS_REGION: '', AWS_ENDPOINT_URL_S3: '' }, to, 'AWS_REGION is required')
    await refused({}, 's3://b/../x/', 'expected s3://BUCKET/FOLDER/')
  }, 120_000)
})

test('kill -9 at each request: each backup in the bucket is whole, no older one is gone before, the next run is well', async () => {
  await fillStore('killed.db', 4_000)
  const args = ['backup', '--to', to, '--keep', '1']
  const cli = commandLine(env('killed.db'))
  const before = (await cli.json<Made>('backup', '--to', to, '--json')).file.replace('s3://backups/', '')
  const kept = s3.objects.get(before)!
  let steps = 0
  for (let step = 1; ; step++) {
    s3.objects.clear()
    s3.objects.set(before, kept)
    s3.asked.length = 0
    let reached = false
    // The request has come, and its answer does not leave before the command is killed.
    s3.odd = (at) => (at === step ? ((reached = true), new Promise(() => {})) : undefined)
    const child = Bun.spawn([...latchkeyCommand, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, ...env('killed.db') },
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    await Promise.race([child.exited, until(() => reached, `request ${step}`)])
    child.kill('SIGKILL')
    await child.exited
    s3.odd = () => undefined
    if (!reached) break
    steps = step
    const found = keys()
    const isVerified =
      s3.asked.some((each) => each.startsWith('GET of')) &&
      step > s3.asked.findIndex((each) => each.startsWith('GET of')) + 1
    expect({ step, kept: found.includes(before) || isVerified }).toEqual({ step, kept: true })
    for (const key of found.filter((each) => each !== before)) await expectWhole(`s3://backups/${key}`)
  }
  expect(steps).toBeGreaterThan(6) // list, begin, two parts, complete, read, list, delete
  s3.objects.set(before, kept)
  const { file } = await cli.json<Made>(...args, '--json')
  expect(keys()).toEqual([file.replace('s3://backups/', '')])
  await expectWhole(file)
  cli.remove()
}, 240_000)

describe('a schedule', () => {
  test('--once makes what is due; two processes at the same time make one', async () => {
    const due = () =>
      line.json<Partial<Made> & { made?: boolean }>(
        'backup',
        '--to',
        to,
        '--every',
        '24h',
        '--once',
        '--keep',
        '3',
        '--json',
      )
    const store = sqliteStore(join(folder, 'small.db'), systemClock)
    await store.take('last_backup:everything')
    const all = await Promise.all([due(), due(), due()])
    expect(all.filter(({ file }) => file !== undefined)).toHaveLength(1)
    expect(keys()).toHaveLength(1)
    expect(await due()).toEqual({ made: false })
    const last = JSON.parse((await store.get('last_backup:everything'))!) as { made_at: number }
    await store.put('last_backup:everything', JSON.stringify({ ...last, made_at: last.made_at - 86_401 }))
    expect((await due()).file).toBeString()
    expect(keys()).toHaveLength(2)
    await store.close()
  }, 120_000)

  test('without --once it goes on after an outage, and says each', async () => {
    const store = sqliteStore(join(folder, 'small.db'), systemClock)
    await store.take('last_backup:everything')
    s3.odd = () => s3Error(403, 'AccessDenied')
    const child = Bun.spawn([...latchkeyCommand, 'backup', '--to', to, '--every', '1s', '--json'], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, ...env('small.db') },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [out, failed] = [new Response(child.stdout).text(), new Response(child.stderr).text()]
    await until(() => s3.asked.length > 0, 'a refusal')
    s3.odd = () => undefined
    await until(() => keys().length >= 2, 'two backups')
    child.kill('SIGTERM')
    await child.exited
    expect(await failed).toContain('no backup: ')
    expect((await out).match(/"sha256"/g)!.length).toBeGreaterThanOrEqual(1)
    await store.close()
  }, 120_000)
})
