/** A Basic header holds the client_id and the secret form-encoded, as RFC 6749 §2.3.1 says, or raw, as many libraries send them. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { Client } from '../../src/models/client.ts'
import { withNewSecret } from '../../src/clients/client_secret.ts'
import { type Answer, operatorClient, read } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

const device = 'urn:ietf:params:oauth:grant-type:device_code'
const redirect_uri = 'https://app.example/cb'
const metadata = {
  redirect_uris: [redirect_uri],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials', device],
  require_pkce: false,
  either_secret_method: true,
}

let op: Provider
beforeAll(async () => {
  op = await provider({ env: { RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '1000' } })
})

/** A client with such a secret, which an operator may have brought from another provider. */
async function withSecret(client_id: string, secret: string, at = op): Promise<void> {
  await operatorClient(at, { ...metadata, client_id })
  await Client.update(at.context, client_id, (client) => withNewSecret(client, secret, 0, at.context))
}

const form = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
const header = (text: string, charset: BufferEncoding = 'utf8') => ({
  'content-type': 'application/x-www-form-urlencoded',
  authorization: `Basic ${Buffer.from(text, charset).toString('base64')}`,
})
async function send(
  text: string,
  fields: Record<string, string> = { grant_type: 'client_credentials' },
  path = '/token',
  at = op,
): Promise<Answer> {
  const body = new URLSearchParams(fields).toString()
  return read(await at.fetch(path, { method: 'POST', body, headers: header(text) }))
}

const secrets = [
  'plain-secret_of.letters',
  'ends with %',
  '%zz and %41',
  'a+b/c==',
  'a+b',
  'a%2Bb',
  'with:colons:',
  "~!*()'",
  'p\u00e4ssw\u00f6rd \u20ac \u{1f511}',
]

describe.each(secrets)('the secret %j', (secret) => {
  const id = `client ${secret.length} ${secrets.indexOf(secret)}`
  beforeAll(() => withSecret(id, secret))

  test('is taken encoded and raw, in each encoding of a library, and the id too', async () => {
    for (const name of [id, form(id), encodeURIComponent(id)])
      for (const text of [secret, form(secret), encodeURIComponent(secret)]) {
        const { status } = await send(`${name}:${text}`)
        expect([name, text, status]).toEqual([name, text, 200])
      }
  })

  test('and no other text is', async () => {
    for (const text of [form(form(secret)), `${secret}%20`, `${secret} `, secret.slice(1), `%${secret}`, ''])
      if (![secret, form(secret)].includes(text))
        expect([text, (await send(`${form(id)}:${text}`)).body.error]).toEqual([text, 'invalid_client'])
  })
})

test.each([
  ['/introspect', { token: 'x' }],
  ['/revoke', { token: 'x' }],
  ['/par', { response_type: 'code', redirect_uri, scope: 'openid' }],
  ['/device_authorization', { scope: 'openid' }],
] as [string, Record<string, string>][])('%s takes both', async (path, fields) => {
  const id = `all ${path}`
  await withSecret(id, '50%+x')
  for (const text of [`${id}:50%+x`, `${form(id)}:${form('50%+x')}`]) {
    const more = path === '/par' ? { client_id: id } : {}
    expect((await send(text, { ...fields, ...more }, path)).status).toBeLessThan(300)
  }
})

test.each([
  'https://app.example/client',
  'http://app.example:8080/client',
  'urn:example:client',
  'a+b',
  'a%2Bb',
  'a:b',
])('the client_id %j', async (id) => {
  await withSecret(id, 's%+')
  const grant_type = 'client_credentials'
  if (id !== 'a:b') expect((await send(`${id}:s%+`)).status).toBe(200)
  for (const text of [`${form(id)}:s%+`, `${encodeURIComponent(id)}:s%25%2B`])
    expect((await send(text)).status).toBe(200)
  expect((await send(`${id}:s%+`, { grant_type, client_id: id })).status).toBe(200)
  expect((await send(`${form(id)}:s%+`, { grant_type, client_id: id })).status).toBe(200)
  expect((await send(`${form(id)}:s%+`, { grant_type, client_id: 'other' })).body.error).toBe(
    'invalid_request',
  )
})

test('a header in Latin-1, as older libraries write it', async () => {
  await withSecret('latin', 'p\u00e4ss')
  const answer = await op.fetch('/token', {
    method: 'POST',
    body: 'grant_type=client_credentials',
    headers: header('latin:p\u00e4ss', 'latin1'),
  })
  expect(answer.status).toBe(200)
})

test('a raw client_id does not reach the client that its decoded form names', async () => {
  await withSecret('c d', 'first')
  await withSecret('c+d', 'second')
  // The encoded reading comes first: each client proves its own secret.
  expect((await send('c+d:first')).status).toBe(200)
  expect((await send('c%2Bd:second')).status).toBe(200)
  expect((await send('c%2Bd:first')).body.error).toBe('invalid_client')
  expect((await send('c+d:second')).body.error).toBe('invalid_client')
})

test('a header with two readings is two guesses', async () => {
  const strict = await provider({ env: { RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '10' } })
  await withSecret('guessed', 'right', strict)
  let tries = 0
  while ((await send(`guessed:%${60 + tries}`, undefined, undefined, strict)).status === 401) tries++
  expect(tries).toBe(5)
})
