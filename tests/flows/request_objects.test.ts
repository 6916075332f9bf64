/** Request objects: the request as a JWT that nobody on the way can change. https://www.rfc-editor.org/rfc/rfc9101 */
import { expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { Client, makeClient } from '../../src/models/client.ts'
import { authorizationUrl, formPost, type Json, type TestClient } from '../support/client.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { manage, register } from '../support/registration.ts'

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kty: 'EC' as const, kid: 'c1', alg: 'ES256' }] }
const thief = await generateKeyPair('ES256')

async function start(
  env: Record<string, string> = {},
  metadata: Json = {},
): Promise<{ op: Provider; client: TestClient }> {
  const op = await provider({ env })
  const client_id = 'signer'
  const { client, secret } = makeClient(op.context, {
    client_id,
    redirect_uris: ['https://rp.example/cb'],
    scope: 'openid profile email',
    jwks,
    ...metadata,
  })
  await Client.create(op.context, client)
  return { op, client: { client_id, client_secret: secret!, redirect_uri: 'https://rp.example/cb' } }
}

const sign = (claims: Json, key = privateKey, header: Json = {}) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'c1', typ: 'oauth-authz-req+jwt', ...header })
    .sign(key)

/** A request wholly inside an object, and the URL that carries it. */
async function signed(
  op: Provider,
  client: TestClient,
  more: Json = {},
  beside: Record<string, string> = {},
  key = privateKey,
  header: Json = {},
) {
  const { params, code_verifier } = authorizationUrl(op.issuer, client)
  const now = Math.floor(op.clock.now() / 1000)
  const object = await sign(
    { ...params, iss: client.client_id, aud: op.issuer, nbf: now, exp: now + 300, ...more },
    key,
    header,
  )
  const url = `${op.issuer}/authorize?${new URLSearchParams({ client_id: client.client_id, request: object, ...beside })}`
  return { url, object, params, code_verifier }
}

/** The error that came back, in the redirect or on a page. */
async function refusal(op: Provider, url: string): Promise<string | null> {
  const answer = await op.fetch(url)
  const location = answer.headers.get('location')
  if (location?.startsWith('https://rp.example')) {
    const { search, hash } = new URL(location)
    return new URLSearchParams(hash.slice(1) || search).get('error')
  }
  return answer.status === 400
    ? (/invalid_[a-z_]+|[a-z_]+_not_supported/.exec(await answer.text())?.[0] ?? null)
    : `${answer.status} ${location}`
}

test('what is inside counts, what is beside does not', async () => {
  const { op, client } = await start()
  const { url, params, code_verifier } = await signed(
    op,
    client,
    {},
    { scope: 'openid profile email phone', state: 'swapped', response_type: 'code' },
  )
  const location = await person(op.issuer, op.fetch).goThrough(url)
  expect(location.searchParams.get('state')).toBe(params.state!)
  const answer = await op.fetch(
    '/token',
    formPost(client, {
      grant_type: 'authorization_code',
      code: location.searchParams.get('code')!,
      redirect_uri: client.redirect_uri,
      code_verifier,
    }),
  )
  expect(((await answer.json()) as Json).scope).toBe('openid profile email')
})

test('the classic profile fills in from beside; a contradiction is an error', async () => {
  const { op, client } = await start({ PROFILE: 'classic' })
  const { url, params } = await signed(
    op,
    client,
    { state: undefined },
    { state: 'beside', response_type: 'code' },
  )
  const location = await person(op.issuer, op.fetch).goThrough(url)
  expect(location.searchParams.get('state')).toBe('beside')
  expect(params.state).not.toBe('beside')
  expect(
    await refusal(
      op,
      (await signed(op, client, {}, { response_type: 'id_token', redirect_uri: client.redirect_uri })).url,
    ),
  ).toBe('invalid_request_object')
})

