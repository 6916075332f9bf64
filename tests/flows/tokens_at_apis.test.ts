/** Access tokens in both formats, and who may ask about or revoke them. RFC 9068, 7662, 7009, 6749 §4.4 */
import { describe, expect, test } from 'bun:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { claimsOf, headerOf } from '../support/client.ts'
import {
  browserClient,
  demo,
  introspect,
  operatorClient,
  post,
  redeem,
  authorize,
  refresh,
  stage,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import type { Provider } from '../support/provider.ts'

const forItself = async (op: Provider, client = demo, more: Record<string, string> = {}) =>
  post(op, '/token', client, { grant_type: 'client_credentials', ...more })

const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }

describe('a JWT access token (RFC 9068)', () => {
  test('for a person: header and claims of section 2', async () => {
    const { op, alice } = await stage()
    const { access_token } = await tokensOf(op, alice)
    expect(headerOf(access_token)).toEqual({ alg: 'RS256', typ: 'at+jwt', kid: expect.any(String) })
    const now = Math.floor(op.clock.now() / 1000)
    expect(claimsOf(access_token)).toEqual({
      iss: op.issuer,
      sub: 'user-alice',
      aud: op.issuer,
      client_id: demo.client_id,
      scope: 'openid profile email',
      iat: now,
      exp: now + 3600,
      jti: expect.stringMatching(/^[A-Za-z0-9_-]{20}$/),
      grant_id: expect.stringMatching(/^[A-Za-z0-9_-]{20}$/),
      auth_time: expect.any(Number),
      acr: 'urn:latchkey:1fa',
      amr: ['pwd'],
    })
  })

  test('for a client itself: no person, no refresh token, no ID Token', async () => {
    const { op } = await stage()
    const { body, headers } = await forItself(op)
    expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'token_type'])
    expect(headers.get('cache-control')).toBe('no-store')
    expect(claimsOf(body.access_token)).toMatchObject({ sub: 'client123', client_id: 'client123' })
    expect(claimsOf(body.access_token)).not.toHaveProperty('auth_time')
    expect(claimsOf(body.access_token)).not.toHaveProperty('grant_id')
  })

  test.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('is verified by anybody with the JWKS: %s', async (alg) => {
    const { op } = await stage({
      env: { ACCESS_TOKEN_ALG: alg, ACCESS_TOKEN_AUDIENCE: 'https://api.example' },
    })
    const { body } = await forItself(op)
    const jwks = (await (await op.fetch('/jwks.json')).json()) as JSONWebKeySet
    const { payload } = await jwtVerify(String(body.access_token), createLocalJWKSet(jwks), {
      issuer: op.issuer,
      audience: 'https://api.example',
      typ: 'at+jwt',
      algorithms: [alg],
      currentDate: new Date(op.clock.now()),
    })
    expect(payload.sub).toBe('client123')
  })

  test('lives as long as configured', async () => {
    const { op, alice } = await stage({ env: { ACCESS_TOKEN_TTL: '60' } })
    const tokens = await tokensOf(op, alice)
    expect(tokens.expires_in).toBe(60)
    op.clock.advance(59_000)
    expect((await userinfo(op, tokens.access_token)).status).toBe(200)
    op.clock.advance(1_000)
    expect((await userinfo(op, tokens.access_token)).status).toBe(401)
    expect(await introspect(op, tokens.access_token)).toEqual({ active: false })
  })
})

describe('an opaque access token', () => {
  test('by configuration, and by client against it', async () => {
    const { op, alice } = await stage({ env: { ACCESS_TOKEN_FORMAT: 'opaque' } })
    const opaque = await tokensOf(op, alice)
    expect(opaque.access_token).toMatch(/^lka_[A-Za-z0-9_-]{64}$/)
    expect((await userinfo(op, opaque.access_token)).body.email).toBe('alice@example.com')
    const signed = await operatorClient(op, { client_id: 'signed', access_token_format: 'jwt' })
    expect(headerOf((await tokensOf(op, alice, signed)).access_token).typ).toBe('at+jwt')

    const { op: other, alice: who } = await stage()
    const plain = await operatorClient(other, { client_id: 'plain', access_token_format: 'opaque' })
    const tokens = await tokensOf(other, who, plain)
    expect(tokens.access_token).toStartWith('lka_')
    expect((await userinfo(other, tokens.access_token)).status).toBe(200)
    other.clock.advance(3_600_000)
    expect((await userinfo(other, tokens.access_token)).status).toBe(401)
  })

  test('is nowhere in the store or the log as it is', async () => {
    const { memoryStore } = await import('../../src/store/memory.ts')
    const { sizedStore } = await import('../support/odd_stores.ts')
    const { turnableClock } = await import('../support/provider.ts')
    const clock = turnableClock()
    const counting = sizedStore(memoryStore(clock))
    const { op, alice } = await stage({
      clock,
      store: counting.store,
      env: { ACCESS_TOKEN_FORMAT: 'opaque' },
    })
    const authorized = await authorize(op, alice)
    const { body } = await redeem(op, demo, authorized)
    await userinfo(op, String(body.access_token))
    await introspect(op, String(body.refresh_token))
    const values = await Promise.all(
      counting
        .keys()
        .filter((key) => !key.startsWith('index '))
        .map((key) => counting.store.get(key)),
    )
    const all = [...counting.keys(), ...values, ...op.lines].join('\n')
    expect(all).toContain('user-alice')
    const cookies = [...alice.cookies.values()]
    for (const secret of [
      authorized.code,
      body.access_token,
      body.refresh_token,
      'alicepassword',
      ...cookies,
    ])
      expect(all).not.toContain(String(secret))
    expect(all).not.toContain(String(demo.client_secret))
  })
})

