/**
 * Issue 9, 55: what is known only by a list of what was used or revoked (assertions, proofs, pushed requests, access tokens
 * without a grant) became valid again when the store lost its records or was replaced by an older copy.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { jwtBearerAssertion } from '../../src/auth/client_auth.ts'
import { createLog } from '../../src/lib/log.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { type Birth, createBirth, openBirth } from '../../src/models/birth.ts'
import { redisStore } from '../../src/store/redis.ts'
import type { Store } from '../../src/store/store.ts'
import { addClient, bank, begin } from '../support/backchannel.ts'
import { authorizationUrl, demo, formPost, type Json, type TestClient } from '../support/client.ts'
import { bearer, introspect, operatorClient, read } from '../support/flow.ts'
import { say } from '../../src/lib/say.ts'
import { User } from '../../src/models/user.ts'
import { findLink, forgetLink, mailLink } from '../../src/people/reset_link.ts'
import { mailsOf } from '../support/mailbox.ts'
import { person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { redisCli, type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
}, 60_000)
afterAll(() => redis.stop())
beforeEach(() => void redisCli(redis.port, 'FLUSHALL'))

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const jwk = await exportJWK(publicKey)
const jwks = { keys: [{ ...jwk, kty: 'EC' as const, kid: 'k', alg: 'ES256' }] }
const machine: TestClient = { client_id: 'machine', redirect_uri: '' }
const log = createLog('silent', 'json', () => {})
const now = (op: Pick<Provider, 'clock'>) => Math.floor(op.clock.now() / 1000)

const sign = (claims: Json, header: Json = {}) =>
  new SignJWT({ jti: systemRandom(9), ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k', ...header })
    .sign(privateKey)

interface Scene {
  op: Provider
  store: Store
  birth: Birth
  clock: ReturnType<typeof turnableClock>
}

/** An instance on this store, with the clients that the tests use. */
async function instance({ store, clock, birth }: Omit<Scene, 'op'>): Promise<Provider> {
  const op = await provider({ store, clock, birth })
  await operatorClient(op, {
    client_id: machine.client_id,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
  }).catch(() => undefined) // the copy has it
  await addClient(op, { jwks, backchannel_authentication_request_signing_alg: 'ES256' })
  return op
}

async function stage(): Promise<Scene> {
  const clock = turnableClock()
  const store = redisStore(redis.url)
  const birth = await openBirth({ store, clock, log }, now({ clock }) - 1)
  return { store, clock, birth, op: await instance({ store, clock, birth }) }
}

/** Uses something that is valid once, again and again. Resolves to whether it is accepted. */
type Use = (op: Provider) => Promise<boolean>

const ways: Record<string, (op: Provider) => Promise<Use>> = {
  async 'a client assertion'(op) {
    const { client_id } = machine
    const client_assertion = await sign({
      iss: client_id,
      sub: client_id,
      aud: op.issuer,
      iat: now(op),
      exp: now(op) + 900,
    })
    const fields = {
      grant_type: 'client_credentials',
      client_assertion_type: jwtBearerAssertion,
      client_assertion,
    }
    return async (at) => (await at.fetch('/token', formPost(machine, fields))).status === 200
  },
  async 'a signed backchannel request'(op) {
    const times = { iat: now(op), nbf: now(op) - 10, exp: now(op) + 900 }
    const about = { iss: bank.client_id, aud: op.issuer, scope: 'openid', login_hint: 'alice' }
    const request = await sign({ ...about, ...times })
    return async (at) =>
      (await begin(at, { request, scope: undefined, login_hint: undefined })).status === 200
  },
  async 'a pushed request'(op) {
    const { params } = authorizationUrl(op.issuer, demo, { scope: 'openid' })
    const pushed = await read(await op.fetch('/par', formPost(demo, params as Record<string, string>)))
    const query = new URLSearchParams({
      client_id: demo.client_id,
      request_uri: String(pushed.body.request_uri),
    })
    const browser = person(op.issuer, (url, init) => current.fetch(url, init))
    let current = op
    return async (at) => {
      current = at
      const { page, location } = await browser.open(`${op.issuer}/authorize?${query}`)
      const left = page
        ? await browser.goThrough(`${op.issuer}/authorize?${query}`).catch(() => undefined)
        : location
      return left?.searchParams.has('code') ?? false
    }
  },
  async 'a revoked access token without a grant'(op) {
    const answer = await read(await op.fetch('/token', formPost(demo, { grant_type: 'client_credentials' })))
    const token = String(answer.body.access_token)
    expect((await introspect(op, token)).active).toBe(true)
    let isRevoked = false
    return async (at) => {
      if (!isRevoked) await at.fetch('/revoke', formPost(demo, { token }))
      if (!isRevoked) return (isRevoked = true)
      await at.fetch('/userinfo', bearer(token))
      return (await introspect(at, token)).active === true
    }
  },
}