test('whatever is wrong with the object is invalid_request_object, and no redirect from inside is believed', async () => {
  const { op, client } = await start()
  const now = Math.floor(op.clock.now() / 1000)
  const wrong = [
    await signed(op, client, {}, {}, thief.privateKey),
    await signed(op, client, { iss: 'other' }),
    await signed(op, client, { client_id: 'client123' }),
    await signed(op, client, { aud: 'https://other.example' }),
    await signed(op, client, { exp: now - 60 }),
    await signed(op, client, { nbf: now + 600 }),
    await signed(op, client, { sub: client.client_id }),
    await signed(op, client, { request: 'x' }),
    await signed(op, client, {}, {}, privateKey, { typ: 'at+jwt' }),
  ]
  for (const { url } of wrong) expect(await refusal(op, url)).toBe('invalid_request_object')
  const { params } = wrong[0]!
  const none = new UnsecuredJWT({ ...params }).encode()
  for (const object of ['nonsense', 'a.b.c', none, `${none}AA`, 'x'.repeat(40_000)])
    expect(
      await refusal(
        op,
        `${op.issuer}/authorize?${new URLSearchParams({ client_id: client.client_id, request: object })}`,
      ),
    ).toBe('invalid_request_object')
  expect(await refusal(op, (await signed(op, client, { redirect_uri: 'https://evil.example/cb' })).url)).toBe(
    'invalid_request',
  )
  // Where the query names a good redirect, the client hears of it.
  const told = await op.fetch(
    (await signed(op, client, { iss: 'other' }, { redirect_uri: client.redirect_uri })).url,
  )
  expect(told.headers.get('location')).toStartWith(`${client.redirect_uri}?error=invalid_request_object`)
})

test('unsigned objects are for clients that registered so, and never where signing is a duty', async () => {
  const { op, client } = await start({}, { request_object_signing_alg: 'none' })
  const { params } = authorizationUrl(op.issuer, client)
  const object = new UnsecuredJWT({ ...params }).encode()
  const url = `${op.issuer}/authorize?${new URLSearchParams({ client_id: client.client_id, request: object })}`
  expect((await person(op.issuer, op.fetch).goThrough(url)).searchParams.get('code')).not.toBeNull()
  const strict = await start(
    { REQUIRE_SIGNED_REQUEST_OBJECT: 'true' },
    { request_object_signing_alg: 'none' },
  )
  expect(await refusal(strict.op, url)).toBe('invalid_request_object')
})

test('where signing is a duty, pushed requests are signed too, fresh, and for us', async () => {
  const { op, client } = await start({ REQUIRE_SIGNED_REQUEST_OBJECT: 'true' })
  expect(await refusal(op, authorizationUrl(op.issuer, client).url)).toBe('invalid_request')
  const push = async (fields: Record<string, string>) => {
    const answer = await op.fetch('/par', formPost(client, fields))
    return (await answer.json()) as Json
  }
  const plain = Object.fromEntries(
    Object.entries(authorizationUrl(op.issuer, client).params).filter(
      (each): each is [string, string] => each[1] !== undefined,
    ),
  )
  expect((await push(plain)).error).toBe('invalid_request')
  const now = Math.floor(op.clock.now() / 1000)
  for (const stale of [
    { nbf: undefined },
    { exp: undefined },
    { aud: undefined },
    { nbf: now - 7200 },
    { exp: now + 7200 },
  ])
    expect((await push({ request: (await signed(op, client, stale)).object })).error).toBe(
      'invalid_request_object',
    )
  const { request_uri } = await push({ request: (await signed(op, client)).object })
  const location = await person(op.issuer, op.fetch).goThrough(
    `${op.issuer}/authorize?${new URLSearchParams({ client_id: client.client_id, request_uri: String(request_uri) })}`,
  )
  expect(location.searchParams.get('code')).not.toBeNull()
})

