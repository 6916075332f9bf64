/** Issue 10, section 4: SECRET_KEY takes several values; the first seals, the others open, and names stay as they were. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { resealSecrets } from '../../src/clients/client_secret.ts'
import { loadConfig } from '../../src/config.ts'
import { sidOf, subjectOf } from '../../src/grants/person.ts'
import { deriveKey } from '../../src/lib/hash.ts'
import { seal, unseal } from '../../src/lib/seal.ts'
import type { SecretValues } from '../../src/lib/secret_keys.ts'
import { Client } from '../../src/models/client.ts'
import { lastingKey, openLastingRoot, rootOf } from '../../src/models/lasting_root.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { redisStore } from '../../src/store/redis.ts'
import type { Store } from '../../src/store/store.ts'
import { authorizationUrl, demo } from '../support/client.ts'
import { codeFor, good, isActive, type Journey, redeem, refresh, visitor } from '../support/journey.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { startRedis } from '../support/redis.ts'

const a = 'the-value-of-before-5fQ0zLxWv3nRk6YbUe2HsJp9McFd'
const b = 'the-value-from-now-on-8Zt1KmWv3nRk6YbUe2HsJp9McFd'

describe('what a value may be', () => {
  const read = (SECRET_KEY: string) => loadConfig({ SECRET_KEY }).secretKey
  const production = { NODE_ENV: 'production', ISSUER_URL: 'https://id.example' }

  test('a JSON array of texts is several values; any other text is one, as it is', () => {
    expect(read(JSON.stringify([b, a]))).toEqual([b, a])
    expect(read(` [ "${b}" ]\n`)).toEqual([b])
    for (const text of ['two words, and a comma', 'two\nlines', '[no array', '[1]', ' [] '])
      expect(read(text)).toEqual([text])
  })

  test.each([
    ['not closed', '["a", "b"'],
    ['twice the same', '["a","a"]'],
    ['an empty one', '["a",""]'],
    ['a number', '["a",1]'],
    ['six', '["a","b","c","d","e","f"]'],
  ])('%s is refused without being quoted', (_, SECRET_KEY) => {
    const problem = () => loadConfig({ SECRET_KEY })
    expect(problem).toThrow(/SECRET_KEY: expected a text, or a JSON array of one to five/)
    expect(problem).not.toThrow(SECRET_KEY)
  })

  test('in production each value must be strong', () => {
    const strong = Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString('base64')
    const load = (...values: string[]) => loadConfig({ ...production, SECRET_KEY: JSON.stringify(values) })
    expect(load(strong).secretKey).toEqual([strong])
    expect(() => load(strong, 'short')).toThrow(/SECRET_KEY: expected at least 32 characters/)
  })
})

test('the first key seals, each opens, and another opens nothing', () => {
  const keys = [a, b].map((value) => deriveKey(value, 'x')) as [Uint8Array, Uint8Array]
  const sealed = seal([keys[1], keys[0]], 'text', 'of one record')
  expect(unseal(keys[1], sealed, 'of one record')).toBe('text')
  expect(unseal(keys[0], sealed, 'of one record')).toBeUndefined()
  expect(unseal(keys, sealed, 'of one record')).toBe('text')
  expect(unseal(keys, sealed, 'of another')).toBeUndefined()
})

describe('the root of names', () => {
  test('gives the keys that the value gave', () => {
    for (const purpose of ['pairwise subjects', 'session names of x', 'people'])
      expect(Buffer.from(lastingKey(rootOf(a), purpose))).toEqual(Buffer.from(deriveKey(a, purpose)))
  })

  test('is that of the first value ever, for all instances and orders; another value is refused', async () => {
    const store = memoryStore(turnableClock())
    const roots = await Promise.all(Array.from({ length: 4 }, () => openLastingRoot(store, [a])))
    for (const values of [
      [a, b],
      [b, a],
    ] as SecretValues[])
      roots.push(await openLastingRoot(store, values))
    for (const root of roots) expect(Buffer.from(root)).toEqual(Buffer.from(rootOf(a)))
    await expect(openLastingRoot(store, [b])).rejects.toThrow(/not sealed with this SECRET_KEY/)
    await store.close()
  })
})

describe('a change of SECRET_KEY on two instances, with one Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => void (redis = await startRedis()), 60_000)
  afterAll(() => redis.stop())
  const stores: Store[] = []
  afterAll(() => Promise.all(stores.map((store) => store.close())))

  const clock = turnableClock()
  async function instance(...values: [string, ...string[]]): Promise<Provider> {
    const store = redisStore(redis.url, { timeoutMs: 30_000 })
    stores.push(store)
    const env = { SECRET_KEY: JSON.stringify(values), SIGN_IN_ATTEMPTS_PER_ADDRESS: '1000' }
    return provider({ store, clock, env, lastingRoot: await openLastingRoot(store, values) })
  }

  /** Each request goes to the next instance. */
  function balanced(...among: Provider[]): Journey {
    let turn = 0
    return {
      issuer: among[0]!.issuer,
      fetch: (url, init) => among[turn++ % among.length]!.fetch(url, init),
    }
  }

  /** What a client with pairwise subjects is told. */
  async function names({ context }: Provider) {
    const client = { ...(await Client.find(context, demo.client_id))!, subject_type: 'pairwise' }
    return [subjectOf('user-alice', client, context), sidOf('abcdefghijklmnopqrst', client, context)]
  }

  test('no session, code, refresh token, form or client secret is lost, and no name changes', async () => {
    const before = balanced(await instance(a))
    const alice = visitor(before)
    const tokens = await good(redeem(before, await codeFor(before, alice)))
    const codes = [await codeFor(before, alice), await codeFor(before, alice)]
    const namesBefore = await names(await instance(a))

    // First every instance learns the new value; the one that has it opens what the other, still old, has sealed.
    const learning = balanced(await instance(a), await instance(a, b))
    await good(redeem(learning, await codeFor(learning, visitor(learning))))

    // Then it comes first, on one instance after the other.
    const [old, fresh] = [await instance(a, b), await instance(b, a)]
    const both = balanced(old, fresh)
    let newest: unknown = tokens.refresh_token
    for (let i = 0; i < 4; i++) newest = (await good(refresh(both, newest))).refresh_token
    await good(redeem(both, codes[0]!))
    await good(redeem(both, codes[1]!))
    // The forms of each are sent to the other.
    const bob = visitor(both)
    for (let i = 0; i < 2; i++) {
      const { url } = authorizationUrl(both.issuer, demo, { prompt: 'login' })
      expect(
        (await bob.goThrough(url, { username: 'bob', password: 'bobpassword' })).searchParams.get('code'),
      ).toBeString()
    }
    for (const each of [old, fresh]) {
      const cookie = [...alice.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const { url } = authorizationUrl(both.issuer, demo, { prompt: 'none' })
      const answer = await each.fetch(url, { headers: { cookie } })
      expect(new URL(answer.headers.get('location')!).searchParams.has('code')).toBe(true)
      expect(await names(each)).toEqual(namesBefore)
    }

    // The former value goes. A token that the first value signed holds; one that the former signed does not.
    newest = (await good(refresh(balanced(fresh), newest))).refresh_token
    const signedBefore = (await good(redeem(balanced(old), await codeFor(both, alice)))).refresh_token
    const { context } = fresh
    expect(await resealSecrets(context, demo.client_id, true)).toBe('moved')
    expect(await resealSecrets(context, demo.client_id, true)).toBe('current')
    const alone = await provider({
      store: context.store,
      clock,
      env: { SECRET_KEY: b },
      lastingRoot: await openLastingRoot(context.store, [b, a]),
    })
    expect(await names(alone)).toEqual(namesBefore)
    await good(refresh(balanced(alone), newest))
    expect((await refresh(balanced(alone), signedBefore)).status).toBe(400)
  }, 240_000)

  test('another value makes no token, form or handle that is accepted', async () => {
    const [real, forger] = [
      await instance(b, a),
      await provider({ env: { SECRET_KEY: 'of an attacker' }, clock }),
    ]
    const issued = await good(
      redeem(balanced(forger), await codeFor(balanced(forger), visitor(balanced(forger)))),
    )
    expect((await refresh(balanced(real), issued.refresh_token)).status).toBe(400)
    expect(await isActive(balanced(real), issued.refresh_token)).toBe(false)
  }, 240_000)
})
