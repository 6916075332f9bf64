/** JWT-secured authorization responses: signed by us, for one client, read once. https://openid.net/specs/oauth-v2-jarm.html */
import { expect, test } from 'bun:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { authorizationUrl, claimsOf, demo, formPost, headerOf, type Json } from '../support/client.ts'
import { alice, person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

async function verified(op: Provider, jwt: string): Promise<Json> {
  const keys = (await (await op.fetch('/jwks.json')).json()) as JSONWebKeySet
  const { payload } = await jwtVerify(jwt, createLocalJWKSet(keys), {
    issuer: op.issuer,
    audience: demo.client_id,
    currentDate: new Date(op.clock.now()),
  })
  return payload
}

for (const [mode, part] of [
  ['jwt', 'search'],
  ['query.jwt', 'search'],
  ['fragment.jwt', 'hash'],
] as const)
  test(`${mode}: code, state and iss inside, nothing beside`, async () => {
    const op = await provider()
    const { url, code_verifier, params } = authorizationUrl(op.issuer, demo, { response_mode: mode })
    const location = await person(op.issuer, op.fetch).goThrough(url)
    const outside = new URLSearchParams(location[part].slice(1))
    expect([...outside.keys()]).toEqual(['response'])
    const inside = await verified(op, outside.get('response')!)
    expect(inside).toMatchObject({ state: params.state, iss: op.issuer, aud: demo.client_id })
    expect(Number(inside.exp)).toBeLessThanOrEqual(op.clock.now() / 1000 + 600)
    const answer = await op.fetch(
      '/token',
      formPost(demo, {
        grant_type: 'authorization_code',
        code: String(inside.code),
        redirect_uri: demo.redirect_uri,
        code_verifier,
      }),
    )
    expect(answer.status).toBe(200)
  })

test('form_post.jwt posts the response, errors are sealed too, and one client’s response is not another’s', async () => {
  const op = await provider()
  const visitor = person(op.issuer, op.fetch)
  await visitor.goThrough(authorizationUrl(op.issuer, demo).url)
  const { page } = await visitor.open(
    authorizationUrl(op.issuer, demo, { response_mode: 'form_post.jwt' }).url,
  )
  expect(page!.forms[0]!.action).toBe(demo.redirect_uri)
  expect(claimsOf(page!.forms[0]!.fields.response)).toMatchObject({ aud: demo.client_id })
  expect(headerOf(page!.forms[0]!.fields.response)).toMatchObject({ alg: 'RS256' })

  const { location } = await person(op.issuer, op.fetch).open(
    authorizationUrl(op.issuer, demo, { response_mode: 'jwt', prompt: 'none', state: 's1' }).url,
  )
  expect(await verified(op, location!.searchParams.get('response')!)).toMatchObject({
    error: 'login_required',
    state: 's1',
  })
  expect(location!.searchParams.get('error')).toBeNull()
})

test('tokens never travel in the query, and the algorithm is the registered one', async () => {
  const op = await provider({ env: { PROFILE: 'classic' } })
  const registered = await op.fetch('/register', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [demo.redirect_uri],
      response_types: ['code id_token'],
      grant_types: ['authorization_code', 'implicit'],
      authorization_signed_response_alg: 'ES256',
    }),
  })
  const client = { ...((await registered.json()) as { client_id: string }), redirect_uri: demo.redirect_uri }
  const visitor = person(op.issuer, op.fetch)
  const ask = (response_mode: string) =>
    authorizationUrl(op.issuer, client, { response_type: 'code id_token', response_mode }).url
  const login = await visitor.open(ask('jwt'))
  const consent = await visitor.press(login.page!, 'login', alice)
  const { location } = await visitor.press(consent.page!, 'allow')
  const response = new URLSearchParams(location!.hash.slice(1)).get('response')
  expect(headerOf(response).alg).toBe('ES256')
  expect(claimsOf(response)).toMatchObject({
    aud: client.client_id,
    code: expect.any(String),
    id_token: expect.any(String),
  })
  const refused = await visitor.open(ask('query.jwt'))
  const error = new URLSearchParams(refused.location!.hash.slice(1)).get('response')
  expect(claimsOf(error)).toMatchObject({ aud: client.client_id, error: 'invalid_request' })
})

test('an algorithm that SIGNING_ALGS leaves out cannot be registered', async () => {
  const op = await provider({ env: { SIGNING_ALGS: 'RS256 ES256' } })
  for (const member of [
    'authorization_signed_response_alg',
    'request_object_signing_alg',
    'userinfo_signed_response_alg',
  ]) {
    const answer = await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [demo.redirect_uri], [member]: 'PS256' }),
    })
    expect([member, answer.status, ((await answer.json()) as Json).error]).toEqual([
      member,
      400,
      'invalid_client_metadata',
    ])
  }
})
