/** Initial access tokens: an operator lets somebody else register so many clients, for so long, as what the token says. https://www.rfc-editor.org/rfc/rfc7591#section-3 */
import { afterAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { type NewToken, InitialAccessToken } from '../../src/models/initial_access_token.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Json } from '../support/client.ts'
import { commandLine } from '../support/command.ts'
import { type Provider, provider, spawnProvider, turnableClock } from '../support/provider.ts'
import { manage, register } from '../support/registration.ts'

const app = { redirect_uris: ['https://app.example/callback'] }
const ofVariable = 'an-initial-access-token-of-some-length'
const guarded = { REGISTRATION: 'token', REGISTRATION_INITIAL_ACCESS_TOKEN: ofVariable }

const issue = async (op: Provider, more: Partial<NewToken> = {}) =>
  InitialAccessToken.issue(op.context, op.context.random, {
    ...{ name: 'partner', uses: 1, lifetime: 3600, limits: {} },
    ...more,
  })

const by = (token: string) => ({ authorization: `Bearer ${token}` })

test('one use, one client; the variable’s token stays good', async () => {
  const op = await provider({ env: guarded })
  const { token, record } = await issue(op)
  const made = await register(op, app, by(token))
  expect(made.status).toBe(201)
  expect(made.body).not.toHaveProperty('registration_limits')
  const again = await register(op, app, by(token))
  expect([again.status, again.body.error]).toEqual([401, 'invalid_token'])
  expect(again.headers.get('www-authenticate')).toStartWith('Bearer ')
  expect((await register(op, app, by(ofVariable))).status).toBe(201)
  expect(op.lines.join('\n')).toContain(record.id)
})

test('neither the store nor the log has the token', async () => {
  const clock = turnableClock()
  const written: string[] = []
  const store = memoryStore(clock)
  const { create, replace } = store
  store.create = (key, value, ttl) => {
    written.push(key, value)
    return create.call(store, key, value, ttl)
  }
  store.replace = (key, before, value, ttl) => {
    written.push(key, value)
    return replace.call(store, key, before, value, ttl)
  }
  const op = await provider({ clock, store, env: guarded })
  const { token, record } = await issue(op)
  await register(op, app, by(token))
  expect(written.join('\n')).toContain(record.id)
  const secret = token.slice('lki_'.length + record.id.length)
  for (const text of [...written, ...op.lines]) expect(text).not.toContain(secret)
})

test('a refused registration uses nothing up', async () => {
  const op = await provider({ env: guarded })
  const { token } = await issue(op)
  const refused = await register(op, { redirect_uris: ['http://app.example/'] }, by(token))
  expect(refused.body.error).toBe('invalid_redirect_uri')
  expect((await register(op, app, by(token))).status).toBe(201)
})

test('of twenty at once on two instances as many register as there are uses', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const [a, b] = [
    await provider({ clock, store, env: guarded }),
    await provider({ clock, store, env: guarded }),
  ]
  const { token, record } = await issue(a, { uses: 7 })
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => register(i % 2 ? a : b, app, by(token))),
  )
  const statuses = answers.map(({ status }) => status)
  expect([
    statuses.filter((each) => each === 201).length,
    statuses.filter((each) => each === 401).length,
  ]).toEqual([7, 13])
  expect((await InitialAccessToken.list(a.context)).map(({ id, uses_left }) => [id, uses_left])).toEqual([
    [record.id, 0],
  ])
})

test('it ends: by time, by removal, and with a byte that differs', async () => {
  const op = await provider({ env: guarded })
  const [short, removed, whole] = [
    await issue(op, { lifetime: 60 }),
    await issue(op, { uses: 5 }),
    await issue(op),
  ]
  expect(await InitialAccessToken.remove(op.context, removed.record.id)).toBe(true)
  op.clock.advance(61_000)
  const last = whole.token.at(-1) === 'A' ? 'B' : 'A'
  for (const token of [
    short.token,
    removed.token,
    whole.token.slice(0, -1) + last,
    `lki_${whole.record.id}`,
    'lki_',
  ])
    expect([token, (await register(op, app, by(token))).status]).toEqual([token, 401])
  expect(await InitialAccessToken.list(op.context)).toHaveLength(1)
  expect((await register(op, app, by(whole.token))).status).toBe(201)
})

test('closed stays closed; open heeds a token that comes', async () => {
  const closed = await provider({ env: { REGISTRATION: 'closed' } })
  expect((await register(closed, app, by((await issue(closed)).token))).status).toBe(403)
  const open = await provider()
  const machine = { grant_types: ['client_credentials'], response_types: [], scope: '' }
  expect((await register(open, machine)).status).toBe(400)
  const { token } = await issue(open, { limits: { grant_types: ['client_credentials'] } })
  expect((await register(open, machine, by(token))).status).toBe(201)
  expect((await register(open, app, by(token))).status).toBe(401)
})

