/** Names, floods, races and failures of realms: what strangers send, what happens at once, and what breaks. */
import { describe, expect, test } from 'bun:test'
import { removeRealms } from '../../src/cli/realms/removal.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { Realm } from '../../src/models/realm.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { realmOf as realmOfFound } from '../../src/store/realm.ts'
import { type Found, type Store, StoreUnavailable } from '../../src/store/store.ts'
import { demo, formPost } from '../support/client.ts'
import { browser, post, tokensOf, userinfo } from '../support/flow.ts'
import { type Provider, turnableClock } from '../support/provider.ts'
import { until } from '../support/until.ts'
import { quickKeys, realmOf, withRealms } from '../support/realms.ts'

/** Counts the verbs of a store, and refuses them on demand. */
function counted(clock = turnableClock()) {
  const store = memoryStore(clock)
  const state = { verbs: 0, isDown: false }
  const counting = new Proxy(store, {
    get(target, name) {
      const verb: unknown = Reflect.get(target, name)
      if (typeof verb !== 'function') return verb
      return (...args: unknown[]) => {
        state.verbs += 1
        if (state.isDown && name !== 'scan') return Promise.reject(new StoreUnavailable('down'))
        return (verb as (...all: unknown[]) => unknown).apply(target, args)
      }
    },
  })
  return { store: counting, state, clock }
}

const jwks = '/.well-known/jwks.json'
const textOf = async (answer: Response) =>
  `${answer.status} ${(await answer.text()).replaceAll(/\/realms\/[^" ]*/g, '…')}`

async function everything(store: Store): Promise<Found[]> {
  const all: Found[] = []
  for await (const page of store.scan()) all.push(...page)
  return all
}

describe('a name', () => {
  const odd = [
    ...[
      '..',
      '.',
      '%2e%2e',
      '%2E%2E%2F',
      'A',
      'a%2Fb',
      '%61',
      'a%00',
      'a;b',
      'a_b',
      'é',
      '%C3%A9',
      'xn--a-',
      '-a',
    ],
    ...[
      'a'.repeat(41),
      'a'.repeat(5_000),
      '__proto__',
      'constructor',
      'a.b',
      'a:b',
      '*',
      'a a',
      'a/../a',
      '..;/a',
    ],
  ]

  test('that is none is answered as any path that is not served, and no store is asked', async () => {
    const { store, state, clock } = counted()
    const op = await withRealms({ store, clock })
    await realmOf(op, 'a')
    const missing = await textOf(await op.fetch(`/realms/none${jwks}`))
    for (const name of odd) {
      const before = state.verbs
      const answer = await op.fetch(`${op.issuer}/realms/${name}${jwks}`)
      // The client resolves `..` before it sends; what it sends then is another path of the server.
      const isResolved = !new URL(`${op.issuer}/realms/${name}${jwks}`).pathname.startsWith('/realms/')
      if (!isResolved && name !== 'a/../a') expect([name, await textOf(answer)]).toEqual([name, missing])
      expect(state.verbs - before).toBeLessThan(2)
    }
  })

  test('below the realm is the realm of the first name, which has none below it', async () => {
    const op = await withRealms()
    await realmOf(op, 'a')
    await realmOf(op, 'b')
    expect((await op.fetch(`/realms/a/realms/b${jwks}`)).status).toBe(404)
    expect((await op.fetch(`/realms/a/../b${jwks}`)).status).toBe(200) // resolved by the client
  })

  test('at another Host is the same realm, with its own issuer in every document', async () => {
    const op = await withRealms()
    const realm = await realmOf(op, 'a')
    const path = '/realms/a/.well-known/openid-configuration'
    const answer = await op.fetch(`http://evil.example${path}`)
    expect(((await answer.json()) as { issuer: string }).issuer).toBe(realm.issuer)
  })

  test('HEAD tells what GET tells, without a body and without a write', async () => {
    const { store, clock } = counted()
    const op = await withRealms({ store, clock })
    await realmOf(op, 'a')
    const before = (await everything(store)).length
    for (const [path, status] of [
      [`/realms/a${jwks}`, 200],
      [`/realms/none${jwks}`, 404],
      ['/realms/a/account', 303],
    ] as const) {
      const answer = await op.fetch(path, { method: 'HEAD' })
      expect([path, answer.status < 400 ? 'found' : answer.status, await answer.text()]).toEqual([
        path,
        status < 400 ? 'found' : status,
        '',
      ])
    }
    expect((await everything(store)).length).toBe(before)
  })
})

test('a realm that is not there is told to have ended, or never to have been; a path of the server is not', async () => {
  const op = await withRealms()
  const problemAt = async (path: string) => JSON.stringify(await (await op.fetch(path)).json())
  expect(await problemAt(`/realms/none${jwks}`)).toContain('the realm has ended, as those of a classroom do')
  expect(await problemAt('/none')).toContain('nothing is served at /none')
})

