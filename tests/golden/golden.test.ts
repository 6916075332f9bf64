/** Discovery, decoded tokens and the answers round them, compared exactly with the JSON beside this file. UPDATE_GOLDEN=1 writes it anew. */
import { expect, test } from 'bun:test'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildTable } from '../../src/table.ts'
import { claimsOf, headerOf, type Json } from '../support/client.ts'
import {
  authorize,
  bearer,
  browser,
  browserClient,
  demo,
  operatorClient,
  post,
  read,
  redeem,
  refresh,
  tokensOf,
} from '../support/flow.ts'
import { provider, turnableClock } from '../support/provider.ts'

/** 2026-01-01T00:00:00Z: times are part of what is compared. */
const clock = () => turnableClock(1_767_225_600_000)
const fixedKeys = { ACCESS_TOKEN_ALG: 'ES256' }

function expectGolden(name: string, value: unknown): void {
  const path = join(import.meta.dir, `${name}.json`)
  const text = `${JSON.stringify(value, null, 2)}\n`
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text)
  if (!existsSync(path)) throw new Error(`${path} is missing: UPDATE_GOLDEN=1 bun test tests/golden makes it`)
  // Members in their order, but however `bun fmt` broke the lines.
  const kept = `${JSON.stringify(JSON.parse(readFileSync(path, 'utf8')), null, 2)}\n`
  expect(text, `meant so? UPDATE_GOLDEN=1 bun test tests/golden && bun fmt && git diff tests/golden`).toBe(
    kept,
  )
}

/** What is random, under its name; everything else stays. Fails when a member that should be random is not of its shape. */
const randomShapes: Record<string, RegExp> = {
  kid: /^[A-Za-z0-9_-]{43}$/,
  jti: /^[A-Za-z0-9_-]{20}$/,
  sid: /^[A-Za-z0-9_-]{20}$/,
  grant_id: /^[A-Za-z0-9_-]{20}$/,
  nonce: /^[A-Za-z0-9_-]{12}$/,
  at_hash: /^[A-Za-z0-9_-]{22}$/,
  code: /^lkc_[A-Za-z0-9_-]{64}$/,
  state: /^[A-Za-z0-9_-]{12}$/,
  session_state: /^[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{12}$/,
  refresh_token: /^lkr_[A-Za-z0-9_-]{67}$/,
  client_id: /^[A-Za-z0-9_-]{24}$/,
  client_secret: /^[A-Za-z0-9_-]{64}$/,
  'x-request-id': /^[A-Za-z0-9_-]{8}-[a-z0-9]+$/,
  x: /^[A-Za-z0-9_-]{43}$/,
  y: /^[A-Za-z0-9_-]{43}$/,
  n: /^[A-Za-z0-9_-]{342}$/,
}

function masked(value: unknown, random: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((each) => masked(each, random))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (!random.includes(name)) return [name, masked(member, random)]
      expect(member).toMatch(randomShapes[name]!)
      return [name, `<${name}>`]
    }),
  )
}

const decoded = (jwt: unknown, random: readonly string[]) =>
  masked({ header: headerOf(jwt), claims: claimsOf(jwt) }, random)

const headersOf = ({ headers }: { headers: Headers }) =>
  masked(Object.fromEntries([...headers].sort(([a], [b]) => (a < b ? -1 : 1))), ['x-request-id'])

test('discovery of the core alone', async () => {
  const op = await provider({ table: buildTable([]), clock: clock() })
  expectGolden('discovery_core', await (await op.fetch('/.well-known/openid-configuration')).json())
})

test('discovery with all features, as a production issuer with a path', async () => {
  const op = await provider({
    clock: clock(),
    env: {
      NODE_ENV: 'production',
      ISSUER_URL: 'https://id.example/tenant',
      SECRET_KEY: 'q8Zt3VnW1xYb6Lr0PcKd9MfHs5Ga2JeTu7Ro4Ni',
      STORE_URL: 'sqlite:./never-opened.db',
      ENCRYPTION_ALGS: 'RSA-OAEP-256 ECDH-ES',
    },
  })
  const answer = await op.fetch('https://id.example/tenant/.well-known/openid-configuration')
  expectGolden('discovery', await answer.json())
})

test('the JWKS: public members alone, in the order of the algorithms', async () => {
  const op = await provider({ clock: clock(), env: { ENCRYPTION_ALGS: 'RSA-OAEP-256 ECDH-ES' } })
  const { keys } = (await (await op.fetch('/jwks.json')).json()) as { keys: Json[] }
  expectGolden('jwks', masked({ keys }, ['kid', 'n', 'x', 'y']))
})

test('tokens of a code flow', async () => {
  const op = await provider({ clock: clock(), env: fixedKeys })
  const authorized = await authorize(op, browser(op), demo, {
    scope: 'openid profile email address phone offline_access',
    claims: '{"id_token":{"email":null}}',
  })
  const answer = await redeem(op, demo, authorized)
  const { access_token, id_token, ...rest } = answer.body
  expectGolden('code_flow', {
    location: {
      to: authorized.location.origin + authorized.location.pathname,
      params: masked(Object.fromEntries(authorized.location.searchParams), [
        'code',
        'state',
        'session_state',
      ]),
    },
    headers: headersOf(answer),
    response: masked(rest, ['refresh_token']),
    access_token: decoded(access_token, ['kid', 'jti', 'grant_id']),
    id_token: decoded(id_token, ['kid', 'sid', 'nonce', 'at_hash']),
    userinfo: (await read(await op.fetch('/userinfo', bearer(String(access_token))))).body,
    introspection: masked((await post(op, '/introspect', demo, { token: String(access_token) })).body, [
      'jti',
    ]),
  })
})

test('tokens of a refresh', async () => {
  const op = await provider({ clock: clock(), env: fixedKeys })
  const { refresh_token } = await tokensOf(op, browser(op), browserClient, { scope: 'openid email' })
  op.clock.advance(600_000)
  const { access_token, id_token, ...rest } = (
    await refresh(op, browserClient, refresh_token, { scope: 'openid' })
  ).body
  expectGolden('refresh', {
    response: masked(rest, ['refresh_token']),
    access_token: decoded(access_token, ['kid', 'jti', 'grant_id']),
    id_token: decoded(id_token, ['kid', 'sid', 'at_hash']),
  })
})

test('tokens of client_credentials', async () => {
  const op = await provider({
    clock: clock(),
    env: { ...fixedKeys, SCOPES: 'read', ACCESS_TOKEN_AUDIENCE: 'https://api.example' },
  })
  const robot = await operatorClient(op, {
    client_id: 'robot',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'read',
  })
  const { access_token, ...rest } = (await post(op, '/token', robot, { grant_type: 'client_credentials' }))
    .body
  expectGolden('client_credentials', { response: rest, access_token: decoded(access_token, ['kid', 'jti']) })
})

test('a registration, with the members of the core', async () => {
  const op = await provider({ clock: clock(), table: buildTable([]) })
  const answer = await read(
    await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: 'mobile-app', redirect_uris: ['com.myapp://callback'] }),
    }),
  )
  expectGolden('registration', masked(answer.body, ['client_id', 'client_secret']))
})

test('what masks would hide is not hidden: a member of another shape fails', () => {
  expect(() => masked({ jti: 'predictable' }, ['jti'])).toThrow()
  expect(masked({ jti: 'kept' }, [])).toEqual({ jti: 'kept' })
})
