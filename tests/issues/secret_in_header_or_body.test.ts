/** A client sends its secret as its library does, and a public client is public whatever header its library sends. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { systemRandom } from '../../src/lib/random.ts'
import { makeClient } from '../../src/models/client.ts'
import { demandsOn } from '../../src/cli/client_demands.ts'
import type { Json } from '../support/client.ts'
import { commandLine } from '../support/command.ts'
import { type Answer, authorize, browser, operatorClient, read, tokensOf } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const device = 'urn:ietf:params:oauth:grant-type:device_code'
const ciba = 'urn:openid:params:grant-type:ciba'
const redirect_uri = 'https://app.example/cb'
const web = {
  redirect_uris: [redirect_uri],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials', device],
  require_pkce: false,
}

let op: Provider
const secrets: Record<string, string> = {}

beforeAll(async () => {
  op = await provider()
  const make = async (client_id: string, more: object) => {
    secrets[client_id] = (await operatorClient(op, { ...web, client_id, ...more })).client_secret ?? ''
  }
  await make('open', {
    either_secret_method: true,
    grant_types: [...web.grant_types, ciba],
    backchannel_token_delivery_mode: 'poll',
  })
  await make('header', { token_endpoint_auth_method: 'client_secret_basic' })
  await make('body', { token_endpoint_auth_method: 'client_secret_post' })
  await make('moved', { token_endpoint_auth_method: 'client_secret_jwt', either_secret_method: true })
  await make('spa', {
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', device],
  })
})

type Way = 'header' | 'body'
const encoded = (text: string) => encodeURIComponent(text)
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${btoa(`${encoded(id)}:${encoded(secret)}`)}`,
})
const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' }

async function send(
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
  at = op,
): Promise<Answer> {
  const body = new URLSearchParams(fields).toString()
  return read(await at.fetch(path, { method: 'POST', body, headers: { ...urlencoded, ...headers } }))
}

const as = (id: string, way: Way, path: string, fields: Record<string, string>, secret = secrets[id]!) =>
  way === 'header'
    ? send(path, fields, basic(id, secret))
    : send(path, { ...fields, client_id: id, client_secret: secret })

const requests: [path: string, fields: Record<string, string>][] = [
  ['/token', { grant_type: 'client_credentials' }],
  ['/introspect', { token: 'x' }],
  ['/revoke', { token: 'x' }],
  ['/par', { response_type: 'code', client_id: 'open', redirect_uri, scope: 'openid' }],
  ['/device_authorization', { scope: 'openid' }],
  ['/bc-authorize', { scope: 'openid', login_hint: 'alice' }],
]

describe('a client that an operator added without naming a method', () => {
  test.each(requests)('%s takes its secret in the header and in the body', async (path, fields) => {
    for (const way of ['header', 'body'] as const) {
      const { status, text } = await as('open', way, path, fields)
      expect([way, text.slice(0, 80), status >= 200 && status < 300]).toEqual([way, text.slice(0, 80), true])
    }
  })

  test.each(requests)('%s refuses a wrong and an empty secret either way', async (path, fields) => {
    for (const way of ['header', 'body'] as const)
      for (const secret of ['', 'wrong', `${secrets.open} `, secrets.header!])
        expect((await as('open', way, path, fields, secret)).body.error).toBe('invalid_client')
    expect((await send(path, { ...fields, client_id: 'open' })).body.error).toBe('invalid_client')
  })

  test('one way at a time', async () => {
    const both = { grant_type: 'client_credentials', client_id: 'open', client_secret: secrets.open! }
    expect((await send('/token', both, basic('open', secrets.open!))).body.error).toBe('invalid_request')
  })

  test('a refresh may use the other way', async () => {
    const client = { client_id: 'open', client_secret: secrets.open!, redirect_uri }
    const { refresh_token } = await tokensOf(op, browser(op), client, { scope: 'openid offline_access' })
    const fields = { grant_type: 'refresh_token', refresh_token }
    expect((await as('open', 'body', '/token', fields)).status).toBe(200)
  })

  test('only in a way that the provider offers', async () => {
    const narrow = await provider({ env: { CLIENT_AUTH_METHODS: 'client_secret_basic' } })
    const client = await operatorClient(narrow, { ...web, client_id: 'open', either_secret_method: true })
    const fields = { grant_type: 'client_credentials' }
    const secret = client.client_secret!
    expect((await send('/token', fields, basic('open', secret), narrow)).status).toBe(200)
    const posted = await send('/token', { ...fields, client_id: 'open', client_secret: secret }, {}, narrow)
    expect(posted.body.error).toBe('invalid_client')
    const posting = await provider({ env: { CLIENT_AUTH_METHODS: 'client_secret_post' } })
    const made = makeClient(
      { ...posting.context, random: systemRandom },
      { ...web, client_id: 'one', either_secret_method: true },
    )
    expect(demandsOn(made.client, posting.context)).not.toContainEqual(
      expect.stringContaining('token_endpoint_auth_method'),
    )
  })

  test('the demo client is one', async () => {
    const fields = { grant_type: 'client_credentials' }
    secrets.client123 = 'secret456'
    expect((await as('client123', 'body', '/token', fields)).status).toBe(200)
    expect((await as('client123', 'header', '/token', fields)).status).toBe(200)
  })
})

describe('a method that is named is the only one', () => {
  test.each([
    ['header', 'body'],
    ['body', 'header'],
    ['moved', 'header'],
    ['moved', 'body'],
  ] as const)('%s does not authenticate by the %s', async (id, way) => {
    const { body } = await as(id, way, '/token', { grant_type: 'client_credentials' })
    expect(body.error).toBe('invalid_client')
  })

  test('the default of a client that registers itself is a name', async () => {
    const body = JSON.stringify({ redirect_uris: [redirect_uri], either_secret_method: true })
    const headers = { 'content-type': 'application/json' }
    const made = await read(await op.fetch('/register', { method: 'POST', body, headers }))
    expect(made.body).not.toHaveProperty('either_secret_method')
    const [id, secret] = [String(made.body.client_id), String(made.body.client_secret)]
    expect((await as(id, 'header', '/revoke', { token: 'x' }, secret)).status).toBe(200)
    expect((await as(id, 'body', '/revoke', { token: 'x' }, secret)).body.error).toBe('invalid_client')
  })
})

describe('a public client that sends Basic with an empty secret', () => {
  const empty = basic('spa', '')

  test('redeems, refreshes and revokes', async () => {
    const client = { client_id: 'spa', redirect_uri }
    const { code, code_verifier } = await authorize(op, browser(op), client, {
      scope: 'openid offline_access',
    })
    const fields = { grant_type: 'authorization_code', code, redirect_uri, code_verifier }
    const tokens = await send('/token', fields, empty)
    expect(tokens.status).toBe(200)
    const refresh_token = String(tokens.body.refresh_token)
    const next = await send('/token', { grant_type: 'refresh_token', refresh_token }, empty)
    expect(next.status).toBe(200)
    const token = String(next.body.refresh_token)
    expect((await send('/revoke', { token, client_id: 'spa' }, empty)).status).toBe(200)
  })

  test('pushes requests and asks for device codes', async () => {
    const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    const pushed = { response_type: 'code', client_id: 'spa', redirect_uri, scope: 'openid' }
    const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
    expect((await send('/par', { ...pushed, ...pkce }, empty)).status).toBe(201)
    expect((await send('/device_authorization', { scope: 'openid' }, empty)).status).toBe(200)
  })

  test('is no more than a public client', async () => {
    expect((await send('/token', { grant_type: 'client_credentials' }, empty)).body.error).toBe(
      'unauthorized_client',
    )
    const named = await send('/introspect', { token: 'x' }, empty)
    const plain = await send('/introspect', { token: 'x', client_id: 'spa' })
    expect(named.body).toEqual(plain.body)
  })

  test('a secret, another client_id and a second method are refused as before', async () => {
    const token = { token: 'x' }
    for (const secret of ['x', ' ', 'undefined', 'null'])
      expect((await send('/revoke', token, basic('spa', secret))).body.error).toBe('invalid_client')
    expect((await send('/revoke', { ...token, client_id: 'open' }, empty)).body.error).toBe('invalid_request')
    expect((await send('/revoke', { ...token, client_secret: 'x' }, empty)).body.error).toBe(
      'invalid_request',
    )
    expect((await send('/revoke', token, basic('nobody', ''))).body.error).toBe('invalid_client')
  })
})

describe('latchkey client add', () => {
  const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
  afterAll(line.remove)
  const add = (...options: string[]) =>
    line.json<Json>('client', 'add', 'Client', '--redirect-uri', redirect_uri, '--json', ...options)

  test('without a method: either way; with one, public or with keys: that one', async () => {
    expect((await add()).either_secret_method).toBe(true)
    await Bun.write(`${line.folder}/named.json`, '{"token_endpoint_auth_method":"client_secret_basic"}')
    await Bun.write(`${line.folder}/null.json`, '{"token_endpoint_auth_method":null}')
    expect((await add('--metadata', 'null.json')).either_secret_method).toBe(true)
    for (const options of [
      ['--auth-method', 'client_secret_basic'],
      ['--auth-method', 'client_secret_post'],
      ['--public'],
      ['--metadata', 'named.json'],
    ])
      expect(await add(...options)).not.toHaveProperty('either_secret_method')
  }, 60_000)

  test('where the provider takes the secret in the body alone, the default is that', async () => {
    const narrow = commandLine({ STORE_URL: 'sqlite:l.db', CLIENT_AUTH_METHODS: 'client_secret_post none' })
    const options = ['--redirect-uri', redirect_uri, '--client-id', 'one', '--json']
    const posting = { either_secret_method: true, token_endpoint_auth_method: 'client_secret_post' }
    expect(await narrow.json<Json>('client', 'add', 'Client', ...options)).toMatchObject(posting)
    const unset = ['--unset', 'token_endpoint_auth_method', '--json']
    expect(await narrow.json<Json>('client', 'set', 'one', ...unset)).toMatchObject(posting)
    narrow.remove()
  }, 60_000)

  test('client set names a method and takes the name away', async () => {
    const { client_id } = await add()
    const set = (...options: string[]) =>
      line.json<Json>('client', 'set', String(client_id), '--json', ...options)
    expect((await set('--name', 'Other')).either_secret_method).toBe(true)
    for (const name of ['client_secret_basic', 'client_secret_post'])
      expect(await set('--auth-method', name)).not.toHaveProperty('either_secret_method')
    expect(await set('--name', 'Client')).not.toHaveProperty('either_secret_method')
    const after = await set('--unset', 'token_endpoint_auth_method')
    expect(after).toMatchObject({
      either_secret_method: true,
      token_endpoint_auth_method: 'client_secret_basic',
    })
    expect(await set('--public')).not.toHaveProperty('either_secret_method')
  }, 60_000)
})
