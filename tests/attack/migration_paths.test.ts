/** A second path is no second provider: what is proven, counted and allowed at one path is that of the other. */
import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { systemRandom } from '../../src/lib/random.ts'
import { authorizationUrl, claimsOf, formPost, type TestClient } from '../support/client.ts'
import {
  alice,
  authorize,
  bearer,
  browser,
  browserClient,
  demo,
  operatorClient,
  post,
  tokensOf,
} from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const on = { MIGRATION_PATHS: 'true' }

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const jwk = await exportJWK(publicKey)

const proof = (op: Provider, htu: string, htm = 'POST', more: Record<string, unknown> = {}) =>
  new SignJWT({ htm, htu, jti: systemRandom(12), iat: Math.floor(op.clock.now() / 1000), ...more })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
    .sign(privateKey)

const own = { grant_type: 'client_credentials' }

test('a DPoP proof holds at the path that it names and at no other, and once', async () => {
  const op = await provider({ env: on })
  const [here, there] = [`${op.issuer}/auth/token`, `${op.issuer}/token`]
  const at = (path: string, dpop: string) => post(op, path, demo, own, { dpop })
  for (const [path, htu] of [
    ['/auth/token', there],
    ['/token', here],
    ['/auth/token', `${op.issuer}/auth/../token`],
    ['/token', `${op.issuer}/auth/../auth/token`],
    ['/auth/token', `${op.issuer}/auth/token/`],
  ] as const)
    expect([htu, (await at(path, await proof(op, htu))).body.error]).toEqual([htu, 'invalid_dpop_proof'])
  const good = await proof(op, here)
  expect((await at('/auth/token', good)).body).toMatchObject({ token_type: 'DPoP' })
  expect((await at('/auth/token', good)).body.error).toBe('invalid_dpop_proof')
  // The same jti for the other path: the key has used it.
  const jti = 'one-jti'
  expect((await at('/auth/token', await proof(op, here, 'POST', { jti }))).status).toBe(200)
  expect((await at('/token', await proof(op, there, 'POST', { jti }))).body.error).toBe('invalid_dpop_proof')
})

test('rate limits count both paths as one: by client, by address and by token', async () => {
  const env = { ...on, RATE_LIMITING_ENABLED: 'true' }
  const byClient = await provider({ env: { ...env, CLIENT_RATE_LIMIT_PER_MINUTE: '4' } })
  const statuses: number[] = []
  for (const path of ['/token', '/auth/token', '/token', '/auth/token', '/auth/token', '/token'])
    statuses.push((await post(byClient, path, demo, own)).status)
  expect(statuses).toEqual([200, 200, 200, 200, 429, 429])

  const byAddress = await provider({ env: { ...env, RATE_LIMIT_PER_MINUTE: '3' } })
  const anonymous: number[] = []
  for (const path of [
    '/authorize',
    '/auth/authorize',
    '/auth/challenge',
    '/auth/challenge',
    '/auth/authorize',
  ])
    anonymous.push((await byAddress.fetch(path, path.endsWith('challenge') ? { method: 'POST' } : {})).status)
  expect(anonymous).toEqual([400, 400, 200, 429, 429])

  const op = await provider({ env: { ...env, TOKEN_RATE_LIMIT_PER_MINUTE: '3' } })
  const { access_token } = await tokensOf(op, browser(op))
  const read: number[] = []
  for (const path of ['/userinfo', '/auth/userinfo', '/auth/userinfo', '/userinfo', '/auth/userinfo'])
    read.push((await op.fetch(path, bearer(access_token))).status)
  expect(read).toEqual([200, 200, 200, 429, 429])
})

test('guesses of a secret count together', async () => {
  const op = await provider({ env: { ...on, RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '4' } })
  const statuses: number[] = []
  for (const [i, path] of ['/token', '/auth/token', '/auth/refresh', '/auth/revoke', '/auth/token'].entries())
    statuses.push((await post(op, path, { ...demo, client_secret: `guess ${i}` }, { token: 'x' })).status)
  expect(statuses).toEqual([401, 401, 401, 401, 429])
  // Even the right secret, from this address.
  for (const path of ['/token', '/auth/token', '/auth/revoke'])
    expect([path, (await post(op, path, demo, { ...own, token: 'x' })).status]).toEqual([path, 429])
})

