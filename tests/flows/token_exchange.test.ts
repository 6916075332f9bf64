/** Token exchange: down the line a token says less, and says who acts. https://www.rfc-editor.org/rfc/rfc8693 */
import { describe, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { systemRandom } from '../../src/lib/random.ts'
import { Client, makeClient } from '../../src/models/client.ts'
import { User } from '../../src/models/user.ts'
import { authorizationUrl, claimsOf, demo, formPost, type Json, type TestClient } from '../support/client.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const grant_type = 'urn:ietf:params:oauth:grant-type:token-exchange'
const access = 'urn:ietf:params:oauth:token-type:access_token'

async function service(op: Provider, client_id: string, more: Json = {}): Promise<TestClient> {
  const { client, secret } = makeClient(op.context, {
    client_id,
    grant_types: [grant_type, 'client_credentials'],
    response_types: [],
    scope: 'openid profile email',
    ...more,
  })
  await Client.create(op.context, client)
  return { client_id, client_secret: secret!, redirect_uri: '' }
}

async function userToken(op: Provider): Promise<Json> {
  const { url, code_verifier } = authorizationUrl(op.issuer, demo)
  const location = await person(op.issuer, op.fetch).goThrough(url)
  const answer = await op.fetch(
    '/token',
    formPost(demo, {
      grant_type: 'authorization_code',
      code: location.searchParams.get('code')!,
      redirect_uri: demo.redirect_uri,
      code_verifier,
    }),
  )
  return (await answer.json()) as Json
}

async function exchange(
  op: Provider,
  client: TestClient,
  subject_token: unknown,
  more: Record<string, string> = {},
) {
  const answer = await op.fetch(
    '/token',
    formPost(client, {
      grant_type,
      subject_token: String(subject_token),
      subject_token_type: access,
      ...more,
    }),
  )
  return { status: answer.status, body: (await answer.json()) as Json }
}

for (const format of ['jwt', 'opaque'])
  test(`${format}: delegation along a chain, narrower at each step, dead with the first grant`, async () => {
    const op = await provider({ env: { ACCESS_TOKEN_FORMAT: format } })
    const [orders, stock] = [
      await service(op, 'orders', { resource_server: true }),
      await service(op, 'stock'),
    ]
    const tokens = await userToken(op)
    const first = await exchange(op, orders, tokens.access_token, {
      scope: 'openid profile',
      audience: 'stock',
    })
    expect(first.body).toMatchObject({
      issued_token_type: access,
      token_type: 'Bearer',
      scope: 'openid profile',
    })
    expect(first.body.refresh_token).toBeUndefined()
    const second = await exchange(op, stock, first.body.access_token, { scope: 'openid', audience: 'stock' })
    const read = async (token: unknown) =>
      (await (await op.fetch('/introspect', formPost(stock, { token: String(token) }))).json()) as Json
    expect(await read(second.body.access_token)).toMatchObject({
      active: true,
      sub: 'user-alice',
      client_id: 'stock',
      aud: 'stock',
      scope: 'openid',
      act: { sub: 'stock', act: { sub: 'orders' } },
    })
    const wider = await exchange(op, stock, second.body.access_token, { scope: 'openid profile' })
    expect(wider.body.error).toBe('invalid_scope')
    await op.fetch('/revoke', formPost(demo, { token: String(tokens.refresh_token) }))
    expect(await read(second.body.access_token)).toEqual({ active: false })
  })

test('who may trade what', async () => {
  const op = await provider()
  const [stranger, orders] = [
    await service(op, 'stranger'),
    await service(op, 'orders', { resource_server: true }),
  ]
  const tokens = await userToken(op)
  expect((await exchange(op, stranger, tokens.access_token)).body.error).toBe('invalid_request')
  expect((await exchange(op, demo, tokens.access_token)).body.error).toBe('unauthorized_client')
  for (const bad of [tokens.id_token, tokens.refresh_token, 'nonsense'])
    expect((await exchange(op, orders, bad)).body.error).toBe('invalid_request')
  const actor = (await (
    await op.fetch('/token', formPost(orders, { grant_type: 'client_credentials' }))
  ).json()) as Json
  const foreign = await exchange(
    op,
    await service(op, 'thief', { resource_server: true }),
    tokens.access_token,
    { actor_token: String(actor.access_token), actor_token_type: access },
  )
  expect(foreign.body.error).toBe('invalid_request')
  const acted = await exchange(op, orders, tokens.access_token, {
    actor_token: String(actor.access_token),
    actor_token_type: access,
  })
  expect(claimsOf(acted.body.access_token).act).toEqual({ sub: 'orders' })
  expect((await exchange(op, orders, tokens.access_token, { actor_token: 'x' })).body.error).toBe(
    'invalid_request',
  )
  expect(
    (
      await exchange(op, orders, tokens.access_token, {
        requested_token_type: 'urn:ietf:params:oauth:token-type:saml2',
      })
    ).body.error,
  ).toBe('invalid_request')
  expect((await exchange(op, orders, tokens.access_token, { audience: 'nobody' })).body.error).toBe(
    'invalid_target',
  )
})

test('impersonation is for those an operator named, and a copy never outlives its original', async () => {
  const op = await provider({ env: { ACCESS_TOKEN_TTL: '600' } })
  const desk = await service(op, 'desk', { resource_server: true, may_impersonate: true })
  const tokens = await userToken(op)
  op.clock.advance(500_000)
  const { body } = await exchange(op, desk, tokens.access_token)
  expect(claimsOf(body.access_token).act).toBeUndefined()
  expect(body.expires_in).toBeLessThanOrEqual(100)
  const self = await op.fetch('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ grant_types: [grant_type], response_types: [], may_impersonate: true }),
  })
  expect(self.status).toBe(400)
})

