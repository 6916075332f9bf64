/** The main job: a person signs in and consents, the client gets tokens, an API checks them. */
import { describe, expect, test } from 'bun:test'
import { generatePkce } from '../../src/auth/pkce.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { authorizationUrl, claimsOf, demo, formPost, headerOf, type Json } from '../support/client.ts'
import {
  authorize,
  browser,
  browserClient,
  introspect,
  open,
  operatorClient,
  redeem,
  refresh,
  stage,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { person } from '../support/person.ts'
import { provider } from '../support/provider.ts'

test('from the first request to userinfo', async () => {
  const op = await provider()
  const alice = person(op.issuer, op.fetch)
  const { url, code_verifier, params } = authorizationUrl(op.issuer, demo)
  const location = await alice.goThrough(url)
  expect(location.origin + location.pathname).toBe(demo.redirect_uri)
  expect(location.searchParams.get('state')).toBe(params.state!)
  expect(location.searchParams.get('iss')).toBe(op.issuer)
  expect([...location.searchParams.keys()].sort()).toEqual(['code', 'iss', 'session_state', 'state'])

  const answer = await op.fetch(
    '/token',
    formPost(demo, {
      grant_type: 'authorization_code',
      code: location.searchParams.get('code')!,
      redirect_uri: demo.redirect_uri,
      code_verifier,
    }),
  )
  expect(answer.status).toBe(200)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('pragma')).toBe('no-cache')
  const tokens = (await answer.json()) as Json
  expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'openid profile email' })
  expect(headerOf(tokens.id_token)).toMatchObject({ alg: 'RS256', typ: 'JWT' })
  expect(claimsOf(tokens.id_token)).toMatchObject({
    iss: op.issuer,
    sub: 'user-alice',
    aud: demo.client_id,
    nonce: params.nonce,
  })

  const who = await op.fetch('/userinfo', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  expect(await who.json()).toMatchObject({
    sub: 'user-alice',
    name: 'Alice Adams',
    email: 'alice@example.com',
  })

  const introspected = await op.fetch('/introspect', formPost(demo, { token: String(tokens.access_token) }))
  expect(await introspected.json()).toMatchObject({
    active: true,
    client_id: demo.client_id,
    username: 'alice',
  })

  const refreshed = await op.fetch(
    '/token',
    formPost(demo, { grant_type: 'refresh_token', refresh_token: String(tokens.refresh_token) }),
  )
  expect(refreshed.status).toBe(200)

  const revoked = await op.fetch('/revoke', formPost(demo, { token: String(tokens.refresh_token) }))
  expect(revoked.status).toBe(200)
  const after = await op.fetch('/userinfo', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  expect(after.status).toBe(401)
})

describe('PKCE', () => {
  const without = { code_challenge: undefined, code_challenge_method: undefined }
  test('a public client gets tokens with nothing but its verifier', async () => {
    const { op, alice } = await stage()
    const tokens = await tokensOf(op, alice, browserClient)
    expect(claimsOf(tokens.id_token).aud).toBe('public-client')
    expect((await refresh(op, browserClient, tokens.refresh_token)).status).toBe(200)
  })

  test('is required of everyone, in the redirect and not on a page', async () => {
    const { op, alice } = await stage()
    for (const client of [demo, browserClient]) {
      const { location } = await open(op, alice, without, client)
      expect(location!.searchParams.get('error')).toBe('invalid_request')
      const description = location!.searchParams.get('error_description')
      expect(description).toContain('code_challenge is required')
      // Only a client that authenticates may be exempt, and the refusal says how.
      expect(description!.includes('latchkey client set CLIENT_ID --no-pkce')).toBe(client === demo)
    }
  })

  test('plain is refused, named or by default', async () => {
    const { op, alice } = await stage()
    for (const code_challenge_method of ['plain', undefined, 'S512']) {
      const { location } = await open(op, alice, { code_challenge_method })
      expect(location!.searchParams.get('error')).toBe('invalid_request')
      expect(location!.searchParams.get('error_description')).toContain('must be S256')
    }
  })

  test('an operator may let a confidential client do without; a public one never', async () => {
    const { op, alice } = await stage()
    const old = await operatorClient(op, { client_id: 'old', require_pkce: false })
    const authorized = await authorize(op, alice, old, without)
    const plain = { grant_type: 'authorization_code', code: authorized.code, redirect_uri: old.redirect_uri }
    const downgraded = await redeem(op, old, authorized)
    expect(downgraded.body.error).toBe('invalid_grant') // a verifier nobody asked for
    const answer = await op.fetch('/token', formPost(old, plain))
    expect(answer.status).toBe(200)

    const open_ = await operatorClient(op, {
      client_id: 'old-public',
      require_pkce: false,
      token_endpoint_auth_method: 'none',
    })
    const { location } = await open(op, alice, without, open_)
    expect(location!.searchParams.get('error')).toBe('invalid_request')
  })

  test('a client that may do without and did not must prove it all the same', async () => {
    const { op, alice } = await stage()
    const old = await operatorClient(op, { client_id: 'old', require_pkce: false })
    const { code } = await authorize(op, alice, old)
    const fields = { grant_type: 'authorization_code', code, redirect_uri: old.redirect_uri }
    const answer = await op.fetch('/token', formPost(old, fields))
    expect(answer.status).toBe(400)
    expect(((await answer.json()) as Json).error).toBe('invalid_grant')
  })
})