describe('a flood', () => {
  test('of unknown names reads the store no more than one request does, and keeps nothing', async () => {
    const { store, state, clock } = counted()
    const op = await withRealms({ store, clock })
    await realmOf(op, 'a')
    await op.fetch(`/realms/b${jwks}`)
    const before = state.verbs
    for (let i = 0; i < 3_000; i++) await op.fetch(`/realms/none-${i}${jwks}`)
    // One look a second at most, and a request takes a fraction of a millisecond.
    expect(state.verbs - before).toBeLessThan(200)
    expect((await everything(store)).some((found) => JSON.stringify(found).includes('none-'))).toBe(false)
  }, 60_000)

  test('of requests to one realm that is not open opens it once', async () => {
    const op = await withRealms()
    await op.context.realms!.create({ name: 'a', settings: quickKeys, demo: true })
    const answers = await Promise.all(Array.from({ length: 200 }, () => op.fetch(`/realms/a${jwks}`)))
    const kids = new Set(await Promise.all(answers.map((each) => each.text())))
    expect([answers.every(({ status }) => status === 200), kids.size]).toEqual([true, 1])
  })

  test('over more realms than are kept in memory keeps that many', async () => {
    const op = await withRealms({ mostRealms: 4 })
    const names = Array.from({ length: 12 }, (_, i) => `r${i}`)
    for (const name of names) await op.context.realms!.create({ name, settings: quickKeys })
    const answers = await Promise.all([...names, ...names].map((name) => op.fetch(`/realms/${name}${jwks}`)))
    expect(answers.map(({ status }) => status)).toEqual(Array(24).fill(200))
    expect(op.realms!.inMemory()).toBeLessThanOrEqual(4)
  })
})

describe('at once', () => {
  test('two servers create one name: one wins, and both have the same realm', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const servers = await Promise.all([withRealms({ store, clock }), withRealms({ store, clock })])
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        servers[i % 2]!.context.realms!.create({ name: 'a', settings: quickKeys }),
      ),
    )
    expect(made.filter(Boolean)).toHaveLength(1)
    const [one, other] = await Promise.all(
      servers.map(async (op) => (await op.fetch(`/realms/a${jwks}`)).text()),
    )
    expect(one).toBe(other!)
  })

  test('a removal while requests run: each is answered as before or as unknown, and none fails', async () => {
    const op = await withRealms()
    const realm = await realmOf(op, 'a')
    const ask = () => realm.fetch('/token', formPost(demo, { grant_type: 'client_credentials' }))
    const running = Array.from({ length: 40 }, ask)
    const removing = op.context.realms!.remove('a')
    const later = Array.from({ length: 40 }, ask)
    const statuses = (await Promise.all([...running, ...later])).map(({ status }) => status)
    expect(await removing).toBe(true)
    expect(statuses.filter((status) => ![200, 401, 404].includes(status))).toEqual([])
    expect((await ask()).status).toBe(404)
    expect(op.lines.filter((line) => line.includes('unexpected'))).toEqual([])
  })
})