test('a client trades its own bound token with its key alone, and carries no bearer copy away', async () => {
  const op = await provider()
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  const proof = () =>
    new SignJWT({
      htm: 'POST',
      htu: `${op.issuer}/token`,
      jti: systemRandom(12),
      iat: Math.floor(op.clock.now() / 1000),
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .sign(privateKey)
  const own = await service(op, 'own')
  const fields = { grant_type: 'client_credentials' }
  const bound = (await (
    await op.fetch('/token', formPost(own, fields, { dpop: await proof() }))
  ).json()) as Json
  expect((await exchange(op, own, bound.access_token)).body.error).toBe('invalid_request')
  const subject = { grant_type, subject_token: String(bound.access_token), subject_token_type: access }
  const again = await op.fetch('/token', formPost(own, subject, { dpop: await proof() }))
  expect((await again.json()) as Json).toMatchObject({ token_type: 'DPoP' })
})

describe('a client that trades its own token of a person', () => {
  const [notes, mail] = ['https://notes.example/api', 'https://mail.example/api']

  async function stage(more: Json = {}, asked: Record<string, string> = { resource: notes }) {
    const op = await provider({ env: { RESOURCES: `${notes} ${mail}` } })
    const rp = await service(op, 'rp', {
      redirect_uris: [demo.redirect_uri],
      response_types: ['code'],
      grant_types: ['authorization_code', 'client_credentials', grant_type],
      ...more,
    })
    await service(op, 'stock')
    const client = { ...rp, redirect_uri: demo.redirect_uri }
    const { url, code_verifier } = authorizationUrl(op.issuer, client, { scope: 'openid', ...asked })
    const code = (await person(op.issuer, op.fetch).goThrough(url)).searchParams.get('code')!
    const fields = { grant_type: 'authorization_code', code, code_verifier, redirect_uri: demo.redirect_uri }
    const tokens = (await (await op.fetch('/token', formPost(client, fields))).json()) as Json
    const trade = async (target: Record<string, string>) => {
      const { status, body } = await exchange(op, client, tokens.access_token, target)
      return status === 200 ? claimsOf(body.access_token).aud : body.error
    }
    return { op, client, trade }
  }

  test('gets what the authorization said, and no way round it', async () => {
    const { trade } = await stage()
    expect(await trade({})).toBe(notes)
    expect(await trade({ resource: notes })).toBe(notes)
    expect(await trade({ resource: mail })).toBe('invalid_target')
    expect(await trade({ audience: 'stock' })).toBe('invalid_target')
    expect(await trade({ resource: notes, audience: 'stock' })).toBe('invalid_target')
    expect(await trade({ audience: 'rp' })).toBe('rp')
  })

  test('nor when the authorization named no resource', async () => {
    const { op, trade } = await stage({}, {})
    expect(await trade({ resource: mail })).toBe('invalid_target')
    expect(await trade({})).toBe(op.issuer)
  })

  test('beyond it where an operator said so', async () => {
    const { trade } = await stage({ exchange_audiences: ['stock', mail] })
    expect(await trade({ audience: 'stock' })).toBe('stock')
    expect(await trade({ resource: mail })).toBe(mail)
    expect(await trade({ resource: mail, audience: 'stock' })).toEqual(['stock', mail])
    expect(await trade({ resource: 'https://other.example/' })).toBe('invalid_target')
  })

  test('of nobody but itself it may ask for any resource of RESOURCES, as it may without trading', async () => {
    const { op, client } = await stage()
    const own = (await (
      await op.fetch('/token', formPost(client, { grant_type: 'client_credentials' }))
    ).json()) as Json
    const { body } = await exchange(op, client, own.access_token, { resource: mail })
    expect(claimsOf(body.access_token).aud).toBe(mail)
  })

  test('a client that registered itself trades its own token for no audience', async () => {
    const { op, client } = await stage({ self_registered: true })
    const own = (await (
      await op.fetch('/token', formPost(client, { grant_type: 'client_credentials' }))
    ).json()) as Json
    for (const target of [{ resource: mail }, { audience: 'stock' }] as Record<string, string>[])
      expect((await exchange(op, client, own.access_token, target)).body.error).toBe('invalid_target')
    expect((await exchange(op, client, own.access_token)).status).toBe(200)
  })

  test('nobody registers that privilege', async () => {
    const op = await provider()
    const answer = await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['https://app.example/cb'], exchange_audiences: ['stock'] }),
    })
    const { client_id } = (await answer.json()) as Json
    expect((await Client.find(op.context, String(client_id)))!.exchange_audiences).toBeUndefined()
  })
})

test('the token of a person whose account is disabled or about to end is traded for nothing', async () => {
  const op = await provider()
  const orders = await service(op, 'orders', { resource_server: true })
  const { access_token } = await userToken(op)
  const changed = (change: Partial<User>) =>
    User.update(op.context, 'user-alice', (user) => ({ ...user, ...change }))
  for (const change of [{ disabled: true }, { disabled: false, leaving_at: 4_000_000_000 }]) {
    await changed(change)
    const refused = await exchange(op, orders, access_token)
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  }
  await changed({ leaving_at: undefined })
  expect((await exchange(op, orders, access_token)).status).toBe(200)
})