test('/auth/refresh takes refresh tokens alone, of the client that authenticated', async () => {
  const op = await provider({ env: on })
  const { refresh_token } = await tokensOf(op, browser(op))
  const { code, code_verifier } = await authorize(op, browser(op))
  const ask = (fields: Record<string, string>, client: TestClient = demo) =>
    post(op, '/auth/refresh', client, fields)
  for (const grant_type of ['client_credentials', 'authorization_code', 'password', 'refresh_token '])
    expect(
      (await ask({ grant_type, code, code_verifier, redirect_uri: demo.redirect_uri, refresh_token })).body
        .error,
    ).toBe('unsupported_grant_type')
  expect((await ask({ refresh_token }, browserClient)).body.error).toBe('invalid_grant')
  expect((await ask({ refresh_token }, { ...demo, client_secret: 'wrong' })).body.error).toBe(
    'invalid_client',
  )
  expect((await ask({})).body.error).toBe('invalid_request')
  const twice = await op.fetch('/auth/refresh', {
    ...formPost(demo, {}),
    body: `refresh_token=${refresh_token}&refresh_token=${refresh_token}`,
  })
  expect([twice.status, await twice.text()]).toEqual([400, expect.stringContaining('came more than once')])
  const twoTypes = await op.fetch('/auth/refresh', {
    ...formPost(demo, {}),
    body: `grant_type=refresh_token&grant_type=client_credentials&refresh_token=${refresh_token}`,
  })
  expect(twoTypes.status).toBe(400)
  // None of these has spent the token or the code.
  expect((await ask({ refresh_token })).status).toBe(200)
})

test('a refresh token that is replayed at the other path ends the grant', async () => {
  const op = await provider({ env: on })
  const { refresh_token } = await tokensOf(op, browser(op))
  const renewed = await post(op, '/auth/refresh', demo, { refresh_token })
  op.clock.advance(60_000)
  const replayed = await post(op, '/token', demo, { grant_type: 'refresh_token', refresh_token })
  expect(replayed.body.error).toBe('invalid_grant')
  const after = await post(op, '/auth/refresh', demo, { refresh_token: String(renewed.body.refresh_token) })
  expect(after.body.error).toBe('invalid_grant')
})

test('a client must be bound by DPoP at each path, and a client that pushes must push', async () => {
  const op = await provider({ env: on })
  const bound = await operatorClient(op, {
    client_id: 'bound',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    dpop_bound_access_tokens: true,
  })
  for (const path of ['/token', '/auth/token'])
    expect([path, (await post(op, path, bound, own)).body.error]).toEqual([path, 'invalid_dpop_proof'])
  const pushing = await operatorClient(op, {
    client_id: 'pushing',
    require_pushed_authorization_requests: true,
  })
  const { url } = authorizationUrl(op.issuer, pushing)
  const refused = await op.fetch(url.replace('/authorize?', '/auth/authorize?'))
  expect(refused.headers.get('location')).toContain('error=invalid_request')
})

test('a token for the provider is good at both paths, one for a path at that path', async () => {
  const op = await provider({ env: on })
  const narrow = await tokensOf(op, browser(op), demo, { resource: `${op.issuer}/userinfo` })
  expect(claimsOf(narrow.access_token).aud).toBe(`${op.issuer}/userinfo`)
  const statuses = ['/userinfo', '/auth/userinfo'].map(
    async (path) => (await op.fetch(path, bearer(narrow.access_token))).status,
  )
  expect(await Promise.all(statuses)).toEqual([200, 401])
  const { access_token } = await tokensOf(op, browser(op))
  expect(claimsOf(access_token).aud).toBe(op.issuer)
  for (const path of ['/userinfo', '/auth/userinfo'])
    expect((await op.fetch(path, bearer(access_token))).status).toBe(200)
  const answer = await op.fetch('/auth/userinfo')
  // RFC 9728 §3.3: metadata of /userinfo would be refused by a client that asked at /auth/userinfo.
  expect(answer.headers.get('www-authenticate')).not.toContain('resource_metadata')
})

