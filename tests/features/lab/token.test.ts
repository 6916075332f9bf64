/** /lab/token: what it says of tokens of this provider and of others, of forged ones, and whether they pass at an API. Issue 11 §3. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { createHmac, createPublicKey, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { CompactEncrypt, CompactSign, importJWK } from 'jose'
import { sign } from '../../../src/auth/jws.ts'
import { seconds } from '../../../src/lib/clock.ts'
import type { Page } from '../../support/person.ts'
import {
  browser,
  demo,
  introspect,
  post,
  redeem,
  refresh,
  authorize,
  operatorClient,
  tokensOf,
  type Tokens,
} from '../../support/flow.ts'
import { headerOf, type Json } from '../../support/client.ts'
import { type Provider, provider, turnableClock } from '../../support/provider.ts'

const lab = (env: Record<string, string> = {}) => provider({ env: { LAB: 'true', ...env } })

let op: Provider
let tokens: Tokens
beforeAll(async () => {
  op = await lab()
  tokens = await tokensOf(op, browser(op))
})

const plain = (html: string): string =>
  html
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&#x27;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')

interface Said {
  html: string
  /** Of one section, as text. */
  of(id: string): string
  /** The sentences of steps that fail, in a section. */
  failed(id: string): string[]
}

async function paste(token: string, more: Record<string, string> = {}, at = op): Promise<Said> {
  const who = browser(at)
  const { page } = (await who.open(`${at.issuer}/lab/token`)) as { page: Page }
  const landing = await who.press(page, 'read', { token, ...more })
  const { html, status } = landing.page!
  expect(status).toBe(200)
  const sectionOf = (id: string) =>
    new RegExp(`<section aria-labelledby="${id}">([\\s\\S]*?)</section>`).exec(html)?.[1] ?? ''
  return {
    html,
    of: (id) => plain(sectionOf(id)),
    failed: (id) =>
      [...sectionOf(id).matchAll(/<li data-outcome="fails">\s*<p>([\s\S]*?)<\/p>/g)].map(([, text]) =>
        plain(text!)
          .replace(/^ ?FAILS /, '')
          .trim(),
      ),
  }
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const own = (typ: string, claims: object) => sign(op.context.keys.signer('RS256'), typ, claims)
const now = () => seconds(op.clock)
const accessClaims = (): Json => ({
  iss: op.issuer,
  sub: 'someone',
  aud: 'https://api.example',
  client_id: demo.client_id,
  scope: 'orders:read',
  iat: now(),
  exp: now() + 300,
  jti: 'one',
})

describe('tokens of this provider', () => {
  test('an access token: signed, active, and each claim explained', async () => {
    const { of, failed } = await paste(tokens.access_token, {
      audience: op.context.config.accessTokenAudience,
      scope: 'openid',
    })
    expect(of('kind')).toContain('Access token (JWT)')
    expect(of('signature')).toContain('The signature is that of this provider.')
    expect(of('state')).toContain('Active')
    expect(of('claims')).toMatch(
      /exp \d+ \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, in \d+ (minutes|hour|hours)\) The time at which/,
    )
    expect(of('claims')).not.toContain('No specification here defines it')
    for (const id of ['signature', 'claims', 'api']) expect(failed(id)).toEqual([])
    expect(of('api')).toContain('No check fails. 1 of')
    expect(of('api')).toContain('no cnf: a bearer token')
  })

  test('white space, quotes and the scheme around it are no part of it', async () => {
    const wrapped = `Authorization: Bearer ${tokens.access_token.replace(/(.{60})/g, '$1\n  ')}`
    expect((await paste(wrapped)).of('signature')).toContain('is that of this provider')
    expect((await paste(`"${tokens.access_token}"`)).of('signature')).toContain('is that of this provider')
  })

  test('at an API: another audience and a missing scope are refused, with the answer of the API', async () => {
    const { of, failed } = await paste(tokens.access_token, {
      audience: 'https://other.example',
      scope: 'openid admin',
    })
    expect(failed('api')).toHaveLength(2)
    expect(of('api')).toContain('Asked https://other.example')
    expect(of('api')).toContain('403 insufficient_scope')
    expect(of('api')).toContain('refuses this token: 2 of')
  })

  test('an ID Token used as an access token', async () => {
    const { of, failed } = await paste(tokens.id_token, { audience: demo.client_id })
    expect(of('kind')).toContain('ID Token')
    expect(of('signature')).toContain('The signature is that of this provider.')
    expect(failed('api')[0]).toStartWith('It is an access token.')
    expect(of('api')).toContain('An ID Token is for the client that asked for it')
  })

  test('after a revocation it is said why, and that an API without introspection does not notice', async () => {
    const other = await tokensOf(op, browser(op))
    await post(op, '/revoke', demo, { token: other.access_token })
    const { of, failed } = await paste(other.access_token)
    expect(of('state')).toMatch(/Not active .*(It was revoked|has ended)/)
    expect(failed('api').join()).toContain('The provider has not ended it.')
    expect(of('api')).toContain('accepts it until exp')
  })

  test('an expired token', async () => {
    const clock = turnableClock()
    const later = await provider({ env: { LAB: 'true' }, clock })
    const old = await tokensOf(later, browser(later))
    clock.advance(3_600_000 * 3)
    const { of, failed } = await paste(old.access_token, {}, later)
    expect(of('state')).toContain('It has expired.')
    expect(of('claims')).toMatch(/UTC, \d hours? ago/)
    expect(failed('claims').join()).toContain('It has not expired.')
    expect(failed('api').join()).toContain('It has not expired.')
  })

  test('refresh tokens: the newest, a replaced one, a changed one; none is used', async () => {
    const { refresh_token } = await tokensOf(op, browser(op), demo, {
      scope: 'openid offline_access',
      prompt: 'consent',
    })
    const first = await paste(refresh_token)
    expect(first.of('state')).toContain('Active It is the newest of its authorization.')
    expect(first.of('api')).toContain('no API may see it')
    const next = (await refresh(op, demo, refresh_token)).body.refresh_token as string
    expect((await refresh(op, demo, next)).status).toBe(200)
    expect((await paste(refresh_token)).of('state')).toMatch(
      /Not active It was replaced by a later one \(2 times\)/,
    )
    expect((await paste(`${refresh_token.slice(0, -1)}x`)).of('state')).toContain(
      'its check value does not fit',
    )
    const { body } = await refresh(op, demo, next)
    expect(body.error ?? 'still good').toBe('still good')
  })

  test('a code: it can still be redeemed afterwards, and then it is said to be used', async () => {
    const authorized = await authorize(op, browser(op))
    expect((await paste(authorized.code)).of('state')).toContain('Active It can be redeemed once')
    expect((await redeem(op, demo, authorized)).status).toBe(200)
    expect((await paste(authorized.code)).of('state')).toContain('Not active It was redeemed.')
  })

  test('an opaque access token is looked up as introspection does', async () => {
    const client = await operatorClient(op, {
      client_id: 'opaque',
      redirect_uris: ['https://app.example/cb'],
      access_token_format: 'opaque',
      scope: 'openid profile',
    })
    const { access_token } = await tokensOf(op, browser(op), client, { scope: 'openid profile' })
    const { of, failed } = await paste(access_token, {
      audience: op.context.config.accessTokenAudience,
      scope: 'profile',
    })
    expect(of('kind')).toContain('Opaque access token')
    expect(of('claims')).toContain('client_id opaque')
    expect(failed('api')).toEqual([])
    expect((await introspect(op, access_token, client)).active).toBe(true)
    await post(op, '/revoke', client, { token: access_token })
    expect((await paste(access_token)).of('state')).toMatch(/Not active/)
    expect((await paste(`lka_${'A'.repeat(64)}`)).of('state')).toContain('was never issued')
  })
})