describe('limits', () => {
  const limits = {
    scopes: ['openid', 'orders'],
    grant_types: ['authorization_code', 'client_credentials'],
    auth_methods: ['client_secret_post', 'none'],
    redirect_hosts: ['app.example', '*.tenants.example'],
  }
  const within: Json = {
    redirect_uris: ['https://app.example/cb', 'https://a.b.tenants.example:8443/cb'],
    token_endpoint_auth_method: 'client_secret_post',
    scope: 'openid orders',
    grant_types: ['authorization_code', 'client_credentials'],
  }
  const start = () => provider({ env: { ...guarded, SCOPES: 'orders stock' } })
  const beyond: [string, Json, string][] = [
    ['scope', { scope: 'openid stock' }, 'invalid_client_metadata'],
    ['a scope that others may have', { scope: 'openid email' }, 'invalid_client_metadata'],
    [
      'grant type',
      { grant_types: ['authorization_code', 'refresh_token'], scope: 'openid' },
      'invalid_client_metadata',
    ],
    [
      'authentication',
      { token_endpoint_auth_method: 'client_secret_basic', scope: 'openid' },
      'invalid_client_metadata',
    ],
    ['host', { redirect_uris: ['https://evil.example/cb'] }, 'invalid_redirect_uri'],
    ['the wildcard itself', { redirect_uris: ['https://tenants.example/cb'] }, 'invalid_redirect_uri'],
    ['a look-alike', { redirect_uris: ['https://eviltenants.example/cb'] }, 'invalid_redirect_uri'],
    ['a user part', { redirect_uris: ['https://app.example@evil.example/cb'] }, 'invalid_redirect_uri'],
    ['no host', { redirect_uris: ['com.example.app:/cb'] }, 'invalid_redirect_uri'],
    ['the way out', { post_logout_redirect_uris: ['https://evil.example/bye'] }, 'invalid_client_metadata'],
  ]

  test('what the token allows, beyond what everybody may', async () => {
    const op = await start()
    const { status, text } = await register(op, within, by((await issue(op, { limits })).token))
    expect([status, text]).toEqual([201, text])
    expect((await register(op, within, by(ofVariable))).status).toBe(400)
  })

  for (const [name, more, error] of beyond)
    test(`${name} beyond them is refused, now and in an update`, async () => {
      const op = await start()
      const { token } = await issue(op, { limits })
      expect((await register(op, { ...within, ...more }, by(token))).body.error).toBe(error)
      const { body } = await register(op, within, by(token))
      const update = { ...within, ...more, client_id: body.client_id }
      const answer = await manage(op, 'PUT', body, body.registration_access_token, update)
      expect([answer.status, answer.body.error]).toEqual([400, error])
      const same = await manage(op, 'PUT', body, body.registration_access_token, {
        ...within,
        client_id: body.client_id,
      })
      expect(same.status).toBe(200)
    })
})

describe('the command line', () => {
  const line = commandLine()
  const env = () => ({ STORE_URL: `sqlite:${join(line.folder, 'latchkey.db')}`, REGISTRATION: 'token' })
  const shell = () => commandLine(env())
  const cleanup: (() => unknown)[] = [line.remove]
  afterAll(async () => {
    for (const undo of cleanup.reverse()) await undo()
  })

  test('adds, lists and removes them beside a running server', async () => {
    const server = await spawnProvider(env())
    const operator = shell()
    cleanup.push(server.stop, operator.remove)
    const made = await operator.json<Record<string, string>>(
      ...['client', 'token', 'add', 'partner \u001b[2J', '--uses', '2', '--expires-in', '12h'],
      ...['--redirect-host', 'App.example', '--scope', 'openid', '--json'],
    )
    const ask = () =>
      fetch(`${server.issuer}/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...by(made.token!) },
        body: JSON.stringify(app),
      })
    const first = await ask()
    expect([first.status, ((await first.json()) as Json).scope]).toEqual([201, 'openid'])
    const { stdout } = await operator.latchkey(['client', 'token', 'list'])
    expect(stdout).toContain('1 of 2')
    expect(stdout).toContain('redirect_hosts: app.example')
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toContain(made.token!.slice(-30))
    expect((await operator.latchkey(['client', 'token', 'remove', made.id!])).code).toBe(0)
    expect((await ask()).status).toBe(401)
    expect((await operator.latchkey(['client', 'token', 'remove', made.id!])).code).toBe(1)
  })

  test('says what was expected', async () => {
    const operator = shell()
    cleanup.push(operator.remove)
    const mistakes: [string[], string][] = [
      [['--uses', '0'], '--uses: expected 1 to'],
      [['--expires-in', '30'], 'such as 90m'],
      [['--expires-in', '9999d'], 'such as 90m'],
      [['--scope', 'everything'], '--scope: expected one of openid'],
      [['--grant-type', 'password'], '--grant-type: expected one of authorization_code'],
      [['--auth-method', 'magic'], '--auth-method: expected one of'],
      [['--redirect-host', 'https://app.example'], 'without scheme and port'],
    ]
    for (const [args, words] of mistakes) {
      const { code, stderr } = await operator.latchkey(['client', 'token', 'add', 'x', ...args])
      expect([code, stderr]).toEqual([2, expect.stringContaining(words) as string])
    }
  })
})