describe('client_credentials', () => {
  test('scopes: all its own by default, fewer on demand, never those about people', async () => {
    const { op } = await stage({ env: { SCOPES: 'read write' } })
    const robot = await operatorClient(op, {
      ...machine,
      client_id: 'robot',
      scope: 'openid email read write',
    })
    expect((await forItself(op, robot)).body.scope).toBe('read write')
    expect((await forItself(op, robot, { scope: 'read' })).body.scope).toBe('read')
    for (const scope of ['openid', 'email', 'read admin', 'offline_access']) {
      const { status, body } = await forItself(op, robot, { scope })
      expect([status, body.error]).toEqual([400, 'invalid_scope'])
    }
  })

  test('only for clients that registered it', async () => {
    const { op } = await stage()
    const web = await operatorClient(op, { client_id: 'web' })
    expect((await forItself(op, web)).body.error).toBe('unauthorized_client')
  })

  test('its token opens no userinfo, and can be asked about and revoked', async () => {
    for (const ACCESS_TOKEN_FORMAT of ['jwt', 'opaque']) {
      const { op } = await stage({ env: { ACCESS_TOKEN_FORMAT } })
      const token = String((await forItself(op)).body.access_token)
      expect((await userinfo(op, token)).status).toBe(403)
      expect(await introspect(op, token)).toMatchObject({
        active: true,
        sub: 'client123',
        client_id: 'client123',
      })
      expect(await introspect(op, token)).not.toHaveProperty('username')
      await post(op, '/revoke', demo, { token })
      expect(await introspect(op, token)).toEqual({ active: false })
    }
  })
})

describe('introspection', () => {
  test('of an access token of its own', async () => {
    for (const ACCESS_TOKEN_FORMAT of ['jwt', 'opaque']) {
      const { op, alice } = await stage({ env: { ACCESS_TOKEN_FORMAT } })
      const { access_token } = await tokensOf(op, alice)
      expect(await introspect(op, access_token)).toMatchObject({
        active: true,
        iss: op.issuer,
        aud: op.issuer,
        sub: 'user-alice',
        username: 'alice',
        client_id: demo.client_id,
        scope: 'openid profile email',
        token_type: 'Bearer',
        exp: expect.any(Number),
        iat: expect.any(Number),
      })
    }
  })

  test('of a refresh token of its own: the current one, not one that rotated', async () => {
    const { op, alice } = await stage()
    const { refresh_token } = await tokensOf(op, alice)
    const about = await introspect(op, refresh_token)
    expect(about).toMatchObject({ active: true, sub: 'user-alice', client_id: demo.client_id })
    expect(about).not.toHaveProperty('token_type')
    const { body } = await refresh(op, demo, refresh_token)
    expect(await introspect(op, refresh_token)).toEqual({ active: false })
    expect((await introspect(op, String(body.refresh_token))).active).toBe(true)
  })

  test('of a token of another client: nothing but inactive, unless it is an API', async () => {
    const { op, alice } = await stage()
    const other = await operatorClient(op, { client_id: 'other' })
    const api = await operatorClient(op, { ...machine, client_id: 'api', resource_server: true })
    const { access_token, refresh_token } = await tokensOf(op, alice)
    for (const token of [access_token, refresh_token])
      expect(await introspect(op, token, other)).toEqual({ active: false })
    expect(await introspect(op, access_token, api)).toMatchObject({ active: true, username: 'alice' })
  })

  test('by the API that a token is for', async () => {
    const { op, alice } = await stage({ env: { ACCESS_TOKEN_AUDIENCE: 'the-api' } })
    const api = await operatorClient(op, { ...machine, client_id: 'the-api' })
    const { access_token, refresh_token } = await tokensOf(op, alice)
    expect((await introspect(op, access_token, api)).active).toBe(true)
    expect(await introspect(op, refresh_token, api)).toEqual({ active: false })
  })

  test('is not for clients without credentials, nor without a token', async () => {
    const { op, alice } = await stage()
    const { access_token } = await tokensOf(op, alice, browserClient)
    const { status, body } = await post(op, '/introspect', browserClient, { token: access_token })
    expect([status, body.error]).toEqual([401, 'invalid_client'])
    const bare = await post(op, '/introspect', demo, {})
    expect([bare.status, bare.body.error]).toEqual([400, 'invalid_request'])
  })

  test('of anything else: inactive', async () => {
    const { op, alice } = await stage()
    const { id_token, access_token } = await tokensOf(op, alice)
    const [head, payload, signature] = access_token.split('.') as [string, string, string]
    const raised = { ...claimsOf(access_token), scope: 'openid admin' }
    const forged = Buffer.from(JSON.stringify(raised)).toString('base64url')
    for (const token of [
      id_token,
      `${head}.${forged}.${signature}`,
      `${head}.${payload}.`,
      `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`,
      'x',
      'lka_',
      'lkr_',
      '..',
      'é'.repeat(500),
    ])
      expect(await introspect(op, token)).toEqual({ active: false })
  })

  test('of a token whose client is gone: inactive', async () => {
    const { op, alice } = await stage()
    const api = await operatorClient(op, { ...machine, client_id: 'api', resource_server: true })
    const brief = await operatorClient(op, { client_id: 'brief' })
    const { access_token } = await tokensOf(op, alice, brief)
    const { Client } = await import('../../src/models/client.ts')
    await Client.remove(op.context, 'brief')
    op.clock.advance(2_000) // clients are believed for a second
    expect((await userinfo(op, access_token)).status).toBe(401)
    expect(await introspect(op, access_token, api)).toEqual({ active: false })
  })
})

