/** Forged, confused and misplaced tokens; codes in the wrong hands. https://www.rfc-editor.org/rfc/rfc8725 https://www.rfc-editor.org/rfc/rfc9700#section-4 */
import { beforeAll, describe, expect, test } from 'bun:test'
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { exportJWK, type JWK, SignJWT } from 'jose'
import { Client } from '../../src/models/client.ts'
import { User } from '../../src/models/user.ts'
import {
  authorizationUrl,
  browserClient,
  claimsOf,
  demo,
  formPost,
  headerOf,
  type Json,
} from '../support/client.ts'
import { bob, person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { addClient, codeFor, errorOf, redeem, refresh, type Tokens, tokensFor, userinfo } from './attacker.ts'

const encode = (part: object | string) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
const introspect = async (op: Provider, token: string): Promise<boolean> =>
  ((await (await op.fetch('/introspect', formPost(demo, { token }))).json()) as Json).active === true

let op: Provider
let good: Tokens
let keys: JWK[]
beforeAll(async () => {
  op = await provider({ env: { LOG_LEVEL: 'error' } })
  good = await tokensFor(op)
  keys = ((await (await op.fetch('/jwks.json')).json()) as { keys: JWK[] }).keys
})

/** Every way to say "this is signed" without our key, for the header and payload of a good token. */
function forgeries(jwt: string): [how: string, token: string][] {
  const [head = '', payload = '', signature = ''] = jwt.split('.')
  const header = headerOf(jwt)
  const published = keys.find((key) => key.kid === header.kid)!
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = publicKey.export({ format: 'jwk' })
  const hmac = (input: string, key: string) => createHmac('sha256', key).update(input).digest('base64url')
  const signed = (changes: object, withPayload = payload) => {
    const input = `${encode({ ...header, ...changes })}.${withPayload}`
    return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
  }
  const symmetric = (key: string, kid: unknown = header.kid) => {
    const input = `${encode({ ...header, alg: 'HS256', kid })}.${payload}`
    return `${input}.${hmac(input, key)}`
  }
  const relabelled = (changes: object) => `${encode({ ...header, ...changes })}.${payload}.${signature}`
  const other = { ...claimsOf(jwt), sub: 'user-bob' }
  return [
    ...['none', 'None', 'NONE', ''].flatMap((alg): [string, string][] => [
      [`alg ${alg || 'empty'}`, `${encode({ ...header, alg })}.${payload}.`],
      [`alg ${alg || 'empty'} with the signature`, relabelled({ alg })],
    ]),
    ['no signature', `${head}.${payload}.`],
    ['two parts', `${head}.${payload}`],
    ['four parts', `${jwt}.x`],
    ['HS256 with the modulus', symmetric(String(published.n))],
    ['HS256 with the public JWK', symmetric(JSON.stringify(published))],
    ['HS256 with an empty key', symmetric('')],
    ['HS256 with kid of /dev/null', symmetric('', '../../../../../../dev/null')],
    ['HS256 with a kid of SQL', symmetric('x', "x' UNION SELECT 'x'-- ")],
    ['a key of my own', signed({})],
    ['a key of my own as jwk', signed({ jwk, kid: undefined })],
    ['a key of my own as jwk beside the kid', signed({ jwk })],
    ['a key of my own by jku', signed({ jku: 'http://127.0.0.1:1/jwks.json' })],
    ['a key of my own by x5u', signed({ x5u: 'http://127.0.0.1:1/chain.pem' })],
    [
      'a key of my own as x5c',
      signed({ x5c: [publicKey.export({ format: 'der', type: 'spki' }).toString('base64')] }),
    ],
    ['a kid of the prototype', signed({ kid: '__proto__' })],
    ['a kid that is no text', signed({ kid: ['constructor'] })],
    ['another of our keys', relabelled({ kid: keys.find((key) => key.alg !== header.alg)!.kid })],
    ['another algorithm of the same key', relabelled({ alg: 'PS256' })],
    ['crit', relabelled({ crit: ['exp'] })],
    ['b64 false', relabelled({ b64: false, crit: ['b64'] })],
    ['zip', relabelled({ zip: 'DEF' })],
    ['another person', `${head}.${encode(other)}.${signature}`],
    ['padding', `${jwt}==`],
    ['a space', `${head}.${payload} .${signature}`],
    ['another spelling of the last character', `${jwt.slice(0, -1)}${jwt.endsWith('A') ? 'B' : 'A'}`],
    ['compressed by repetition', `${head}.${payload}.${'A'.repeat(60_000)}`],
  ]
}

describe('a forged token', () => {
  test('is no access token', async () => {
    expect(await userinfo(op, good.access_token)).toBe(200)
    for (const [how, token] of forgeries(good.access_token)) {
      expect([how, await userinfo(op, token)]).toEqual([how, 401])
      if (token.length < 60_000) expect([how, await introspect(op, token)]).toEqual([how, false])
    }
  })

  test('is no hint, neither where one signs in nor where one signs out', async () => {
    const browser = person(op.issuer, op.fetch)
    await browser.goThrough(authorizationUrl(op.issuer, demo).url)
    for (const [how, id_token_hint] of forgeries(good.id_token).filter(([, each]) => each.length < 5000)) {
      const asked = await browser.open(authorizationUrl(op.issuer, demo, { id_token_hint }).url)
      expect([how, asked.location?.searchParams.get('error')]).toEqual([how, 'invalid_request'])
      const out = await browser.open(`/logout?id_token_hint=${encodeURIComponent(id_token_hint)}`)
      expect([how, out.page?.status]).toEqual([how, 400])
    }
  })

  test('nor does a good one of another issuer, or one that has expired, pass', async () => {
    const elsewhere = await provider({ env: { LOG_LEVEL: 'error', ISSUER_URL: 'http://localhost:5999' } })
    const foreign = await tokensFor(elsewhere) // signed with the very same keys
    expect(await userinfo(elsewhere, foreign.access_token)).toBe(200)
    expect(await userinfo(op, foreign.access_token)).toBe(401)
    elsewhere.clock.advance(3_600_000)
    expect(await userinfo(elsewhere, foreign.access_token)).toBe(401)
  })
})

test.each([
  ['jwt', 'RS256'],
  ['opaque', 'ES256'],
])('one kind of token is never another (%s access tokens)', async (ACCESS_TOKEN_FORMAT, ACCESS_TOKEN_ALG) => {
  const own = await provider({ env: { LOG_LEVEL: 'error', ACCESS_TOKEN_FORMAT, ACCESS_TOKEN_ALG } })
  const stolen = await codeFor(own)
  const unspent = await codeFor(own, { browser: stolen.browser })
  const tokens = (await (await redeem(own, stolen)).json()) as unknown as Tokens
  for (const each of [tokens.id_token, tokens.refresh_token, unspent.code]) {
    expect(await userinfo(own, each)).toBe(401)
  }
  for (const each of [tokens.access_token, tokens.id_token, unspent.code])
    expect(await errorOf(await refresh(own, each))).toBe('400 invalid_grant')
  for (const code of [tokens.access_token, tokens.id_token, tokens.refresh_token])
    expect(await errorOf(await redeem(own, { ...unspent, code }))).toBe('400 invalid_grant')
  for (const hint of [tokens.access_token, tokens.refresh_token, unspent.code]) {
    const landing = await stolen.browser.open(authorizationUrl(own.issuer, demo, { id_token_hint: hint }).url)
    expect(landing.location?.searchParams.get('error')).toBe('invalid_request')
  }
  expect(await introspect(own, tokens.id_token)).toBe(false)
  expect(await introspect(own, unspent.code)).toBe(false)
  // A handle of another kind with the same random part is nothing either.
  for (const kind of ['lka_', 'lkc_', 'lkr_'])
    expect(await userinfo(own, kind + tokens.refresh_token.slice(4))).toBe(401)
  expect((await redeem(own, unspent)).status).toBe(200) // all of that has neither spent nor ended it
})

describe('a code in the wrong hands', () => {
  test('of another client, with its own credentials', async () => {
    const stolen = await codeFor(op)
    await addClient(
      op,
      { ...demo, client_id: 'thief', redirect_uris: [demo.redirect_uri], scope: 'openid' },
      'thieves',
    )
    const thief = { ...demo, client_id: 'thief', client_secret: 'thieves' }
    expect(await errorOf(await redeem(op, stolen, thief))).toBe('400 invalid_grant')
    expect(await errorOf(await redeem(op, stolen, browserClient))).toBe('400 invalid_grant')
    expect(await errorOf(await redeem(op, stolen, { ...demo, client_secret: undefined } as never))).toBe(
      '401 invalid_client',
    )
  })

  test('injected into the attacker’s own run of the client: the verifier is of another request', async () => {
    const victim = await codeFor(op)
    const attacker = await codeFor(op, { who: bob })
    expect(
      await errorOf(await redeem(op, { code: victim.code, code_verifier: attacker.code_verifier })),
    ).toBe('400 invalid_grant')
    expect(
      await errorOf(await redeem(op, { code: attacker.code, code_verifier: victim.code_verifier })),
    ).toBe('400 invalid_grant')
  })

  test.each([
    ['another of the client’s own', { redirect_uri: 'http://localhost:3000/callback' }],
    ['none', { redirect_uri: undefined }],
    ['one with a slash more', { redirect_uri: 'http://localhost:8080/callback/' }],
    ['no verifier', { code_verifier: undefined }],
    ['the challenge as verifier', { code_verifier: 'challenge' }],
    ['an empty verifier', { code_verifier: '' }],
  ])('%s at the token endpoint', async (_, more: Record<string, string | undefined>) => {
    const stolen = await codeFor(op)
    const challenge = new Bun.CryptoHasher('sha256').update(stolen.code_verifier).digest('base64url')
    const sent = more.code_verifier === 'challenge' ? { code_verifier: challenge } : more
    expect(await errorOf(await redeem(op, stolen, demo, sent))).toBe('400 invalid_grant')
  })

  test('after it expired', async () => {
    const own = await provider()
    const stolen = await codeFor(own)
    own.clock.advance(60_000)
    expect(await errorOf(await redeem(own, stolen))).toBe('400 invalid_grant')
  })
})

describe('PKCE downgrade', () => {
  test.each([
    ['without a challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['with an empty challenge', { code_challenge: '', code_challenge_method: 'S256' }],
    ['plain', { code_challenge_method: 'plain' }],
    ['without a method, which means plain', { code_challenge_method: undefined }],
    ['s256', { code_challenge_method: 's256' }],
    ['a method and no challenge', { code_challenge: undefined }],
    ['a short challenge', { code_challenge: 'abc' }],
  ])('%s', async (_, more) => {
    for (const client of [demo, browserClient]) {
      const landing = await person(op.issuer, op.fetch).open(authorizationUrl(op.issuer, client, more).url)
      expect(landing.location?.searchParams.get('error')).toBe('invalid_request')
    }
  })

  test('a client that may do without: a challenge that was stripped on the way is noticed by its verifier', async () => {
    const own = await provider()
    const metadata = {
      client_id: 'old',
      redirect_uris: [demo.redirect_uri],
      scope: 'openid',
      require_pkce: false,
    }
    await addClient(own, metadata, 'old secret')
    const old = { client_id: 'old', client_secret: 'old secret', redirect_uri: demo.redirect_uri }
    const without = { scope: 'openid', code_challenge: undefined, code_challenge_method: undefined }
    const stripped = await codeFor(own, { client: old, more: without })
    expect(await errorOf(await redeem(own, stripped, old))).toBe('400 invalid_grant')
    const honest = await codeFor(own, { client: old, more: without })
    expect((await redeem(own, honest, old, { code_verifier: undefined })).status).toBe(200)
    const kept = await codeFor(own, { client: old, more: { scope: 'openid' } })
    expect(await errorOf(await redeem(own, kept, old, { code_verifier: undefined }))).toBe(
      '400 invalid_grant',
    )
  })

  test('no operator’s word lets a public client do without', async () => {
    const own = await provider()
    const metadata = {
      client_id: 'loose',
      redirect_uris: [demo.redirect_uri],
      scope: 'openid',
      require_pkce: false,
    }
    await addClient(own, { ...metadata, token_endpoint_auth_method: 'none' })
    const loose = { client_id: 'loose', redirect_uri: demo.redirect_uri }
    const url = authorizationUrl(own.issuer, loose, {
      scope: 'openid',
      code_challenge: undefined,
      code_challenge_method: undefined,
    }).url
    const landing = await person(own.issuer, own.fetch).open(url)
    expect(landing.location?.searchParams.get('error')).toBe('invalid_request')
  })
})

describe('after the fact', () => {
  test('a person who is disabled gets nothing more: no code redeemed, no refresh, no userinfo, no new code', async () => {
    const own = await provider()
    const tokens = await tokensFor(own)
    const stolen = await codeFor(own, { browser: tokens.browser })
    await User.update(own.context, 'user-alice', (user) => ({ ...user, disabled: true }))
    expect(await userinfo(own, tokens.access_token)).toBe(401)
    expect(await errorOf(await redeem(own, stolen))).toBe('400 invalid_grant')
    expect(await errorOf(await refresh(own, tokens.refresh_token))).toBe('400 invalid_grant')
    const landing = await tokens.browser.open(authorizationUrl(own.issuer, demo).url)
    expect(landing.page?.forms.flatMap((form) => form.buttons)).toContain('login')
    await User.update(own.context, 'user-alice', (user) => ({ ...user, disabled: false }))
    expect(await errorOf(await refresh(own, tokens.refresh_token))).toBe('400 invalid_grant') // ended, not paused
  })

  test('a client that is disabled is nobody within a second, and its tokens are not active', async () => {
    const own = await provider()
    await addClient(
      own,
      { client_id: 'api', resource_server: true, redirect_uris: [], grant_types: [], response_types: [] },
      'api secret',
    )
    const tokens = await tokensFor(own)
    const active = async () =>
      (await (
        await own.fetch(
          '/introspect',
          formPost(
            { client_id: 'api', client_secret: 'api secret', redirect_uri: '' },
            { token: tokens.access_token },
          ),
        )
      ).json()) as Json
    expect((await active()).active).toBe(true)
    await Client.update(own.context, demo.client_id, (client) => ({ ...client, disabled: true }))
    own.clock.advance(1_001)
    expect(await active()).toEqual({ active: false })
    expect(await userinfo(own, tokens.access_token)).toBe(401)
    expect(await errorOf(await refresh(own, tokens.refresh_token))).toBe('401 invalid_client')
  })

  test('a refresh token buys no wider scope, and none of another client’s', async () => {
    const tokens = await tokensFor(op, { more: { scope: 'openid' } })
    const wider = formPost(demo, {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
      scope: 'openid email',
    })
    expect(await errorOf(await op.fetch('/token', wider))).toBe('400 invalid_scope')
    expect(await errorOf(await refresh(op, tokens.refresh_token, browserClient))).toBe('400 invalid_grant')
    expect((await refresh(op, tokens.refresh_token)).status).toBe(200) // which has not ended the grant
  })

  test('revocation and introspection tell nothing to another client', async () => {
    const own = await provider()
    const tokens = await tokensFor(own)
    await addClient(
      own,
      { client_id: 'nosy', redirect_uris: [], grant_types: ['client_credentials'], response_types: [] },
      'nosy secret',
    )
    const nosy = { client_id: 'nosy', client_secret: 'nosy secret', redirect_uri: '' }
    for (const token of [tokens.access_token, tokens.refresh_token, tokens.id_token, 'x']) {
      const answer = await own.fetch('/introspect', formPost(nosy, { token }))
      expect([answer.status, await answer.json()]).toEqual([200, { active: false }])
    }
    expect((await own.fetch('/revoke', formPost(nosy, { token: tokens.refresh_token }))).status).toBe(400)
    expect(await userinfo(own, tokens.access_token)).toBe(200)
    expect(
      await errorOf(await own.fetch('/introspect', formPost(browserClient, { token: tokens.access_token }))),
    ).toBe('401 invalid_client')
  })
})

describe('a client assertion', () => {
  const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const secret = 'the client secret, long enough for HS256 to be used'
  const none = { redirect_uris: [], grant_types: ['client_credentials'], response_types: [] }
  let jwk: JWK
  let own: Provider

  beforeAll(async () => {
    own = await provider({ env: { LOG_LEVEL: 'error' } })
    jwk = { ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' }
    const metadata = { ...none, client_id: 'keyed', token_endpoint_auth_method: 'private_key_jwt' }
    await addClient(own, { ...metadata, jwks: { keys: [{ ...jwk, kty: 'EC' }] } })
    await addClient(
      own,
      { ...none, client_id: 'shared', token_endpoint_auth_method: 'client_secret_jwt' },
      secret,
    )
  })

  const claims = (client: string, more: object = {}) => {
    const now = Math.floor(own.clock.now() / 1000)
    return {
      iss: client,
      sub: client,
      aud: own.issuer,
      jti: crypto.randomUUID(),
      iat: now,
      exp: now + 60,
      ...more,
    }
  }
  const post = (client_assertion: string, more: Record<string, string> = {}) => {
    const fields = {
      grant_type: 'client_credentials',
      client_assertion,
      client_assertion_type: assertionType,
      ...more,
    }
    return own.fetch('/token', {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
  }
  const signed = (payload: object, header: object = {}) =>
    new SignJWT({ ...payload })
      .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header })
      .sign(pair.privateKey)
  const hmac = (payload: object, key: string, header: object = { alg: 'HS256' }) => {
    const input = `${encode(header)}.${encode(payload)}`
    return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
  }

  test('is good when it is, once', async () => {
    const assertion = await signed(claims('keyed'))
    expect((await post(assertion)).status).toBe(200)
    expect(await errorOf(await post(assertion))).toBe('401 invalid_client')
    expect((await post(hmac(claims('shared'), secret))).status).toBe(200)
  })

  test.each<[string, object]>([
    ['for another server', { aud: 'https://other.example' }],
    ['for an address that begins like ours', { aud: 'http://localhost:5000.evil.example' }],
    ['for the token endpoint of another server', { aud: ['https://other.example/token'] }],
    ['without audience', { aud: undefined }],
    ['expired', { exp: 1 }],
    ['without end', { exp: undefined }],
    ['good for a year', { exp: Math.floor(Date.now() / 1000) + 31_536_000 }],
    ['good forever', { exp: 1e308 }],
    ['not yet good', { nbf: Math.floor(Date.now() / 1000) + 3600 }],
    ['issued by another', { iss: 'client123' }],
    ['without jti', { jti: undefined }],
    ['whose jti is no text', { jti: 1 }],
  ])('%s', async (_, more) => {
    expect(await errorOf(await post(await signed(claims('keyed', more))))).toBe('401 invalid_client')
  })

  test('about another client, or beside another client_id', async () => {
    expect(await errorOf(await post(await signed(claims('keyed', { sub: 'shared' }))))).toBe(
      '401 invalid_client',
    )
    expect(await errorOf(await post(await signed(claims('keyed')), { client_id: 'shared' }))).toBe(
      '401 invalid_client',
    )
    expect(await errorOf(await post(await signed(claims('keyed')), { client_secret: 'x' }))).toBe(
      '400 invalid_request',
    )
    expect(await errorOf(await post(await signed(claims('client123'))))).toBe('401 invalid_client')
  })

  test('signed with anything but the registered key', async () => {
    const mine = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const own_jwk = await exportJWK(mine.publicKey)
    const by = (header: object) =>
      new SignJWT({ ...claims('keyed') })
        .setProtectedHeader({ alg: 'ES256', ...header })
        .sign(mine.privateKey)
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    const forged = [
      await by({ kid: 'one' }),
      await by({ jwk: own_jwk }),
      await by({ kid: 'one', jku: 'http://127.0.0.1:1/' }),
      await by({ kid: '__proto__' }),
      hmac(claims('keyed'), pem),
      hmac(claims('keyed'), JSON.stringify(jwk)),
      `${encode({ alg: 'none' })}.${encode(claims('keyed'))}.`,
      hmac(claims('shared'), ''),
      hmac(claims('shared'), 'wrong'),
      `${encode({ alg: 'none' })}.${encode(claims('shared'))}.`,
      await signed(claims('shared')),
      await signed(claims('keyed'), { crit: ['x'], x: 1 }).catch(
        () => `${encode({ alg: 'ES256', crit: ['x'] })}.e30.`,
      ),
      'null.null.null',
      `..`,
      `e30.${encode('null')}.x`,
    ]
    for (const each of forged) expect(await errorOf(await post(each))).toBe('401 invalid_client')
  })

  test('under an empty key, when the secret no longer opens because SECRET_KEY changed', async () => {
    const after = await provider({
      store: own.context.store,
      clock: own.clock,
      env: { LOG_LEVEL: 'error', SECRET_KEY: 'another secret key of this provider, long enough' },
    })
    const fields = {
      grant_type: 'client_credentials',
      client_assertion_type: assertionType,
      client_assertion: hmac(claims('shared'), ''),
    }
    const init = {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }
    expect(await errorOf(await after.fetch('/token', init))).toBe('401 invalid_client')
  })
})
