/** A store with STORE_ENCRYPTION through backup and restore: with its key, with another one, and while SECRET_KEY changes. Issue 10. */
import { readFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { systemClock } from '../../src/lib/clock.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { commandLine } from '../support/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-sealed-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const [old, next, other] = [
  'tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx',
  'Nw8fKz2Qp6Vt1Xs5Gj9Rc3Ym7Hb4Ld0Ua-the-next',
  'Xq5Zc1Bn8Mf4Tk7Wd2Jv9Ph3Gs6Ry0Le-another-one',
]
const BACKUP_KEY = 'Bk7vQ2mXc9Rz4Lw1Jf8Ty5Hn3Ud6Gp0Se-another'
const on = (name: string, SECRET_KEY: string, more: Record<string, string> = {}) =>
  commandLine({
    ...{ SECRET_KEY, BACKUP_KEY, STORE_ENCRYPTION: 'true', LOG_LEVEL: 'error' },
    STORE_URL: `sqlite:${join(folder, name)}`,
    ...more,
  })
const file = join(folder, 'sealed.backup')
const both = JSON.stringify([next, old])

async function valuesOf(name: string): Promise<string> {
  const store = sqliteStore(join(folder, name), systemClock)
  const all: string[] = []
  for await (const page of store.scan()) all.push(...page.map((each) => ('value' in each ? each.value : '')))
  await store.close()
  return all.join('\n')
}
const seen = async (line: ReturnType<typeof on>) => ({
  people: await line.json('user', 'list', '--json'),
  clients: await line.json('client', 'list', '--json'),
  keys: await line.json('jwks'),
})

test('the values stay sealed in the file and in the restored store, and the key of the store opens them', async () => {
  const source = on('source.db', old)
  const added = await source.latchkey(['user', 'add', 'alice', '--password-stdin'], 'correct-horse-battery')
  expect([added.code, added.stderr]).toEqual([0, added.stderr])
  await source.json('client', 'add', 'Shop', '--redirect-uri', 'https://shop.example/cb', '--json')
  const before = await seen(source)
  await source.json('backup', '--to', file, '--json')
  expect(readFileSync(file).includes('alice')).toBe(false)

  const target = on('target.db', old)
  await target.json('restore', file, '--json')
  expect(await seen(target)).toEqual(before)
  for (const name of ['source.db', 'target.db']) expect(await valuesOf(name)).not.toContain('alice')
}, 120_000)

test('another SECRET_KEY, and a store without encryption, are refused before anything is written', async () => {
  for (const [name, key, more, said] of [
    ['refused.db', other, {}, 'SECRET_KEY'],
    ['refused.db', JSON.stringify([other, next]), {}, 'SECRET_KEY'],
    ['refused.db', old, { STORE_ENCRYPTION: 'false' }, 'STORE_ENCRYPTION=true, and it is false here'],
  ] as const) {
    const ran = await on(name, key, more).latchkey(['restore', file])
    expect([ran.code > 0, ran.stderr]).toEqual([true, expect.stringContaining(said)])
    expect(await valuesOf(name)).toBe('')
  }
}, 120_000)

test('during a change of SECRET_KEY: restored with both values, resealed, and then the new one alone opens all', async () => {
  const source = on('source.db', old)
  const before = await seen(source)
  const changing = on('changing.db', both)
  await changing.json('restore', file, '--json')
  expect(await seen(changing)).toEqual(before)
  const { left } = await changing.json<{ left: number }>('secrets', 'reseal', '--json')
  expect(left).toBe(0)
  const changed = on('changing.db', next)
  expect(await seen(changed)).toEqual(before)
  expect((await on('changing.db', old).latchkey(['user', 'list'])).code).not.toBe(0)

  // A backup of now opens with the new value, and the one of before with the old one.
  const later = join(folder, 'later.backup')
  await changed.json('backup', '--to', later, '--json')
  expect(await seen(await restored('later.db', next, later))).toEqual(before)
  expect(await seen(await restored('both.db', both, later))).toEqual(before)
  const refused = await on('none.db', old).latchkey(['restore', later])
  expect([refused.code > 0, refused.stderr]).toEqual([true, expect.stringContaining('SECRET_KEY')])
}, 240_000)

async function restored(name: string, key: string, from: string) {
  const line = on(name, key)
  await line.json('restore', from, '--json')
  return line
}
