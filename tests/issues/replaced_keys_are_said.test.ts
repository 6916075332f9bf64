/** Issue 9, line 48: after `keys replace` under another SECRET_KEY a running instance advised to replace the keys once more. */
import { join } from 'node:path'
import { expect, test } from 'bun:test'
import { deriveKey } from '../../src/lib/hash.ts'
import { createLog } from '../../src/lib/log.ts'
import { type KeyRing, loadKeyRing } from '../../src/models/key_ring.ts'
import { replaceKeys } from '../../src/models/replace_keys.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { sealedStore } from '../../src/store/sealed.ts'
import type { Store } from '../../src/store/store.ts'
import { commandLine } from '../support/command.ts'
import { spawnProvider, turnableClock } from '../support/provider.ts'
import { until } from '../support/until.ts'

const clock = turnableClock()
const [former, other] = ['former', 'other'].map((name) => deriveKey(name, 'signing keys')) as [
  Uint8Array,
  Uint8Array,
]
const log = createLog('silent', 'json', () => {})
const load = (storage: Store, sealingKey = former): Promise<KeyRing> =>
  loadKeyRing({ storage, sealingKey, clock, log, algs: ['ES256'], activationDelay: 600, retention: 3600 })

const words = async (keys: KeyRing): Promise<string> =>
  keys.refresh().then(
    () => 'no refusal',
    (error: Error) => error.message,
  )

test.each<[string, (store: Store, secret: Uint8Array) => Store]>([
  ['a plain store', (store) => store],
  ['a sealed store', (store, secret) => sealedStore(store, secret)],
])('in %s: the cause and the way out, and it keeps its keys', async (_, open) => {
  const store = memoryStore(clock)
  const keys = await load(open(store, former))
  const kids = keys.list().map(({ kid }) => kid)
  expect(await words(keys)).toBe('no refusal')
  await store.take('key_ring')
  await replaceKeys({ storage: open(store, other), sealingKey: other, clock, algs: ['ES256'] })
  const said = await words(keys)
  expect(said).toContain('were replaced')
  expect(said).toContain('Restart it with the SECRET_KEY')
  expect(said).not.toContain('make new keys')
  expect(keys.list().map(({ kid }) => kid)).toEqual(kids)
  // One that starts has no keys, so it says what `keys replace` is for.
  expect(await load(open(store, former)).catch((error: Error) => error.message)).toContain('make new keys')
})

test('the log of a running server names it', async () => {
  const line = commandLine()
  const STORE_URL = `sqlite:${join(line.folder, 'latchkey.db')}`
  const secrets = ['a', 'z'].map((letter) => letter.repeat(20) + 'bcdefghijklmnopqrstuvw')
  const op = await spawnProvider({ STORE_URL, SECRET_KEY: secrets[0]!, LOG_FORMAT: 'json' })
  try {
    const later = commandLine({ STORE_URL, SECRET_KEY: secrets[1]! })
    expect((await later.latchkey(['keys', 'replace', '--yes'])).code).toBe(0)
    await until(() => op.output().includes('"event":"keys_unreadable"'), 'the line of the log')
    expect(op.output()).not.toContain('job_failed')
    later.remove()
  } finally {
    await op.stop()
    line.remove()
  }
}, 240_000)
