/** What a client learns of a person, and where: scopes, the claims parameter, ID Tokens and userinfo. https://openid.net/specs/openid-connect-core-1_0.html#Claims */
import { describe, expect, test } from 'bun:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { standardClaims } from '../../src/auth/claims.ts'
import { signingAlgs } from '../../src/auth/registration.ts'
import { leftHalfHash } from '../../src/auth/token.ts'
import { demoUsers } from '../../src/models/demo.ts'
import { claimsOf, headerOf, type Json } from '../support/client.ts'
import {
  bob,
  browser,
  demo,
  operatorClient,
  outcome,
  refresh,
  stage,
  tokensOf,
  userinfo,
} from '../support/flow.ts'

const { op, alice } = await stage()
const known = demoUsers[0].claims
const ofProfile = [
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'preferred_username',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
] as const
const own = (names: readonly (keyof typeof known)[]) =>
  Object.fromEntries(names.map((name) => [name, known[name]]))

const ask = async (more: Record<string, string>) => {
  const tokens = await tokensOf(op, alice, demo, more)
  return { tokens, id: claimsOf(tokens.id_token), info: (await userinfo(op, tokens.access_token)).body }
}

describe('scopes', () => {
  test.each<[string, Json]>([
    ['openid', {}],
    ['openid email', own(['email', 'email_verified'])],
    ['openid phone', own(['phone_number', 'phone_number_verified'])],
    ['openid address', own(['address'])],
    ['openid profile', { ...own(ofProfile), updated_at: expect.any(Number) }],
  ])('%s: exactly its claims, at userinfo and not in the ID Token', async (scope, claims) => {
    const { id, info, tokens } = await ask({ scope })
    expect(info).toEqual({ sub: 'user-alice', ...claims })
    expect(tokens.scope).toBe(scope)
    for (const name of standardClaims.filter((each) => each !== 'sub')) expect(id).not.toHaveProperty(name)
  })

  test('all together: all twenty', async () => {
    const { info } = await ask({ scope: 'openid profile email address phone' })
    expect(Object.keys(info).sort()).toEqual([...standardClaims].sort())
  })

  test('what a person does not have is left out, not empty', async () => {
    const tokens = await tokensOf(op, browser(op), demo, { scope: 'openid profile phone' }, bob)
    const { body } = await userinfo(op, tokens.access_token)
    expect(body).toMatchObject({ sub: 'user-bob', name: 'Bob Brown' })
    for (const name of ['middle_name', 'phone_number', 'picture']) expect(body).not.toHaveProperty(name)
    expect(Object.values(body)).not.toContain(null)
  })
})

describe('the claims parameter', () => {
  test('puts single claims where they were asked for', async () => {
    const claims = { userinfo: { nickname: null }, id_token: { email: { essential: true }, birthdate: null } }
    const { id, info } = await ask({ scope: 'openid', claims: JSON.stringify(claims) })
    expect(info).toEqual({ sub: 'user-alice', nickname: 'ally' })
    expect(id).toMatchObject({ email: 'alice@example.com', birthdate: '1990-04-01' })
    expect(id).not.toHaveProperty('nickname')
    expect(id).not.toHaveProperty('email_verified')
  })

  test('an essential claim that is not there is left out, not an error', async () => {
    const claims = { userinfo: { 'https://a.example/x': { essential: true }, constructor: null } }
    const { info } = await ask({ scope: 'openid', claims: JSON.stringify(claims) })
    expect(info).toEqual({ sub: 'user-alice' })
  })

  test('cannot rewrite what the token says of itself', async () => {
    const claims = {
      id_token: { iss: { value: 'x' }, aud: { value: 'y' }, exp: null, nonce: { value: 'z' } },
    }
    const { id, tokens } = await ask({ scope: 'openid', claims: JSON.stringify(claims) })
    expect(id).toMatchObject({ iss: op.issuer, aud: demo.client_id, nonce: tokens.nonce })
  })

  test('sub with a value asks for that person', async () => {
    const sub = (value: string) => JSON.stringify({ id_token: { sub: { value } } })
    const who = browser(op)
    await tokensOf(op, who, demo, { claims: sub('user-alice') })
    expect(await outcome(op, who, { claims: sub('user-alice'), prompt: 'none' })).toBe('code')
    expect(await outcome(op, who, { claims: sub('user-bob'), prompt: 'none' })).toBe('error:login_required')
    expect(await outcome(op, who, { claims: sub('user-bob') })).toBe('login')
  })

  test('lasts as long as the grant: a refreshed token says the same', async () => {
    const claims = JSON.stringify({ userinfo: { gender: null }, id_token: { locale: null } })
    const { tokens } = await ask({ scope: 'openid', claims })
    const { body } = await refresh(op, demo, tokens.refresh_token)
    expect(claimsOf(body.id_token).locale).toBe('en-GB')
    expect((await userinfo(op, String(body.access_token))).body.gender).toBe('female')
  })
})

