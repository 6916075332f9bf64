/** The paths of the migration report: the endpoints of this provider, mounted at /auth. docs/decisions/0097-migration-paths.md */
import { expect, test } from 'bun:test'
import { sha256 } from '../../src/lib/hash.ts'
import { buildTable } from '../../src/table.ts'
import { type Json } from '../support/client.ts'
import { authorize, bearer, browser, browserClient, demo, post, read } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const on = { MIGRATION_PATHS: 'true' }

const paths = [
  ['POST', '/auth/challenge'],
  ['GET', '/auth/authorize'],
  ['POST', '/auth/token'],
  ['POST', '/auth/refresh'],
  ['POST', '/auth/revoke'],
  ['GET', '/auth/userinfo'],
  ['GET', '/auth/.well-known/oauth-authorization-server'],
] as const

test('without the switch there is none of them', async () => {
  const op = await provider()
  for (const [method, path] of paths)
    expect([path, (await op.fetch(path, { method })).status]).toEqual([path, 404])
})

test('a pair for PKCE, which says why a client makes its own', async () => {
  const op = await provider({ env: on })
  const pairs = await Promise.all(
    [1, 2].map(async () => read(await op.fetch('/auth/challenge', { method: 'POST' }))),
  )
  for (const { status, headers, body } of pairs) {
    expect([status, headers.get('cache-control'), headers.get('access-control-allow-origin')]).toEqual([
      200,
      'no-store',
      null,
    ])
    expect(body).toMatchObject({ code_challenge_method: 'S256' })
    expect(String(body.code_verifier)).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(body.code_challenge).toBe(sha256(String(body.code_verifier)))
    expect(String(body.explanation)).toContain('makes its own')
  }
  const [first, second] = pairs
  expect(first!.body.code_verifier).not.toBe(second!.body.code_verifier)
  for (const method of ['GET', 'HEAD'])
    expect((await op.fetch('/auth/challenge', { method })).status).toBe(405)
})

test('the whole flow as the report has it: challenge, authorize, token, userinfo, refresh, revoke', async () => {
  const op = await provider({ env: on })
  const { body: pkce } = await read(await op.fetch('/auth/challenge', { method: 'POST' }))
  const who = browser(op)
  const request = new URLSearchParams({
    response_type: 'code',
    client_id: browserClient.client_id,
    redirect_uri: browserClient.redirect_uri,
    scope: 'openid profile',
    state: 's',
    code_challenge: String(pkce.code_challenge),
    code_challenge_method: 'S256',
  })
  const location = await who.goThrough(`${op.issuer}/auth/authorize?${request}`)
  expect(location.searchParams.get('iss')).toBe(op.issuer)
  const issued = await post(op, '/auth/token', browserClient, {
    grant_type: 'authorization_code',
    code: location.searchParams.get('code')!,
    redirect_uri: browserClient.redirect_uri,
    code_verifier: String(pkce.code_verifier),
  })
  expect(issued.status).toBe(200)
  const claims = async (token: unknown) => read(await op.fetch('/auth/userinfo', bearer(String(token))))
  expect((await claims(issued.body.access_token)).body).toMatchObject({
    sub: 'user-alice',
    name: 'Alice Adams',
  })
  const refresh_token = String(issued.body.refresh_token)
  // The report names no grant_type; that of the specification is accepted too.
  const renewed = await post(op, '/auth/refresh', browserClient, { refresh_token })
  expect(renewed.status).toBe(200)
  const again = await post(op, '/auth/refresh', browserClient, {
    grant_type: 'refresh_token',
    refresh_token: String(renewed.body.refresh_token),
  })
  expect(again.status).toBe(200)
  const last = String(again.body.access_token)
  expect((await post(op, '/auth/revoke', browserClient, { token: last })).status).toBe(200)
  expect((await claims(last)).status).toBe(401)
})

test('POST of the authorization request leads to the page, as at /authorize', async () => {
  const op = await provider({ env: on })
  const form = { method: 'POST', body: new URLSearchParams({ client_id: 'client123', state: 'a b' }) }
  const [here, there] = await Promise.all(
    ['/auth/authorize', '/authorize'].map((path) => op.fetch(path, form)),
  )
  expect([here!.status, here!.headers.get('location')]).toEqual([303, there!.headers.get('location')])
})

test('the metadata is the document of the provider, byte by byte, and the issuer stays the issuer', async () => {
  const op = await provider({ env: { ...on, ISSUER_URL: 'https://id.example/tenant' } })
  const text = async (path: string) => (await op.fetch(path)).text()
  const known = await text('/tenant/.well-known/openid-configuration')
  expect((JSON.parse(known) as Json).issuer).toBe('https://id.example/tenant')
  expect(await text('/tenant/auth/.well-known/oauth-authorization-server')).toBe(known)
  expect(known).not.toContain('/auth/')
  // RFC 8414 §3.1: the place where a client looks that takes /tenant/auth for an issuer. There is no such issuer.
  for (const path of [
    '/.well-known/oauth-authorization-server/tenant/auth',
    '/tenant/auth/.well-known/openid-configuration',
  ])
    expect((await op.fetch(path)).status).toBe(404)
})

test('a code of one path is redeemed at the other, once', async () => {
  const op = await provider({ env: on })
  const { code, code_verifier } = await authorize(op, browser(op))
  const fields = { grant_type: 'authorization_code', code, code_verifier, redirect_uri: demo.redirect_uri }
  const answers = await Promise.all(
    ['/auth/token', '/token', '/auth/token', '/token'].map((path) => post(op, path, demo, fields)),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400])
})

test('the OpenAPI document describes them while they are on', async () => {
  const described = async (env: Record<string, string>) =>
    Object.keys(
      ((await read(await (await provider({ env })).fetch('/openapi.json'))).body as { paths: object }).paths,
    ).filter((path) => path.startsWith('/auth/'))
  expect(await described({})).toEqual([])
  expect((await described(on)).sort()).toEqual([...new Set(paths.map(([, path]) => path))].sort())
})

test('a mount of an endpoint that is not there, or at a path that is taken, fails the boot', () => {
  const withMount = (endpoint: string, path: string) => () =>
    buildTable([{ name: 'a', operation: { mounts: [{ endpoint, path }] } }])
  expect(withMount('tokens', '/a')).toThrow('no endpoint tokens to mount at /a')
  expect(withMount('token', '/revoke')).toThrow('two endpoints claim /revoke')
})