describe('revocation', () => {
  const revoke = (op: Provider, token: string, client = demo) => post(op, '/revoke', client, { token })

  test('of an access token: that one alone', async () => {
    for (const ACCESS_TOKEN_FORMAT of ['jwt', 'opaque']) {
      const { op, alice } = await stage({ env: { ACCESS_TOKEN_FORMAT } })
      const tokens = await tokensOf(op, alice)
      const answer = await revoke(op, tokens.access_token)
      expect([answer.status, answer.text]).toEqual([200, ''])
      expect((await userinfo(op, tokens.access_token)).status).toBe(401)
      const { body, status } = await refresh(op, demo, tokens.refresh_token)
      expect(status).toBe(200)
      expect((await userinfo(op, String(body.access_token))).status).toBe(200)
    }
  })

  test('of a refresh token, current or rotated: the whole grant', async () => {
    for (const rotated of [false, true]) {
      const { op, alice } = await stage()
      const tokens = await tokensOf(op, alice)
      const { body } = await refresh(op, demo, tokens.refresh_token)
      await revoke(op, rotated ? tokens.refresh_token : String(body.refresh_token))
      expect((await userinfo(op, tokens.access_token)).status).toBe(401)
      expect((await userinfo(op, String(body.access_token))).status).toBe(401)
      expect((await refresh(op, demo, String(body.refresh_token))).body.error).toBe('invalid_grant')
    }
  })

  test('by a public client of its own', async () => {
    const { op, alice } = await stage()
    const tokens = await tokensOf(op, alice, browserClient)
    expect((await revoke(op, tokens.refresh_token, browserClient)).status).toBe(200)
    expect((await userinfo(op, tokens.access_token)).status).toBe(401)
  })

  test('of what belongs to another: refused, and nothing happens', async () => {
    const { op, alice } = await stage()
    const tokens = await tokensOf(op, alice)
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      const { status, body } = await revoke(op, token, browserClient)
      expect([status, body.error]).toEqual([400, 'invalid_grant'])
    }
    expect((await userinfo(op, tokens.access_token)).status).toBe(200)
    expect((await refresh(op, demo, tokens.refresh_token)).status).toBe(200)
  })

  test('of the unknown, the malformed, the expired, or twice: 200', async () => {
    const { op, alice } = await stage()
    const tokens = await tokensOf(op, alice)
    for (const token of [
      'x',
      'lka_x',
      'lkr_x',
      'a.b.c',
      tokens.id_token,
      tokens.access_token,
      tokens.access_token,
    ])
      expect((await revoke(op, token)).status).toBe(200)
    op.clock.advance(40 * 86_400_000)
    expect((await revoke(op, tokens.refresh_token)).status).toBe(200)
  })

  test('a wrong token_type_hint does not save a token', async () => {
    const { op, alice } = await stage()
    const { access_token } = await tokensOf(op, alice)
    const { status } = await post(op, '/revoke', demo, {
      token: access_token,
      token_type_hint: 'refresh_token',
    })
    expect(status).toBe(200)
    expect((await userinfo(op, access_token)).status).toBe(401)
  })

  test('needs a token', async () => {
    const { op } = await stage()
    expect((await post(op, '/revoke', demo, {})).body.error).toBe('invalid_request')
  })
})
