/** Issue 9, 55: a running instance adopted the record of keys of an older copy of the store, with a key that had been replaced because it leaked. */
import { expect, test } from 'bun:test'
import { createLog } from '../../src/lib/log.ts'
import { type KeyRing, loadKeyRing } from '../../src/models/key_ring.ts'
import { replaceKeys } from '../../src/models/replace_keys.ts'
import { recordName } from '../../src/models/signing_keys.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { turnableClock } from '../support/provider.ts'

const sealingKey = new Uint8Array(32).fill(7)
const algs = ['ES256'] as const

async function stage() {
  const clock = turnableClock()
  const storage = memoryStore(clock)
  const lines: string[] = []
  const log = createLog('info', 'json', (line) => lines.push(line))
  const ring = () =>
    loadKeyRing({ storage, sealingKey, clock, log, algs, activationDelay: 600, retention: 3600 })
  const copy = async () => (await storage.get(recordName))!
  const restore = (text: string) => storage.put(recordName, text)
  return { clock, storage, lines, ring, copy, restore }
}

const kids = (ring: KeyRing) => ring.jwks().keys.map(({ kid }) => String(kid))

test('a key that was replaced does not come back with an older copy', async () => {
  const { clock, storage, lines, ring, copy, restore } = await stage()
  const running = await ring()
  const older = await copy()
  const [leaked] = kids(running)
  await replaceKeys({ storage, sealingKey, clock, algs })
  await running.refresh()
  const [fresh] = kids(running)
  expect(fresh).not.toBe(leaked)
  await restore(older)
  await running.refresh()
  expect(kids(running)).toEqual([fresh!])
  expect(kids(await ring())).toEqual([fresh!])
  expect(lines.join('\n')).toContain('key_ring_restored')
  await running.refresh()
  expect(lines.join('\n').match(/key_ring_restored/g)).toHaveLength(1)
})

test('a next key that the copy lacks stays, so that what it signs is verified', async () => {
  const { ring, copy, restore } = await stage()
  const running = await ring()
  const older = await copy()
  await running.rotate()
  const both = kids(running)
  expect(both).toHaveLength(2)
  await restore(older)
  const started = await ring()
  await running.refresh()
  await started.refresh()
  expect([kids(running).toSorted(), kids(started).toSorted()]).toEqual([both.toSorted(), both.toSorted()])
})

test('a rotation on the older copy joins what a running instance knows, and both instances agree', async () => {
  const { ring, copy, restore } = await stage()
  const running = await ring()
  const older = await copy()
  await running.rotate()
  await restore(older)
  const other = await ring()
  await other.rotate()
  for (let round = 0; round < 2; round++) for (const each of [running, other]) await each.refresh()
  expect(kids(running)).toHaveLength(3)
  expect(kids(running).toSorted()).toEqual(kids(other).toSorted())
  const settled = await copy()
  for (const each of [running, other]) await each.refresh()
  expect(await copy()).toBe(settled)
})

test('a change by an instance that has not seen the copy yet brings its keys too', async () => {
  const { clock, storage, ring, copy, restore } = await stage()
  const running = await ring()
  const older = await copy()
  const [leaked] = kids(running)
  await replaceKeys({ storage, sealingKey, clock, algs })
  await running.refresh()
  await restore(older)
  await running.rotate()
  expect(kids(running)).not.toContain(leaked)
})