const links: typeof ways = {
  async 'the link of a password reset'(op) {
    const user = (await User.findByUsername(op.context, 'alice'))!
    await mailLink(op.context, user, { to: 'alice@example.com', why: say('mail.notice_subject') })
    const token = new URL(
      /https?:\S*reset_password\S*/.exec((await mailsOf(op)).at(-1)!.text)![0],
    ).searchParams.get('token')!
    let isSpent = false
    return async (at) => {
      const found = await findLink(at.context, token)
      if (!isSpent) await forgetLink(at.context, user.sub, token)
      isSpent = true
      return found !== undefined
    }
  },
}

const proofs: typeof ways = {
  async 'a DPoP proof'(op) {
    const dpop = await sign(
      { htm: 'POST', htu: `${op.issuer}/token`, iat: now(op) },
      { typ: 'dpop+jwt', jwk },
    )
    const request = formPost(demo, { grant_type: 'client_credentials' }, { dpop })
    return async (at) => (await at.fetch('/token', request)).status === 200
  },
}

const dump = () => join(redis.directory, 'dump.rdb')
function copyStore(): void {
  expect(redisCli(redis.port, 'SAVE').trim()).toBe('OK')
  copyFileSync(dump(), `${dump()}.old`)
}
async function restore({ store }: Scene): Promise<void> {
  await redis.kill()
  copyFileSync(`${dump()}.old`, dump())
  await redis.restart()
  await until(
    async () =>
      store.ping().then(
        () => true,
        () => false,
      ),
    'Redis',
  )
}

/** Before the use, and after it: the instance that goes on. */
interface Loss {
  before?(scene: Scene): Promise<void>
  lose(scene: Scene): Promise<Provider>
}

const losses: Record<string, Loss> = {
  'everything is deleted while the instance runs': {
    async lose(scene) {
      redisCli(redis.port, 'FLUSHALL')
      scene.clock.advance(1_000)
      return instance(scene)
    },
  },
  'everything is deleted while none runs': {
    async lose(scene) {
      redisCli(redis.port, 'FLUSHALL')
      scene.clock.advance(2_000)
      const birth = await openBirth({ ...scene, log }, now(scene))
      return instance({ ...scene, birth })
    },
  },
  'an older copy, while the instance runs': {
    async before({ clock, birth }) {
      copyStore()
      clock.advance(61_000)
      await birth.beat()
    },
    async lose(scene) {
      await restore(scene)
      return scene.op
    },
  },
  'an older copy, and what the documents advise': {
    before: async () => copyStore(),
    async lose(scene) {
      await restore(scene)
      await createBirth({ ...scene, log }).renew() // latchkey sessions end --everybody --yes
      return scene.op
    },
  },
}
for (const [how, { before, lose }] of Object.entries(losses))
  describe(how, () => {
    for (const [name, make] of Object.entries({ ...ways, ...links, ...proofs }))
      test(`${name} is not valid again`, async () => {
        const scene = await stage()
        const once = await make(scene.op)
        await before?.(scene)
        // A minute may have passed, and a proof is not valid that long.
        const again = before && proofs[name] ? await proofs[name](scene.op) : once
        expect(await again(scene.op)).toBe(true)
        const op = await lose(scene)
        expect(await again(op)).toBe(false)
        await op.context.birth.beat() // as every few seconds
        op.clock.advance(2_000)
        const fresh = await make(op)
        expect(await fresh(op)).toBe(true)
        await scene.store.close()
      }, 30_000)
  })

test('the first start refuses no assertion for not saying when it was made', async () => {
  const scene = await stage()
  const { client_id } = machine
  const use = async (op: Provider) => {
    const client_assertion = await sign({ iss: client_id, sub: client_id, aud: op.issuer, exp: now(op) + 60 })
    const fields = {
      grant_type: 'client_credentials',
      client_assertion_type: jwtBearerAssertion,
      client_assertion,
    }
    return (await op.fetch('/token', formPost(machine, fields))).status
  }
  expect(await use(scene.op)).toBe(200)
  scene.clock.advance(300_000)
  const birth = await openBirth({ ...scene, log }, 0)
  const op = await instance({ ...scene, birth })
  expect(await use(op)).toBe(200)
  await createBirth({ ...scene, log }).renew()
  op.clock.advance(2_000)
  expect(await use(op)).toBe(401)
  op.clock.advance(3_600_000)
  expect(await use(op)).toBe(200)
  await scene.store.close()
})

test('of instances that notice a loss at once, one makes the mark, and all go by it', async () => {
  const scene = await stage()
  const births = await Promise.all(Array.from({ length: 8 }, async () => openBirth({ ...scene, log }, 0)))
  redisCli(redis.port, 'FLUSHALL')
  scene.clock.advance(5_000)
  const found = await Promise.all(births.map((each) => each.since()))
  expect(new Set(found.map(({ dated }) => dated)).size).toBe(1)
  expect(found[0]!.dated).toBe(now(scene) + 1)
  await scene.store.close()
})