test('the page of a sign-in, its form and its cookies are those of the provider', async () => {
  const op = await provider({ env: on })
  const who = browser(op)
  const { url } = authorizationUrl(op.issuer, demo)
  const { page } = await who.open(url.replace('/authorize?', '/auth/authorize?'))
  expect(new URL(page!.url).pathname).toBe('/login')
  const first = await op.fetch(url.replace('/authorize?', '/auth/authorize?'))
  for (const cookie of first.headers.getSetCookie()) expect(cookie).toContain('Path=/;')
  // A form of another site with the cookies of the browser.
  const { action, fields } = page!.forms.find(({ buttons }) => buttons.includes('login'))!
  const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const foreign = await op.fetch(action, {
    method: 'POST',
    body: new URLSearchParams({ ...fields, ...alice }),
    headers: { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  })
  expect(foreign.status).toBe(403)
})

test('scripts of another origin read no answer of a client', async () => {
  const op = await provider({ env: on })
  const evil = { origin: 'https://evil.example' }
  for (const path of ['/auth/token', '/auth/refresh']) {
    const fields = path.endsWith('token') ? own : { refresh_token: 'x' }
    const [here, there] = await Promise.all(
      [path, '/token'].map((each) => post(op, each, demo, { ...own, ...fields }, evil)),
    )
    expect(here!.headers.get('access-control-allow-origin')).toBe(
      there!.headers.get('access-control-allow-origin'),
    )
  }
  const preflight = await op.fetch('/auth/challenge', { method: 'OPTIONS', headers: evil })
  expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
  const pair = await op.fetch('/auth/challenge', { method: 'POST', headers: evil })
  expect(pair.headers.get('access-control-allow-origin')).toBeNull()
})

test('HEAD writes nothing and spends nothing', async () => {
  const op = await provider({ env: on })
  const { url } = authorizationUrl(op.issuer, demo)
  const head = { method: 'HEAD' }
  const asked = await op.fetch(url.replace('/authorize?', '/auth/authorize?'), head)
  expect([asked.status, asked.headers.getSetCookie()]).toEqual([303, []])
  expect((await op.fetch('/auth/.well-known/oauth-authorization-server', head)).status).toBe(200)
  for (const path of ['/auth/token', '/auth/refresh', '/auth/revoke', '/auth/challenge'])
    expect((await op.fetch(path, head)).status).toBe(405)
})

test('the pair is in no log and in no store', async () => {
  const op = await provider({ env: { ...on, LOG_LEVEL: 'debug' } })
  const answer = await op.fetch('/auth/challenge', { method: 'POST', body: 'code_verifier=chosen' })
  const { code_verifier, code_challenge } = (await answer.json()) as Record<string, string>
  expect(code_verifier).not.toBe('chosen')
  const kept: string[] = [...op.lines]
  for await (const item of op.context.store.scan()) kept.push(JSON.stringify(item))
  for (const secret of [code_verifier!, code_challenge!]) expect(kept.join('\n')).not.toContain(secret)
})

test('the recorder of the lab has no verifier', async () => {
  const op = await provider({ env: { ...on, LAB: 'true' } })
  const { code_verifier } = (await (await op.fetch('/auth/challenge', { method: 'POST' })).json()) as {
    code_verifier: string
  }
  const { flows } = op.context.recorder!
  expect(JSON.stringify(flows.list())).not.toContain(code_verifier)
  // It does record the endpoints at these paths, under their names.
  await post(op, '/auth/token', demo, own)
  await post(op, '/auth/refresh', demo, { refresh_token: 'x' })
  const seen = flows.list().flatMap(({ exchanges }) => exchanges.map(({ endpoint }) => endpoint))
  expect(seen.sort()).toEqual(['migration_refresh', 'token'])
})
