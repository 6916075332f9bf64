/** Issue 9, line 38: a running server has the record of a client for a second, and accepts a new secret, key or method of it at once. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'bun:test'
import { jwtBearerAssertion } from '../../src/auth/client_auth.ts'
import { withNewSecret } from '../../src/clients/client_secret.ts'
import { Client } from '../../src/models/client.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { operatorClient } from '../support/flow.ts'
import { failingStore } from '../support/odd_stores.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const id = 'service'
const secretNamed = (name: string) => `${name}-${'x'.repeat(40)}`
const [former, next] = ['former', 'next'].map(secretNamed) as [string, string]

async function ask(op: Provider, fields: Record<string, string>, authorization?: string): Promise<number> {
  const answer = await op.fetch('/token', {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', ...fields }).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(authorization && { authorization }),
    },
  })
  return answer.status
}

const basic = (op: Provider, secret: string) => ask(op, {}, `Basic ${btoa(`${id}:${secret}`)}`)

function assertion(op: Provider, alg: string, key: CryptoKey | Uint8Array): Promise<number> {
  const now = Math.floor(op.clock.now() / 1000)
  return new SignJWT({ iss: id, sub: id, aud: op.issuer, jti: crypto.randomUUID(), iat: now, exp: now + 60 })
    .setProtectedHeader({ alg })
    .sign(key)
    .then((jwt) => ask(op, { client_assertion_type: jwtBearerAssertion, client_assertion: jwt }))
}

const service = async (op: Provider, metadata: Record<string, unknown>) => {
  await operatorClient(op, {
    client_id: id,
    grant_types: ['client_credentials'],
    response_types: [],
    ...metadata,
  })
  await Client.update(op.context, id, (client) =>
    client.secret_mac === undefined ? undefined : withNewSecret(client, former, 0, op.context),
  )
}

/** By another process: this one is not told. */
const change = (op: Provider, by: (client: Client) => Client) => Client.update(op.context, id, by)

describe('accepted at once', () => {
  const ways: Record<string, (op: Provider, secret: string) => Promise<number>> = {
    client_secret_basic: basic,
    client_secret_post: (op, secret) => ask(op, { client_id: id, client_secret: secret }),
    client_secret_jwt: (op, secret) => assertion(op, 'HS256', new TextEncoder().encode(secret)),
  }

  test.each(Object.entries(ways))('a new secret, by %s', async (method, send) => {
    const op = await provider()
    await service(op, { token_endpoint_auth_method: method })
    expect(await send(op, former)).toBe(200)
    await change(op, (client) => withNewSecret(client, next, 0, op.context))
    expect(await send(op, next)).toBe(200)
    // What the request read is what the next one finds: the old secret has ended as well.
    expect(await send(op, former)).toBe(401)
  })

  test('a secret that was refused before it was set', async () => {
    const op = await provider({ env: { RATE_LIMITING_ENABLED: 'true' } })
    await service(op, {})
    expect([await basic(op, next), await basic(op, next)]).toEqual([401, 401])
    await change(op, (client) => withNewSecret(client, next, 0, op.context))
    expect(await basic(op, next)).toBe(200)
  })

  test('a new key', async () => {
    const op = await provider()
    const pair = async () => {
      const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
      return { privateKey, jwks: { keys: [{ ...(await exportJWK(publicKey)), kty: 'EC', alg: 'ES256' }] } }
    }
    const [one, other] = [await pair(), await pair()]
    await service(op, { token_endpoint_auth_method: 'private_key_jwt', jwks: one.jwks })
    expect(await assertion(op, 'ES256', one.privateKey)).toBe(200)
    await change(op, (client) => ({ ...client, jwks: other.jwks }))
    expect(await assertion(op, 'ES256', other.privateKey)).toBe(200)
  })

  test('another method', async () => {
    const op = await provider()
    await service(op, { token_endpoint_auth_method: 'client_secret_post' })
    expect(await ask(op, { client_id: id, client_secret: former })).toBe(200)
    await change(op, (client) => ({ ...client, token_endpoint_auth_method: 'client_secret_basic' }))
    expect(await basic(op, former)).toBe(200)
  })
})

describe('what a guess costs', () => {
  async function watched() {
    const clock = turnableClock()
    const { store, used } = failingStore(memoryStore(clock))
    const op = await provider({ clock, store })
    await service(op, {})
    expect(await basic(op, former)).toBe(200)
    used()
    return { op, reads: () => used().filter((verb) => verb === 'get').length }
  }

  test('one read of the store, and a right secret none', async () => {
    const { op, reads } = await watched()
    expect([await basic(op, former), reads()]).toEqual([200, 0])
    expect([await basic(op, secretNamed('guess')), reads()]).toEqual([401, 1])
    expect([await basic(op, former), reads()]).toEqual([200, 0])
  })

  test('guesses that come at once share reads', async () => {
    const { op, reads } = await watched()
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => basic(op, secretNamed(`guess ${i}`))),
    )
    expect(new Set(answers)).toEqual(new Set([401]))
    expect(reads()).toBeLessThan(20)
  })

  test('beyond the limit a guess is refused, and the right secret with it', async () => {
    const op = await provider({ env: { RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '5' } })
    await service(op, {})
    for (let i = 0; i < 5; i++) expect(await basic(op, secretNamed(`guess ${i}`))).toBe(401)
    await change(op, (client) => withNewSecret(client, next, 0, op.context))
    expect([await basic(op, secretNamed('guess 6')), await basic(op, next)]).toEqual([429, 429])
  })
})

test('a client that was removed or disabled in between stays refused', async () => {
  const op = await provider()
  await service(op, {})
  expect(await basic(op, former)).toBe(200)
  await change(op, (client) => ({ ...withNewSecret(client, next, 0, op.context), disabled: true }))
  expect(await basic(op, next)).toBe(401)
  await Client.remove(op.context, id)
  expect(await basic(op, next)).toBe(401)
})
