/** Tokens at /user/data-export and /user/delete-account that were stolen, bent, traded or made for something else; and what is under way while an account ends. */
import { describe, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { sha256 } from '../../src/lib/hash.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { pageOf, withPassword } from '../support/authenticator.ts'
import { claimsOf, formPost, type Json } from '../support/client.ts'
import { authorize, bearer, browser, operatorClient, post, read, refresh, tokensOf } from '../support/flow.ts'
import { bob } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const paths = [
  ['GET', '/user/data-export'],
  ['DELETE', '/user/delete-account'],
] as const
const scope = 'openid data_export account_delete'
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

const cloud = (op: Provider, more: Json = {}) =>
  operatorClient(op, { client_id: 'cloud', scope: `${scope} offline_access`, ...more })

/** Statuses of both, with these headers. */
/** One after the other: the end of an account, which comes last, takes its tokens with it. */
async function statuses(op: Provider, headers: (method: string, path: string) => Promise<HeadersInit>) {
  const found: number[] = []
  for (const [method, path] of paths)
    found.push((await op.fetch(path, { method, headers: await headers(method, path) })).status)
  return found
}
const asBearer = (op: Provider, token: unknown) =>
  statuses(op, async () => ({ authorization: `Bearer ${token}` }))
const here = async (op: Provider, username = 'alice') =>
  (await User.findByUsername(op.context, username))?.leaving_at === undefined

describe('a token', () => {
  test('that is bound to a key is worth nothing without it, and everything is as it was', async () => {
    const op = await provider()
    const client = await cloud(op)
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(publicKey)
    const proof = (htm: string, path: string, more: Json = {}) =>
      new SignJWT({ htm, htu: `${op.issuer}${path}`, jti: systemRandom(12), ...more })
        .setIssuedAt(Math.floor(op.clock.now() / 1000))
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
        .sign(privateKey)
    const { code, code_verifier } = await authorize(op, browser(op), client, { scope })
    const fields = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: client.redirect_uri,
      code_verifier,
    }
    const dpop = await proof('POST', '/token')
    const { body } = await read(await op.fetch('/token', formPost(client, fields, { dpop })))
    expect(body.token_type).toBe('DPoP')
    const token = String(body.access_token)
    const ath = sha256(token)
    expect(await asBearer(op, token)).toEqual([401, 401])
    const withProof = (make: (method: string, path: string) => Promise<string>) =>
      statuses(op, async (method, path) => ({
        authorization: `DPoP ${token}`,
        dpop: await make(method, path),
      }))
    expect(await withProof((method, path) => proof(method, path))).toEqual([401, 401]) // without ath
    expect(await withProof((_, path) => proof('POST', path, { ath }))).toEqual([401, 401])
    expect(await withProof((method) => proof(method, '/userinfo', { ath }))).toEqual([401, 401])
    expect(await here(op)).toBe(true)
    expect(await withProof((method, path) => proof(method, path, { ath }))).toEqual([200, 202])
  })

  test('that was traded by another client, with the scopes in it, opens neither', async () => {
    const op = await provider({ env: { RESOURCES: 'https://api.example/' } })
    const client = await cloud(op)
    const { access_token } = await tokensOf(op, browser(op), client, { scope })
    const service = await operatorClient(op, {
      client_id: 'service',
      grant_types: [exchange],
      redirect_uris: [],
      response_types: [],
      scope,
      resource_server: true,
      may_impersonate: true,
    })
    const fields = { grant_type: exchange, subject_token: access_token, subject_token_type: accessToken }
    const { status, body } = await post(op, '/token', service, fields)
    expect([status, body.scope]).toEqual([200, scope])
    expect(await asBearer(op, body.access_token)).toEqual([401, 401])
    expect(await here(op)).toBe(true)
  })

  test('that says another audience opens neither', async () => {
    const op = await provider({ env: { RESOURCES: 'https://api.example/' } })
    const client = await cloud(op)
    const { access_token } = await tokensOf(op, browser(op), client, {
      scope,
      resource: 'https://api.example/',
    })
    expect(claimsOf(access_token).aud).toBe('https://api.example/')
    expect(await asBearer(op, access_token)).toEqual([401, 401])
    expect(await here(op)).toBe(true)
  })

  test('of another kind opens neither: the ID Token, the refresh token, the code', async () => {
    const op = await provider()
    const client = await cloud(op)
    const who = browser(op)
    const tokens = await tokensOf(op, who, client, { scope: `${scope} offline_access` })
    const { code } = await authorize(op, who, client, { scope })
    for (const token of [tokens.id_token, tokens.refresh_token, code])
      expect(await asBearer(op, token)).toEqual([401, 401])
    expect(await here(op)).toBe(true)
  })

  test('renewed long after the sign-in ends no account: renewing is no sign-in', async () => {
    const op = await provider()
    const client = await cloud(op)
    const tokens = await tokensOf(op, browser(op), client, { scope: `${scope} offline_access` })
    op.clock.advance(11 * 60_000)
    const { body } = await refresh(op, client, tokens.refresh_token)
    expect(await asBearer(op, body.access_token)).toEqual([200, 401])
    expect(await here(op)).toBe(true)
  })
})