test('by reference: registered URIs alone are fetched, and their failures are invalid_request_uri', async () => {
  let body = ''
  let status = 200
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response(body, { status }) })
  const uri = `http://127.0.0.1:${server.port}/request.jwt`
  try {
    const { op, client } = await start(
      { OUTBOUND_ALLOW_HOSTS: `127.0.0.1:${server.port}` },
      { request_uris: [uri, 'http://127.0.0.1:1/gone'] },
    )
    const at = (request_uri: string) =>
      `${op.issuer}/authorize?${new URLSearchParams({ client_id: client.client_id, request_uri })}`
    body = (await signed(op, client)).object
    expect(
      (await person(op.issuer, op.fetch).goThrough(at(`${uri}#v1`))).searchParams.get('code'),
    ).not.toBeNull()
    for (const stranger of [
      `http://127.0.0.1:${server.port}/other`,
      'http://169.254.169.254/latest',
      'http://127.0.0.1:1/gone',
    ])
      expect(await refusal(op, at(stranger))).toBe('invalid_request_uri')
    status = 500
    expect(await refusal(op, at(uri))).toBe('invalid_request_uri')
    status = 200
    body = 'x'.repeat(100_000)
    expect(await refusal(op, at(uri))).toBe('invalid_request_uri')
  } finally {
    await server.stop(true)
  }
})

for (const [PROFILE, taken] of [
  ['classic', true],
  ['oauth21', false],
  ['mcp', false],
] as const)
  test(`PROFILE=${PROFILE}: ${taken ? 'anybody' : 'nobody'} registers unsigned request objects`, async () => {
    const op = await provider({ env: { PROFILE, RATE_LIMITING_ENABLED: 'false' } })
    const wish = { redirect_uris: ['https://rp.example/cb'], request_object_signing_alg: 'none' }
    const answer = await register(op, wish)
    expect(answer.status).toBe(taken ? 201 : 400)
    if (!taken) expect(answer.body.error).toBe('invalid_client_metadata')
    const { request_object_signing_alg: _, ...plain } = wish
    const { body } = await register(op, plain)
    const change = await manage(op, 'PUT', body, body.registration_access_token, {
      ...wish,
      client_id: body.client_id,
    })
    expect(change.status).toBe(taken ? 200 : 400)
    const discovery = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Json
    expect((discovery.request_object_signing_alg_values_supported as string[]).includes('none')).toBe(taken)

    // One that registered so in other times.
    const { client } = makeClient(op.context, { ...wish, client_id: 'old', self_registered: true })
    await Client.create(op.context, { ...client, scope: 'openid' })
    const { params } = authorizationUrl(
      op.issuer,
      { client_id: 'old', redirect_uri: 'https://rp.example/cb' },
      { scope: 'openid' },
    )
    const request = new UnsecuredJWT({ ...params }).encode()
    const asked = await op.fetch(`/authorize?${new URLSearchParams({ client_id: 'old', request })}`)
    expect(asked.status).toBe(taken ? 303 : 400)
  })

test('who registered no algorithm may leave a request object unsigned where that is offered, and there alone', async () => {
  for (const [PROFILE, metadata, taken] of [
    ['classic', {}, true],
    ['classic', { request_object_signing_alg: 'ES256' }, false],
    ['classic', { require_signed_request_object: true }, false],
    ['oauth21', {}, false],
    ['mcp', {}, false],
  ] as const) {
    const { op, client } = await start({ PROFILE }, metadata)
    const { params } = authorizationUrl(op.issuer, client)
    const request = new UnsecuredJWT({ ...params, client_id: client.client_id }).encode()
    const url = `${op.issuer}/authorize?${new URLSearchParams({ client_id: client.client_id, request })}`
    const location = (await op.fetch(url)).headers.get('location')
    expect([PROFILE, metadata, location?.includes('/login?') ?? false]).toEqual([PROFILE, metadata, taken])
  }
})

test('a request object of the future is none: ten seconds are the clocks, more than a minute is not', async () => {
  const { op, client } = await start()
  const now = Math.floor(op.clock.now() / 1000)
  for (const [ahead, taken] of [
    [8, true],
    [90, false],
  ] as const) {
    const { url } = await signed(op, client, { iat: now + ahead })
    expect([ahead, (await op.fetch(url)).headers.get('location')?.includes('/login?') ?? false]).toEqual([
      ahead,
      taken,
    ])
  }
})
