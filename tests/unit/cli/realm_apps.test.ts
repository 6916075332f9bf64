/** Realms in memory: settings that failed and were taken back, and a realm that is used while others take its place. */
import { expect, test } from 'bun:test'
import { systemRandom } from '../../../src/lib/random.ts'
import { recordName } from '../../../src/models/signing_keys.ts'
import { Realm } from '../../../src/models/realm.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import type { Store } from '../../../src/store/store.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { quickKeys, realmOf, withRealms } from '../../support/realms.ts'

const status = async (op: { fetch(path: string): Promise<Response> }) => (await op.fetch('/health')).status

/** A store that does not answer for names with the text that is set. */
function failingStore() {
  const store = memoryStore(systemClock)
  let down: string | undefined
  const failing: Store = new Proxy(store, {
    get(target, verb) {
      const member: unknown = Reflect.get(target, verb)
      if (typeof member !== 'function') return member
      return (...given: unknown[]): unknown =>
        down !== undefined && String(given[0]).includes(down)
          ? Promise.reject(new Error('down'))
          : Reflect.apply(member, target, given)
    },
  })
  return { failing, set: (text: string | undefined) => void (down = text) }
}

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
  const { failing, set } = failingStore()
  const op = await withRealms({ store: failing })
  const realm = await realmOf(op, 'a')
  const { settings } = (await Realm.find(op.context, 'a'))!
  set('realm:')
  await op.context.realms!.update('a', (current) => ({ ...current, settings: { ...settings, LAB: 'true' } }))
  expect(await status(realm)).toBeGreaterThanOrEqual(500)
  set(undefined)
  await op.context.realms!.update('a', (current) => ({ ...current, settings }))
  expect(await status(realm)).toBe(200)
  const again = await op.context.realms!.open('a')
  expect(again).not.toBe(realm.context)
})

test('a realm that cannot be opened leaves no trail that was begun and not ended', async () => {
  const { failing, set } = failingStore()
  const op = await withRealms({ store: failing, env: { AUDIT_SIGNING_KEY: 'k'.repeat(40) } })
  const { id } = (await op.context.realms!.create({ name: 'a', settings: quickKeys }))!
  set(`realm:${id}:${recordName}`)
  expect((await op.fetch('/realms/a/health')).status).toBe(500)
  set(undefined)
  await op.context.realms!.update('a', (current) => ({ ...current, title: 'A' }))
  expect((await op.fetch('/realms/a/health')).status).toBe(200)
  const context = (await op.context.realms!.open('a'))!
  await op.realms!.close()
  const kinds: string[] = []
  for await (const page of context.store.scan())
    for (const found of page)
      if (found.kind === 'value')
        kinds.push(...(/"kind":"(started|stopped)"/.exec(found.value)?.slice(1) ?? []))
  expect(kinds.toSorted()).toEqual(['started', 'started', 'stopped', 'stopped'])
})

test('a realm that is being opened when the server ends is closed too, and none is opened after', async () => {
  const op = await withRealms({ env: { AUDIT_SIGNING_KEY: 'k'.repeat(40) } })
  await op.context.realms!.create({ name: 'a', settings: quickKeys })
  await op.context.realms!.create({ name: 'b', settings: quickKeys })
  const opening = op.fetch('/realms/a/health')
  await op.realms!.close()
  await opening
  expect(await op.context.realms!.open('b')).toBeUndefined()
  const kinds = (await Array.fromAsync(op.context.store.scan()))
    .flat()
    .flatMap((found) =>
      found.kind === 'value' && found.key.startsWith('realm:')
        ? [.../"kind":"(started|stopped)"/g[Symbol.matchAll](found.value)].map(([, kind]) => kind)
        : [],
    )
  expect(kinds.filter((kind) => kind === 'started').length).toBe(
    kinds.filter((kind) => kind === 'stopped').length,
  )
})
