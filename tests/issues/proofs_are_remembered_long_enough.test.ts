/** A DPoP proof was good twice where the clocks of two instances were 2 seconds apart: it was forgotten by one while the other still took it. Issue 8, A.15 */
import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { jwtBearerAssertion } from '../../src/auth/client_auth.ts'
import { rememberedMs, skewSeconds } from '../../src/lib/clock.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { addClient, bank, begin } from '../support/backchannel.ts'
import { demo, formPost, type Json, type TestClient } from '../support/client.ts'
import { introspect, operatorClient } from '../support/flow.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const jwk = await exportJWK(publicKey)
const jwks = { keys: [{ ...jwk, kty: 'EC' as const, kid: 'k', alg: 'ES256' }] }
const machine: TestClient = { client_id: 'machine', redirect_uri: '' }

/** Two instances on one store; the clock of the second is `behind` seconds behind. Time goes by for both. */
async function pair(behind: number) {
  const clock = turnableClock()
  const other = turnableClock(clock.now() - behind * 1000)
  const store = memoryStore(clock)
  const [a, b] = [await provider({ store, clock }), await provider({ store, clock: other })]
  await operatorClient(a, {
    client_id: machine.client_id,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
  })
  await addClient(a, { jwks, backchannel_authentication_request_signing_alg: 'ES256' })
  const wait = (s: number) => [clock, other].forEach((each) => each.advance(s * 1000))
  return { a, b, wait }
}

const now = (op: Provider) => Math.floor(op.clock.now() / 1000)

const sign = (claims: Json, header: Json = {}) =>
  new SignJWT({ jti: systemRandom(9), ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k', ...header })
    .sign(privateKey)

/** A way to use something once, made by the clock of `a`; how many seconds after that it is still valid by that clock. */
interface OneUse {
  valid: number
  use(op: Provider): Promise<number>
}

const ways: Record<string, (a: Provider) => Promise<OneUse>> = {
  async 'a DPoP proof'(a) {
    const dpop = await sign(
      { htm: 'POST', htu: `${a.issuer}/token`, iat: now(a) + 59 },
      { typ: 'dpop+jwt', jwk },
    )
    const request = formPost(demo, { grant_type: 'client_credentials' }, { dpop })
    return { valid: 119, use: async (op) => (await op.fetch('/token', request)).status }
  },
  async 'a client assertion'(a) {
    const { client_id } = machine
    const client_assertion = await sign({ iss: client_id, sub: client_id, aud: a.issuer, exp: now(a) + 60 })
    const fields = {
      grant_type: 'client_credentials',
      client_assertion_type: jwtBearerAssertion,
      client_assertion,
    }
    return { valid: 69, use: async (op) => (await op.fetch('/token', formPost(machine, fields))).status }
  },
  async 'a signed backchannel request'(a) {
    const times = { iat: now(a), nbf: now(a) - 10, exp: now(a) + 60 }
    const request = await sign({
      iss: bank.client_id,
      aud: a.issuer,
      scope: 'openid',
      login_hint: 'alice',
      ...times,
    })
    const fields = { request, scope: undefined, login_hint: undefined }
    return { valid: 69, use: async (op) => (await begin(op, fields)).status }
  },
}

for (const [name, make] of Object.entries(ways))
  for (const behind of [0, 2, 30, 50])
    test(`${name} is good once, with a clock ${behind} seconds behind`, async () => {
      // That it would still be valid at the other instance, had it not been used: the comparison is not empty.
      const first = await pair(behind)
      const fresh = await make(first.a)
      first.wait(fresh.valid + behind - 1)
      expect(await fresh.use(first.b)).toBe(200)

      const { a, b, wait } = await pair(behind)
      const once = await make(a)
      // By the clock of `b` a proof may be too far ahead at first: `a` sees it earliest.
      expect(await once.use(a)).toBe(200)
      wait(once.valid + behind - 1)
      expect(await once.use(b)).toBeGreaterThanOrEqual(400)
    })

test.each([0, 2, 30, 50])('a revoked token stays revoked for a clock %d seconds behind', async (behind) => {
  const { a, b, wait } = await pair(behind)
  const token = async () => {
    const answer = await a.fetch('/token', formPost(demo, { grant_type: 'client_credentials' }))
    return (await answer.json()) as { access_token: string; expires_in: number }
  }
  const [revoked, other] = [await token(), await token()]
  await a.fetch('/revoke', formPost(demo, { token: revoked.access_token }))
  wait(revoked.expires_in + behind - 1)
  expect((await introspect(b, other.access_token)).active).toBe(true)
  expect((await introspect(b, revoked.access_token)).active).toBe(false)
})

test('the time to remember covers what is left, and never less than the skew', () => {
  const clock = turnableClock(1_000_000)
  expect(rememberedMs(clock, 1_010)).toBe((10 + skewSeconds) * 1000)
  expect(rememberedMs(clock, 10)).toBe(skewSeconds * 1000)
})
