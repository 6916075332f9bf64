/** Realms in memory: settings that failed and were taken back, and a realm that is used while others take its place. */
import { expect, test } from 'bun:test'
import { systemRandom } from '../../../src/lib/random.ts'
import { Realm } from '../../../src/models/realm.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import type { Store } from '../../../src/store/store.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { realmOf, withRealms } from '../../support/realms.ts'

const status = async (op: { fetch(path: string): Promise<Response> }) => (await op.fetch('/health')).status

test('a realm whose settings failed is answered again once they are taken back', async () => {
  const op = await withRealms()
  const realm = await realmOf(op, 'a')
  expect(await status(realm)).toBe(200)
  const { settings } = (await Realm.find(op.context, 'a'))!
  // As another instance with other files would write it: this one cannot use it.
  await Realm.update(op.context, systemRandom, 'a', (current) => ({
    ...current,
    settings: { ...settings, ACCESS_TOKEN_TTL: 'never' },
  }))
  await op.realms!.realms.remove('none') // looks at the version
  expect(await status(realm)).toBe(503)
  await op.context.realms!.update('a', (current) => ({ ...current, settings }))
  expect(await status(realm)).toBe(200)
})

test('a realm that could not be opened again under other settings is opened anew, once its store answers', async () => {
  const store = memoryStore(systemClock)
  let isDown = false
  const failing: Store = new Proxy(store, {
    get(target, verb) {
      const member: unknown = Reflect.get(target, verb)
      if (typeof member !== 'function') return member
      return (...given: unknown[]): unknown =>
        isDown && String(given[0]).startsWith('realm:')
          ? Promise.reject(new Error('down'))
          : Reflect.apply(member, target, given)
    },
  })
  const op = await withRealms({ store: failing })
  const realm = await realmOf(op, 'a')
  const { settings } = (await Realm.find(op.context, 'a'))!
  isDown = true
  await op.context.realms!.update('a', (current) => ({ ...current, settings: { ...settings, LAB: 'true' } }))
  expect(await status(realm)).toBeGreaterThanOrEqual(500)
  isDown = false
  await op.context.realms!.update('a', (current) => ({ ...current, settings }))
  expect(await status(realm)).toBe(200)
  const again = await op.context.realms!.open('a')
  expect(again).not.toBe(realm.context)
})
