/** Three processes on one Redis, or on one PostgreSQL, are one provider, also while one of them dies. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { authorizationUrl, demo, headerOf, type Json } from '../support/client.ts'
import {
  clientCredentials,
  codeFor,
  type Fetch,
  good,
  isActive,
  redeem,
  refresh,
  revoke,
  visitor,
} from '../support/journey.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'
import { startPostgres } from '../support/postgres.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

const issuer = `http://localhost:${freePort()}` // nobody listens there: each request goes to one of the three

interface Instance extends SpawnedProvider {
  fetch: Fetch
}

const shared: Record<string, () => Promise<{ env: Record<string, string>; stop(): Promise<void> }>> = {
  async Redis() {
    const redis = await startRedis()
    return { env: { REDIS_URL: redis.url }, stop: () => redis.stop() }
  },
  async PostgreSQL() {
    const server = await startPostgres()
    return { env: { STORE_URL: server.database() }, stop: () => server.stop() }
  },
}

describe.each(Object.entries(shared))('on %s', (_, open) => {
  let store: { env: Record<string, string>; stop(): Promise<void> }
  let env: Record<string, string>
  let instances: Instance[]

  async function startInstance(): Promise<Instance> {
    const port = freePort()
    const own = await spawnProvider({ ...env, PORT: `${port}` })
    return { ...own, fetch: (url, init) => fetch(url.replace(issuer, `http://localhost:${port}`), init) }
  }

  /** Each request goes to the next instance, as a balancer without stickiness would send it. */
  function balanced(among: readonly Instance[]): { issuer: string; fetch: Fetch } {
    let turn = 0
    return { issuer, fetch: (url, init) => among[turn++ % among.length]!.fetch(url, init) }
  }
  const at = (instance: Instance) => ({ issuer, fetch: instance.fetch })

  beforeAll(async () => {
    store = await open()
    env = { ISSUER_URL: issuer, ...store.env, KEY_ACTIVATION_DELAY: '6', JWKS_MAX_AGE: '1' }
    // At once on an empty store: they race for the first signing keys and must agree on them.
    instances = await Promise.all([startInstance(), startInstance(), startInstance()])
  }, 60_000)
  afterAll(async () => {
    await Promise.all(instances?.map((each) => each.stop()) ?? [])
    await store?.stop()
  })

  /** Of the signing keys: an encryption key leaves the JWKS as soon as its successor is there. */
  const kids = async (instance: Instance): Promise<string[]> => {
    const { keys } = (await good(instance.fetch(`${issuer}/jwks.json`))) as {
      keys: { kid: string; use: string }[]
    }
    return keys
      .filter(({ use }) => use === 'sig')
      .map(({ kid }) => kid)
      .sort()
  }

  test('they agree on the signing keys, though all started at once on an empty store', async () => {
    const [first, ...others] = await Promise.all(instances.map(kids))
    expect(first!.length).toBeGreaterThan(0)
    for (const other of others) expect(other).toEqual(first!)
  })

  test('a journey whose every request meets another process; a revocation at one is known to all', async () => {
    const journey = balanced(instances)
    const alice = visitor(journey)
    const tokens = await good(redeem(journey, await codeFor(journey, alice)))
    for (const each of instances) {
      const who = await each.fetch(`${issuer}/userinfo`, {
        headers: { authorization: `Bearer ${tokens.access_token}` },
      })
      expect((await good(who)).sub).toBe('user-alice')
    }
    let newest: unknown = tokens.refresh_token
    for (const each of [...instances, ...instances])
      newest = (await good(refresh(at(each), newest))).refresh_token

    // The session and the consent are known everywhere, so neither is asked for again.
    for (const each of instances) {
      const cookie = [...alice.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const { url } = authorizationUrl(issuer, demo, { prompt: 'none' })
      const answer = await each.fetch(url, { headers: { cookie }, redirect: 'manual' })
      expect(new URL(answer.headers.get('location')!).searchParams.has('code')).toBe(true)
    }

    expect((await revoke(at(instances[1]!), newest)).status).toBe(200)
    for (const each of instances) {
      expect(await isActive(at(each), newest)).toBe(false)
      expect(await isActive(at(each), tokens.access_token)).toBe(false)
      expect((await refresh(at(each), newest)).status).toBe(400)
    }
  })

  test('one code at all three at once, ninety times: one answer has tokens, and the replays end them', async () => {
    const journey = balanced(instances)
    const code = await codeFor(journey, visitor(journey))
    const answers = await Promise.all(Array.from({ length: 90 }, () => redeem(journey, code)))
    const won = answers.filter((each) => each.status === 200)
    // None, when a replay ended the grant before the first had its tokens: they would have been good for nothing.
    expect(won.length).toBe(1)
    for (const each of answers)
      if (each.status !== 200) expect((await each.json()).error).toBe('invalid_grant')
    for (const each of won) {
      const tokens = (await each.json()) as Json
      expect((await refresh(journey, tokens.refresh_token)).status).toBe(400)
      for (const instance of instances) expect(await isActive(at(instance), tokens.access_token)).toBe(false)
    }
  })

  test('`keys rotate` beside them: all publish the next key, then all sign with it, and the old one still verifies', async () => {
    const before = await kids(instances[0]!)
    const signedWith = async (each: Instance) =>
      headerOf((await good(clientCredentials(at(each)))).access_token).kid as string
    const old = await signedWith(instances[0]!)
    const rotation = Bun.spawnSync([...latchkeyCommand, 'keys', 'rotate'], {
      env: { PATH: process.env.PATH, LOG_LEVEL: 'warn', ...env },
    })
    expect(rotation.exitCode, rotation.stderr.toString()).toBe(0)

    const all = (what: string, holds: (each: Instance) => Promise<boolean>) =>
      until(async () => (await Promise.all(instances.map(holds))).every(Boolean), what)
    await all('all to publish the new keys', async (each) => (await kids(each)).length > before.length)
    for (const each of instances) expect(await kids(each)).toEqual(expect.arrayContaining(before))
    await all('all to sign with the new key', async (each) => (await signedWith(each)) !== old)
    const [first, ...others] = await Promise.all(instances.map(signedWith))
    for (const other of others) expect(other).toBe(first!)
    expect(before).not.toContain(first!)
    for (const each of instances) expect(await kids(each)).toContain(old)
  }, 60_000)

  test('one stops by SIGTERM under load: requests to the others are all answered', async () => {
    const leaving = await startInstance()
    const answers: number[] = []
    let asking = true
    const load = instances.map(async (each) => {
      while (asking) answers.push((await clientCredentials(at(each))).status)
    })
    leaving.signal('SIGTERM')
    expect(await leaving.exited).toBe(0)
    asking = false
    await Promise.all(load)
    await leaving.stop()
    expect(answers.length).toBeGreaterThan(0)
    expect(answers.filter((status) => status !== 200)).toEqual([])
  }, 60_000)

  test('one dies by SIGKILL under load: the others go on, retries succeed, nothing is spent twice', async () => {
    const [first, second, dying] = instances as [Instance, Instance, Instance]
    const journey = balanced([first, second])
    const people = await Promise.all(Array.from({ length: 4 }, async () => visitor(journey)))
    const families = await Promise.all(
      people.map(async (who) => (await good(redeem(journey, await codeFor(journey, who)))).refresh_token),
    )
    const codes = (
      await Promise.all(people.map(async (who) => [await codeFor(journey, who), await codeFor(journey, who)]))
    ).flat()

    let killed = false
    let retried = 0
    const chains = families.map(async (token) => {
      let newest = token
      for (let afterwards = 0; afterwards < 5;) {
        // The dying one first, as long as it answers; then, with the same token, another.
        const answer = await refresh(at(dying), newest).catch(() => undefined)
        if (!answer) retried++
        newest = (await good(answer ?? refresh(journey, newest))).refresh_token
        if (killed) afterwards++
      }
      return newest
    })
    const spent = codes.map(async (code, i) => {
      await Bun.sleep(100 + i * 15)
      const tries = instances.map((each) => redeem(at(each), code).catch(() => undefined))
      return (await Promise.all(tries)).flatMap((answer) => (answer ? [answer.status] : []))
    })
    await Bun.sleep(160)
    dying.signal('SIGKILL')
    await dying.exited
    killed = true

    const newest = await Promise.all(chains)
    expect(retried).toBeGreaterThan(0)
    for (const token of newest) await good(refresh(journey, token))
    for (const answers of await Promise.all(spent)) {
      expect(answers.length).toBeGreaterThanOrEqual(2) // the survivors answered
      expect(answers.filter((status) => status === 200).length).toBeLessThanOrEqual(1)
      expect(answers.filter((status) => status !== 200 && status !== 400)).toEqual([])
    }
    for (const code of codes) expect((await redeem(journey, code)).status).toBe(400)
  }, 60_000)
})
