/** A store whose values were sealed before names were encrypted too: it goes on as it is, and `latchkey secrets seal` encrypts its names. Issue 10, §4. */
import { afterAll, expect, test } from 'bun:test'
import { openWhole } from '../../src/cli/open_store.ts'
import { loadConfig } from '../../src/config.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { sha256 } from '../../src/lib/hash.ts'
import { seal, unseal } from '../../src/lib/seal.ts'
import { deriveKeys } from '../../src/lib/secret_keys.ts'
import { isReadable } from '../../src/store/readable_index.ts'
import { isCount } from '../../src/store/sealed_value.ts'
import type { Backend } from '../../src/store/store.ts'
import { commandLine } from '../support/command.ts'

const folder = commandLine()
afterAll(folder.remove)
const [old, next] = ['tGh3o2uTqJ1mZ8vXw5cR7yLk0sNd9bQf4iAe6pUx', 'Nw8fKz2Qp6Vt1Xs5Gj9Rc3Ym7Hb4Ld0Ua-the-next']
const STORE_URL = `sqlite:${folder.folder}/latchkey.db`
const line = (STORE_ENCRYPTION: string, SECRET_KEY = old!) =>
  commandLine({ STORE_URL, SECRET_KEY, STORE_ENCRYPTION, LOG_LEVEL: 'error' })

async function inside(work: (backend: Backend) => Promise<void>): Promise<void> {
  const backend = await openWhole(loadConfig({ STORE_URL }), systemClock)
  await work(backend).finally(() => backend.close())
}

const namesIn = async (backend: Backend): Promise<string[]> =>
  (await Array.fromAsync(backend.scan()))
    .flat()
    .map((found) => (found.kind === 'value' ? found.key : found.index))

/** Sorted, because accounts of one second have no order. */
const users = async (line_: ReturnType<typeof line>) =>
  (await line_.json<{ username: string }[]>('user', 'list', '--json'))
    .map(({ username }) => username)
    .toSorted()

test('each step, and what is refused', async () => {
  const plain = line('false')
  const added = await plain.latchkey(['user', 'add', 'alice', '--password-stdin'], 'correct-horse-battery')
  expect([added.code, added.stderr]).toEqual([0, added.stderr])
  // As a release of then would have written it.
  await inside(async (backend) => {
    const keys = deriveKeys([old!], 'store')
    for (const found of (await Array.fromAsync(backend.scan())).flat())
      if (found.kind === 'value' && !isCount(found.value))
        await backend.put(found.key, seal(keys, found.value, found.key), found.ttl)
      else if (found.kind === 'member' && isReadable(found.index))
        await backend.unlink(found.index, found.member)
  })

  const strict = line('true')
  expect(await users(strict)).toEqual(['alice'])
  const more = await strict.latchkey(['user', 'add', 'ben', '--password-stdin'], 'correct-horse-battery')
  expect([more.code, more.stderr]).toEqual([0, more.stderr])
  await inside(async (backend) => {
    expect(await namesIn(backend)).toContain(`username:${sha256('alice')}`)
    expect((await namesIn(backend)).some((name) => name.startsWith('~'))).toBe(false)
  })

  const between = line('migrate')
  expect(await users(between)).toEqual(['alice', 'ben'])
  const early = await between.latchkey(['secrets', 'unseal'])
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('run latchkey secrets seal first')])
  expect(await between.json<object>('secrets', 'seal', '--json')).toMatchObject({ encrypted: true })
  expect(await users(strict)).toEqual(['alice', 'ben'])
  await inside(async (backend) => {
    const readable = (await namesIn(backend)).filter(
      (name) => !/^(~|unfinished_restore|ping|present|all_left)/.test(name),
    )
    expect(readable).toEqual([])
  })

  // The secret of names goes along with a change of SECRET_KEY.
  const changing = line('true', JSON.stringify([next, old]))
  const resealed = await changing.json<{ left: number; counts: Record<string, object> }>(
    ...['secrets', 'reseal', '--json'],
  )
  expect(resealed).toMatchObject({ left: 0, counts: { 'secret of names': { moved: 1 } } })
  const changed = line('true', next)
  expect(await users(changed)).toEqual(['alice', 'ben'])
  await inside(async (backend) => {
    const secret = await backend.get('~names_secret')
    expect(unseal(deriveKeys([old!], '~names_secret'), secret!, '~names_secret')).toBeUndefined()
  })
  const late = await strict.latchkey(['user', 'list'])
  expect([late.code, late.stderr]).toEqual([2, expect.stringContaining('SECRET_KEY: the names of records')])
  for (const each of [plain, strict, between, changing, changed]) each.remove()
}, 240_000)
