/**
 * Issue 8, B.30 and issue 9, 40: null members of an upstream ID Token are absent ones; an `aud` with our project beside us
 * (Zitadel), further algorithms, large key sets and `email_verified: "true"` are taken.
 */
import { describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { User } from '../../src/models/user.ts'
import { attempt, clientId, corp } from '../support/corp.ts'
import { signer } from '../support/upstream.ts'

const absent = (...names: string[]) => Object.fromEntries(names.map((name) => [name, null])) as JWTPayload

describe('a member that is null', () => {
  test.each([
    'azp',
    'nbf',
    'at_hash',
    'auth_time',
    'acr',
    'amr',
    'name',
    'email',
    'picture',
    'locale',
    'jti',
    'zzz',
  ])('%s is absent', async (name) => {
    const at = corp()
    at.claims = absent(name)
    at.userinfo = { sub: 'eve-of-corp', preferred_username: 'eve' }
    const { who, op } = await attempt(at)
    expect(who).toBe('eve')
    const user = (await User.findByUsername(op.context, 'eve'))!
    expect(Object.values(user.claims)).not.toContain(null)
  })

  test('leaves what userinfo says', async () => {
    const at = corp()
    at.claims = absent('email', 'email_verified', 'name')
    at.userinfo = { sub: 'eve-of-corp', email: 'eve@user.example', email_verified: true, name: null }
    const { op } = await attempt(at)
    expect((await User.findByEmail(op.context, 'eve@user.example'))?.username).toBe('eve')
  })

  test.each(['sub', 'iss', 'aud', 'exp', 'iat', 'nonce'])('%s is missing, and must not be', async (name) => {
    const at = corp()
    at.claims = absent(name)
    expect((await attempt(at)).who).toBeUndefined()
  })

  test('of the metadata and of the token response is absent too', async () => {
    const at = corp()
    at.metadata = { revocation_endpoint: null, token_endpoint_auth_methods_supported: null }
    const token = at.routes['/token']!
    at.routes['/token'] = async (asked) => ({
      ...((await token(asked)) as object),
      error: null,
      refresh_token: null,
    })
    expect((await attempt(at)).who).toBe('eve')
  })
})

test('an audience beside us is taken when azp says that the token was issued to us', async () => {
  for (const aud of [
    [clientId, '281234@project'],
    ['281234@project', clientId],
    [clientId],
    [clientId, clientId],
  ]) {
    const at = corp()
    at.claims = { aud, ...(new Set(aud).size > 1 && { azp: clientId }) }
    expect((await attempt(at)).who).toBe('eve')
  }
})

const algs = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

test.each(algs)('%s, with the hash of the access token that belongs to it', async (alg) => {
  const own = await signer(alg)
  const at = corp()
  at.routes['/keys'] = () => ({ keys: [own.jwk] })
  const digest = createHash(`sha${alg === 'EdDSA' ? '512' : alg.slice(-3)}`)
    .update('an-access-token')
    .digest()
  at.claims = { at_hash: digest.subarray(0, digest.length / 2).toString('base64url') }
  at.idToken = own.sign
  expect((await attempt(at)).who).toBe('eve')
  at.claims = { at_hash: digest.subarray(0, 8).toString('base64url') }
  expect((await attempt(at)).who).toBeUndefined()
})

test('HMAC with the client secret, and none, are not taken', async () => {
  const { SignJWT, UnsecuredJWT } = await import('jose')
  for (const idToken of [
    (claims: JWTPayload) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode('our-secret'.padEnd(32))),
    (claims: JWTPayload) => new UnsecuredJWT(claims).encode(),
  ]) {
    const at = corp()
    at.idToken = idToken
    expect((await attempt(at)).who).toBeUndefined()
  }
})

test('a set of sixty keys with certificates has the one that signed', async () => {
  const own = await signer('RS256', 'the-one')
  const others = Array.from({ length: 59 }, (_, n) => ({
    ...own.jwk,
    kid: `key-${n}`,
    x5c: ['A'.repeat(1_600)],
  }))
  const at = corp()
  at.routes['/keys'] = () => ({ keys: [...others, own.jwk] })
  at.idToken = own.sign
  expect((await attempt(at)).who).toBe('eve')
})

describe('email_verified as text', () => {
  test.each([
    [undefined, 'true', false],
    [undefined, true, true],
    ['boolean', 'true', false],
    ['text', 'true', true],
    ['text', 'True', true],
    ['text', 'TRUE', true],
    ['text', 1, true],
    ['text', ['true'], false],
    ['text', 'true ', false],
    ['text', 2, false],
    ['text', true, true],
    ['text', 'false', false],
    ['text', 'yes', false],
    ['text', null, false],
  ])('by the rule %j, %j is %j', async (rule, email_verified, verified) => {
    const at = corp()
    at.claims = { email_verified }
    const { op } = await attempt(at, {}, rule === undefined ? {} : { email_verified: rule })
    expect((await User.findByUsername(op.context, 'eve'))?.claims.email_verified).toBe(verified)
  })
})