describe('a code', () => {
  test('lives 60 seconds and not one more', async () => {
    const { op, alice } = await stage()
    const late = await authorize(op, alice)
    const soon = await authorize(op, alice)
    op.clock.advance(59_000)
    expect((await redeem(op, demo, soon)).status).toBe(200)
    op.clock.advance(1_000)
    expect((await redeem(op, demo, late)).body.error).toBe('invalid_grant')
  })

  test('is for its client, redirect and verifier; who fails those neither burns it nor ends anything', async () => {
    const { op, alice } = await stage()
    const thief = await operatorClient(op, { client_id: 'thief' })
    const authorized = await authorize(op, alice)
    const other = generatePkce(systemRandom).code_verifier
    const tries = [
      redeem(op, thief, authorized),
      redeem(op, demo, authorized, { redirect_uri: 'http://localhost:3000/callback' }),
      redeem(op, demo, authorized, { redirect_uri: '' }),
      redeem(op, demo, authorized, { code_verifier: other }),
      redeem(op, demo, authorized, { code_verifier: '' }),
      redeem(op, demo, authorized, { code_verifier: 'short' }),
      redeem(op, demo, { ...authorized, code: `${authorized.code}x` }),
      redeem(op, demo, { ...authorized, code: authorized.code.slice(0, -1) }),
    ]
    for (const { status, body } of await Promise.all(tries)) {
      expect(status).toBe(400)
      expect(body.error).toBe('invalid_grant')
    }
    expect((await redeem(op, demo, authorized)).status).toBe(200)
  })

  test('twice: the second time ends the grant and every token of it', async () => {
    for (const scope of ['openid', 'openid offline_access']) {
      const { op, alice } = await stage()
      const authorized = await authorize(op, alice, demo, { scope })
      const first = await redeem(op, demo, authorized)
      expect(first.status).toBe(200)
      const { access_token, refresh_token } = first.body as Record<string, string>
      expect((await userinfo(op, access_token!)).status).toBe(200)
      const replay = await redeem(op, demo, authorized)
      expect(replay.body.error).toBe('invalid_grant')
      expect((await userinfo(op, access_token!)).status).toBe(401)
      expect((await introspect(op, access_token!)).active).toBe(false)
      expect((await introspect(op, refresh_token!)).active).toBe(false)
      expect((await refresh(op, demo, refresh_token!)).body.error).toBe('invalid_grant')
    }
  })

  test('a hundred at once: one winner, and by then all of it is over', async () => {
    const { op, alice } = await stage()
    const authorized = await authorize(op, alice)
    const answers = await Promise.all(Array.from({ length: 100 }, () => redeem(op, demo, authorized)))
    const won = answers.filter(({ status }) => status === 200)
    expect(won.length).toBe(1)
    for (const { body } of won) expect((await userinfo(op, String(body.access_token))).status).toBe(401)
  })

  test.each(['openid', 'openid offline_access'])(
    'is worth nothing after a logout in between (%s)',
    async (scope) => {
      const { op, alice } = await stage()
      const authorized = await authorize(op, alice, demo, { scope })
      const { page } = await alice.open('/logout')
      await alice.press(page!, 'logout')
      expect((await redeem(op, demo, authorized)).body.error).toBe('invalid_grant')
    },
  )

  test('is no access token, no refresh token and no hint', async () => {
    const { op, alice } = await stage()
    const { code } = await authorize(op, alice)
    expect((await userinfo(op, code)).status).toBe(401)
    expect((await refresh(op, demo, code)).body.error).toBe('invalid_grant')
    expect(await introspect(op, code)).toEqual({ active: false })
  })

  test('of one person is never that of another: two people, two codes, two answers', async () => {
    const { op, alice } = await stage()
    const bob = browser(op)
    const [a, b] = [
      await tokensOf(op, alice),
      await tokensOf(op, bob, demo, {}, { username: 'bob', password: 'bobpassword' }),
    ]
    expect(claimsOf(a.id_token).sub).toBe('user-alice')
    expect(claimsOf(b.id_token).sub).toBe('user-bob')
    expect((await userinfo(op, b.access_token)).body.email).toBe('bob@example.com')
  })

  test('without openid: no ID Token, and userinfo says why not', async () => {
    const { op, alice } = await stage()
    const authorized = await authorize(op, alice, demo, { scope: 'profile' })
    const { body } = await redeem(op, demo, authorized)
    expect(body).not.toHaveProperty('id_token')
    const refused = await userinfo(op, String(body.access_token))
    expect(refused.status).toBe(403)
    expect(refused.body.error).toBe('insufficient_scope')
  })
})

test('a client without the refresh_token grant gets none', async () => {
  const { op, alice } = await stage()
  const once = await operatorClient(op, { client_id: 'once', grant_types: ['authorization_code'] })
  const tokens = await tokensOf(op, alice, once, { scope: 'openid offline_access' })
  expect(tokens).not.toHaveProperty('refresh_token')
})

test('POST /authorize does what GET does', async () => {
  const { op, alice } = await stage()
  const { url, code_verifier } = authorizationUrl(op.issuer, demo)
  const body = new URL(url).search.slice(1)
  const answer = await op.fetch('/authorize', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  expect(answer.status).toBe(303)
  const { location } = await alice.open(answer.headers.get('location')!)
  const code = location!.searchParams.get('code')!
  expect((await redeem(op, demo, { code, code_verifier })).status).toBe(200)
})