describe('forged tokens', () => {
  test('alg none, in any spelling', async () => {
    for (const alg of ['none', 'nOnE']) {
      const { of, failed } = await paste(`${part({ alg, typ: 'at+jwt' })}.${part(accessClaims())}.`)
      expect(of('signature')).toContain('Any party can write such a token')
      expect(failed('signature')).toHaveLength(1)
      expect(failed('api').join()).toContain('The signature is made by a key of that issuer.')
    }
  })

  test('HS256 with the public key as the secret is recognised as that attack', async () => {
    const jwk = op.context.keys.jwks().keys.find(({ alg }) => alg === 'RS256')!
    const pem = createPublicKey({ key: jwk as never, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
    const input = `${part({ alg: 'HS256', typ: 'at+jwt', kid: jwk.kid })}.${part(accessClaims())}`
    const forged = `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`
    expect((await paste(forged)).of('signature')).toContain(
      `made with the public key ${jwk.kid} as the secret`,
    )
    const other = `${input}.${createHmac('sha256', 'guessed').update(input).digest('base64url')}`
    const { of } = await paste(other)
    expect(of('signature')).toContain('no reader can verify it')
    expect(of('signature')).not.toContain('It is forged')
  })

  test('a changed claim, another algorithm of the key, an unknown kid, and no kid', async () => {
    const [head, , tail] = tokens.access_token.split('.')
    const changed = `${head}.${part({ ...accessClaims(), scope: 'admin' })}.${tail}`
    expect((await paste(changed)).failed('signature')).toEqual([
      expect.stringContaining('The signature is made by that key'),
    ])
    const { kid } = headerOf(tokens.access_token)
    const swapped = `${part({ alg: 'PS256', typ: 'at+jwt', kid })}.${part(accessClaims())}.${tail}`
    expect((await paste(swapped)).failed('signature')[0]).toContain('The algorithm is that of the key')
    const unknown = `${part({ alg: 'RS256', typ: 'at+jwt', kid: 'unknown' })}.${part(accessClaims())}.${tail}`
    const { of, failed } = await paste(unknown)
    expect(failed('signature')[0]).toContain('The key of the header is one of this provider.')
    expect(of('signature')).toContain('another issuer or another environment')
  })

  test('a key that the header brings is not used', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = publicKey.export({ format: 'jwk' })
    const input = `${part({ alg: 'ES256', typ: 'at+jwt', jwk, jku: 'https://evil.example/jwks' })}.${part(accessClaims())}`
    const signature = signBytes('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    const { of } = await paste(`${input}.${signature.toString('base64url')}`)
    expect(of('signature')).toContain('lets the sender choose it. Here it is ignored.')
    expect(of('signature')).toContain('The signature does not hold')
  })

  test('a wrong typ, a time in the future, a time that is none, crit', async () => {
    const typed = await paste(await own('JWT', accessClaims()), { audience: 'https://api.example' })
    expect(typed.failed('api').join()).toContain('Its typ is at+jwt.')
    const later = await paste(await own('at+jwt', { ...accessClaims(), iat: now() + 600, exp: now() + 900 }))
    expect(later.failed('claims')).toEqual([expect.stringContaining('It was not made in the future.')])
    expect(later.of('claims')).toContain('in 10 minutes')
    const odd = await paste(await own('at+jwt', { ...accessClaims(), exp: 'tomorrow', nbf: 1e300 }))
    expect(odd.of('claims')).toContain('tomorrow, which is no time')
    expect(odd.failed('claims')).toHaveLength(2)
    const critical = `${part({ alg: 'RS256', typ: 'at+jwt', crit: ['exp'], exp: 1 })}.${part(accessClaims())}.AA`
    expect((await paste(critical)).failed('signature').join()).toContain('must be understood')
  })

  test('an encrypted token: for whom it is, and that nothing is decrypted', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwe = (key: object, kid: string) =>
      new CompactEncrypt(new TextEncoder().encode(tokens.id_token))
        .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128GCM', cty: 'JWT', kid })
        .encrypt(key as CryptoKey)
    const nested = await paste(await jwe(publicKey, 'theirs'))
    expect(nested.of('kind')).toContain('holder of another key')
    expect(nested.of('kind')).toContain('Another JWT is inside (nested).')
    expect(nested.of('header')).toContain('The algorithm that encrypts the content.')
    const mine = op.context.keys.jwks().keys.find(({ use }) => use === 'enc')
    if (mine) {
      const key = await importJWK(mine as never, 'ECDH-ES')
      const { of } = await paste(await jwe(key as CryptoKey, mine.kid))
      expect(of('kind')).toContain(`the key ${mine.kid} of this provider`)
      expect(of('kind')).not.toContain('alice')
    }
  })

  test.each([
    ['not-a-token', 'it has no dots'],
    ['a.b', 'it has 2 parts'],
    ['a.b.c.d.e.f.g', 'more than 5 parts'],
    ['*.e30.x', 'the header is not base64url'],
    [`${part([])}.e30.x`, 'the header is JSON, but no object'],
    [`e30.${Buffer.from('{').toString('base64url')}.x`, 'the payload is no JSON'],
  ])('%.20s is no token', async (text, problem) => {
    const { of } = await paste(text)
    expect(of('kind')).toContain('No verifier accepts it.')
    expect(of('kind')).toContain(problem)
  })
})

describe('tokens of other issuers and of clients', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'theirs', use: 'sig', alg: 'ES256' }
  const theirs = (claims: object, header: object = {}) =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'ES256', kid: 'theirs', ...header })
      .sign(privateKey)

  test('a foreign issuer: its keys are not fetched, and can be pasted', async () => {
    const token = await theirs({ ...accessClaims(), iss: 'https://id.example' }, { typ: 'at+jwt' })
    const without = await paste(token)
    expect(without.of('signature')).toContain('cannot be verified here')
    expect(without.of('signature')).toContain('must not choose what this server requests')
    const keyed = await paste(token, { keys: JSON.stringify({ keys: [jwk] }) })
    expect(keyed.of('signature')).toContain('The signature is that of the JWK Set that was pasted.')
    expect(keyed.failed('api')).toEqual([expect.stringContaining('The issuer is the one')])
    for (const [keys, problem] of [
      ['{', 'it is no JSON'],
      [JSON.stringify(privateKey.export({ format: 'jwk' })), 'it has a private key'],
      ['{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}', 'it has no usable key'],
    ] as const)
      expect((await paste(token, { keys })).of('signature')).toContain(problem)
  })

  test('pasted keys never stand for those of this provider', async () => {
    const { of } = await paste(await theirs(accessClaims(), { typ: 'at+jwt' }), {
      keys: JSON.stringify({ keys: [jwk] }),
    })
    expect(of('signature')).toContain('The signature does not hold')
  })

  test('a client assertion and a request object are verified by the keys of the client', async () => {
    await operatorClient(op, {
      client_id: 'signer',
      redirect_uris: ['https://app.example/cb'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
    } as never)
    const assertion = { iss: 'signer', sub: 'signer', aud: op.issuer, exp: now() + 60, jti: 'a' }
    const said = await paste(await theirs(assertion))
    expect(said.of('kind')).toContain('Client assertion')
    expect(said.of('signature')).toContain('The signature is that of the client signer.')
    const request = { client_id: 'signer', redirect_uri: 'https://app.example/cb', response_type: 'code' }
    const object = await paste(await theirs(request, { typ: 'oauth-authz-req+jwt' }))
    expect(object.of('kind')).toContain('Request object')
    expect(object.of('signature')).toContain('The signature is that of the client signer.')
    const mac = (secret: string) => {
      const input = `${part({ alg: 'HS256' })}.${part({ ...assertion, iss: demo.client_id, sub: demo.client_id })}`
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    }
    expect((await paste(mac(demo.client_secret!))).failed('signature')).toEqual([])
    expect((await paste(mac('another'))).failed('signature')).toHaveLength(1)
  })

  test('a DPoP proof is verified by its own key, and a private key in it is said', async () => {
    const claims = { jti: 'p', htm: 'POST', htu: `${op.issuer}/token`, iat: now() }
    const own = publicKey.export({ format: 'jwk' })
    const proof = await paste(await theirs(claims, { typ: 'dpop+jwt', jwk: own }))
    expect(proof.of('kind')).toContain('DPoP proof')
    expect(proof.of('signature')).toContain('The signature is that of the header of the proof.')
    expect(proof.failed('claims')).toEqual([])
    const leaked = `${part({ alg: 'ES256', typ: 'dpop+jwt', jwk: privateKey.export({ format: 'jwk' }) })}.${part(claims)}.AA`
    expect((await paste(leaked)).of('signature')).toContain('is a private key')
  })

  test('a bound token: the API must ask for a proof', async () => {
    const { of } = await paste(await own('at+jwt', { ...accessClaims(), cnf: { jkt: 'x' } }))
    expect(of('api')).toContain('asks for a DPoP proof')
  })

  test('a logout token is no ID Token', async () => {
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const claims = {
      iss: op.issuer,
      aud: demo.client_id,
      iat: now(),
      exp: now() + 60,
      jti: 'l',
      sid: 's',
      events,
    }
    const { of, failed } = await paste(await own('logout+jwt', claims))
    expect(of('kind')).toContain('Logout token')
    expect(failed('claims')).toEqual([])
    const { failed: mixed } = await paste(await own('logout+jwt', { ...claims, nonce: 'n' }))
    expect(mixed('claims')).toHaveLength(1)
  })
})