describe('an ID Token', () => {
  test('says who, for whom, when and how', async () => {
    const { id, tokens } = await ask({ scope: 'openid' })
    const now = Math.floor(op.clock.now() / 1000)
    expect(id).toEqual({
      iss: op.issuer,
      sub: 'user-alice',
      aud: demo.client_id,
      iat: now,
      exp: now + 3600,
      auth_time: expect.any(Number),
      acr: 'urn:latchkey:1fa',
      amr: ['pwd'],
      sid: expect.stringMatching(/^[A-Za-z0-9_-]{20}$/),
      nonce: tokens.nonce,
      at_hash: leftHalfHash(tokens.access_token, 'RS256'),
    })
    expect(Number(id.auth_time)).toBeLessThanOrEqual(now)
  })

  test('has no nonce when none came', async () => {
    const tokens = await tokensOf(op, alice, demo, { nonce: undefined })
    expect(claimsOf(tokens.id_token)).not.toHaveProperty('nonce')
  })

  test('of one session has one sid, of another another', async () => {
    const [a, b] = [await tokensOf(op, alice), await tokensOf(op, alice)]
    const c = await tokensOf(op, browser(op))
    expect(claimsOf(a.id_token).sid).toBe(claimsOf(b.id_token).sid)
    expect(claimsOf(c.id_token).sid).not.toBe(claimsOf(a.id_token).sid)
  })

  test.each([...signingAlgs])('is signed with %s for a client that registered it', async (alg) => {
    const client = await operatorClient(op, { client_id: `signs-${alg}`, id_token_signed_response_alg: alg })
    const tokens = await tokensOf(op, alice, client)
    const jwks = (await (await op.fetch('/jwks.json')).json()) as JSONWebKeySet
    const { payload, protectedHeader } = await jwtVerify(tokens.id_token, createLocalJWKSet(jwks), {
      issuer: op.issuer,
      audience: client.client_id,
      algorithms: [alg],
      currentDate: new Date(op.clock.now()),
    })
    expect(protectedHeader).toEqual({ alg, typ: 'JWT', kid: expect.any(String) })
    expect(payload.at_hash).toBe(leftHalfHash(tokens.access_token, alg))
    expect(headerOf(tokens.access_token).alg).toBe('RS256') // ACCESS_TOKEN_ALG, whatever the client has
  })

  test('after a refresh: the same sign-in, no nonce, a new hash', async () => {
    const { tokens, id } = await ask({ scope: 'openid' })
    const { body } = await refresh(op, demo, tokens.refresh_token)
    const later = claimsOf(body.id_token)
    expect(later).toMatchObject({ sub: id.sub, aud: id.aud, auth_time: id.auth_time, sid: id.sid })
    expect(later).not.toHaveProperty('nonce')
    expect(later.at_hash).toBe(leftHalfHash(String(body.access_token), 'RS256'))
  })
})