describe('what is removed', () => {
  const count = async (store: Store, id: string) =>
    (await everything(store)).filter((found) => realmOfFound(found)?.realm === id).length

  test('leaves nothing, and takes nothing of others, also when it comes again meanwhile', async () => {
    const { store, clock } = counted()
    const op = await withRealms({ store, clock })
    const [a, b] = [await realmOf(op, 'a'), await realmOf(op, 'b')]
    const [first, other] = [await tokensOf(a, browser(a)), await tokensOf(b, browser(b))]
    const id = a.context.realm!.id
    await op.context.realms!.remove('a')
    const again = await realmOf(op, 'a')
    const tokens = await tokensOf(again, browser(again))
    expect(await count(store, id)).toBeGreaterThan(10)
    clock.advance(61_000)
    await removeRealms(op.context, systemRandom)
    expect(await count(store, id)).toBe(0)
    expect((await userinfo(again, tokens.access_token)).status).toBe(200)
    expect((await userinfo(b, other.access_token)).status).toBe(200)
    expect((await userinfo(again, first.access_token)).status).toBe(401)
    expect((await post(op, '/token', demo, { grant_type: 'client_credentials' })).status).toBe(200)
    expect(JSON.stringify(await everything(store))).not.toContain(id)
  })

  test('has no job that writes after its data is gone', async () => {
    const { store, clock } = counted()
    const op = await withRealms({ store, clock })
    const realm = await realmOf(op, 'a')
    const { id } = realm.context.realm!
    await realm.fetch(jwks)
    await post(realm, '/token', demo, { grant_type: 'client_credentials' })
    await op.context.realms!.remove('a')
    const { scheduler, inMemory } = op.realms!
    await scheduler.tick(performance.now())
    expect(inMemory()).toBe(0)
    await until(async () => {
      clock.advance(61_000)
      await removeRealms(op.context, systemRandom)
      return (await count(store, id)) === 0
    }, 'the data is gone')
    for (let i = 1; i < 5; i++) await scheduler.tick(performance.now() + i * 31_000)
    expect(await count(store, id)).toBe(0)
  })

  test('at its end: not answered at once, and gone by the job', async () => {
    const { store, clock } = counted()
    const op = await withRealms({ store, clock })
    const realm = await realmOf(op, 'a', { ends_at: Math.floor(clock.now() / 1000) + 100 })
    const { id } = realm.context.realm!
    clock.advance(100_000)
    expect((await realm.fetch(jwks)).status).toBe(404)
    await removeRealms(op.context, systemRandom)
    expect(await Realm.find(op.context, 'a')).toBeUndefined()
    clock.advance(61_000)
    await removeRealms(op.context, systemRandom)
    expect(await count(store, id)).toBe(0)
  })

  test('whose end was moved stays', async () => {
    const { store, clock } = counted()
    const op = await withRealms({ store, clock })
    const realm = await realmOf(op, 'a', { ends_at: Math.floor(clock.now() / 1000) + 100 })
    const later = Math.floor(clock.now() / 1000) + 1_000
    await op.context.realms!.update('a', (current) => ({ ...current, ends_at: later }))
    clock.advance(200_000)
    await removeRealms(op.context, systemRandom)
    expect((await realm.fetch(jwks)).status).toBe(200)
  })
})

describe('what breaks', () => {
  const spoil = (op: Provider) =>
    Realm.update(op.context, systemRandom, 'a', (current) => ({
      ...current,
      settings: { ACCESS_TOKEN_TTL: 'x' },
    }))

  test('settings that this server does not take: 503 for the realm, and for no other; it is tried again, not each time', async () => {
    const op = await withRealms()
    await op.context.realms!.create({ name: 'a', settings: {} })
    const b = await realmOf(op, 'b')
    await spoil(op)
    await op.context.realms!.update('b', (current) => current) // this instance sees both changes
    for (let i = 0; i < 20; i++) {
      const answer = await op.fetch(`/realms/a${jwks}`, { method: i % 2 ? 'HEAD' : 'GET' })
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '60'])
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(await answer.text()).not.toContain('ACCESS_TOKEN_TTL')
    }
    expect((await b.fetch(jwks)).status).toBe(200)
    expect(op.lines.filter((line) => line.includes('realm_not_opened'))).toHaveLength(1)
  })

  test('the store: an open realm publishes its keys, one that is not open is 503, and the server stays', async () => {
    const { store, state, clock } = counted()
    const op = await withRealms({ store, clock })
    const realm = await realmOf(op, 'a')
    await op.context.realms!.create({ name: 'b', settings: quickKeys })
    state.isDown = true
    expect((await realm.fetch(jwks)).status).toBe(200)
    expect((await op.fetch(`/realms/b${jwks}`)).status).toBe(503)
    expect((await post(realm, '/token', demo, { grant_type: 'client_credentials' })).status).toBe(503)
    expect((await op.fetch(jwks)).status).toBe(200)
    state.isDown = false
    expect((await op.fetch(`/realms/b${jwks}`)).status).toBe(200)
  })
})

describe('jobs', () => {
  test('a hundred realms that nobody uses cost no verb of the store for each, and those in use have theirs run', async () => {
    const { store, state, clock } = counted()
    const op = await withRealms({ store, clock })
    for (let i = 0; i < 100; i++) await op.context.realms!.create({ name: `r${i}`, settings: quickKeys })
    const { scheduler } = op.realms!
    const now = performance.now()
    let before = state.verbs
    await scheduler.tick(now)
    expect(state.verbs - before).toBe(0)
    const realm = await realmOf(op, 'used')
    await realm.fetch(jwks)
    before = state.verbs
    await scheduler.tick(performance.now() + 6_000)
    expect(state.verbs - before).toBeGreaterThan(0)
    expect(state.verbs - before).toBeLessThan(40)
  })

  test('each realm has its turn in time, and leaves the memory after it', async () => {
    const { store, state, clock } = counted()
    const op = await withRealms({ store, clock })
    for (const name of ['a', 'b']) await op.context.realms!.create({ name, settings: quickKeys })
    const before = state.verbs
    await op.realms!.scheduler.tick(performance.now() + 31 * 60_000)
    expect(state.verbs - before).toBeGreaterThan(5)
    expect(op.realms!.inMemory()).toBe(0)
  })
})