test('pages and copies of a person are kept by no cache', async () => {
  const op = await provider()
  const who = browser(op)
  await withPassword(who)
  const sections = op.context.table.accountSections.map(({ path }) => path)
  expect(sections.length).toBeGreaterThan(6)
  const more = ['/account', '/account/activity', '/account/sessions/policy', '/applications']
  for (const path of [...sections, ...more, '/account/data/delete', '/account/deleted']) {
    const { headers, status } = pageOf(await who.open(path))
    expect([path, status, headers.get('cache-control')]).toEqual([path, 200, 'no-store'])
  }
  const { access_token } = await tokensOf(op, who, await cloud(op), { scope })
  const copy = await op.fetch('/user/data-export', bearer(access_token))
  expect(copy.headers.get('cache-control')).toBe('no-store')
  expect(copy.headers.get('x-content-type-options')).toBe('nosniff')
})

test('while the account ends, whatever is under way gives nothing that lives: renewals, codes, copies, sign-ins', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const env = { ACCOUNT_DELETION_GRACE: '0' }
  const both = [await provider({ clock, store, env }), await provider({ clock, store, env })] as const
  const [op, other] = both
  const client = await cloud(op, { grant_types: ['authorization_code', 'refresh_token', exchange] })
  const [hers, his] = [browser(op), browser(op)]
  const tokens = await tokensOf(op, hers, client, { scope: `${scope} offline_access` })
  const waiting = await authorize(op, hers, client, { scope: `${scope} offline_access` })
  const bobs = await tokensOf(op, his, client, { scope: `${scope} offline_access` }, bob)
  const fields = {
    grant_type: exchange,
    subject_token: tokens.access_token,
    subject_token_type: accessToken,
  }
  const page = pageOf(await hers.open('/account/data/delete'))
  const [, renewed, redeemed, traded] = await Promise.all([
    hers.press(page, 'delete', { confirmation: 'alice' }),
    refresh(other, client, tokens.refresh_token),
    post(other, '/token', client, {
      grant_type: 'authorization_code',
      code: waiting.code,
      redirect_uri: client.redirect_uri,
      code_verifier: waiting.code_verifier,
    }),
    post(other, '/token', client, fields),
    withPassword(browser(other)),
  ])
  const given = [tokens, renewed.body, redeemed.body, traded.body]
  for (const later of [0, 60_000, 60_000]) {
    clock.advance(later)
    for (const each of both) {
      await each.context.table.jobs.find(({ name }) => name === 'account_deletions')!.run(each.context)
      for (const { access_token, refresh_token } of given) {
        expect(await asBearer(each, access_token)).toEqual([401, 401])
        if (refresh_token !== undefined)
          expect((await refresh(each, client, String(refresh_token))).status).toBe(400)
      }
    }
  }
  expect(await User.findByUsername(op.context, 'alice')).toBeUndefined()
  expect((await read(await op.fetch('/user/data-export', bearer(bobs.access_token)))).status).toBe(200)
})
