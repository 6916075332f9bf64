/** An API that refuses at+jwt gets access tokens of typ JWT, and no token is taken for one of another kind. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { jwtBearerAssertion } from '../../src/auth/client_auth.ts'
import { isProvidersOwn } from '../../src/auth/person_claims.ts'
import { claimsOf, headerOf, type ClientMembers, type Json } from '../support/client.ts'
import {
  browser,
  introspect,
  operatorClient,
  outcome,
  post,
  read,
  tokensOf,
  userinfo,
} from '../support/flow.ts'
import { type Provider, provider, type ProviderOptions } from '../support/provider.ts'

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const typeOf = (name: string) => `urn:ietf:params:oauth:token-type:${name}`
const plain = { env: { ACCESS_TOKEN_TYP: 'JWT', RESOURCES: 'https://api.example' } }
const grown: ClientMembers = {
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials', exchange],
  require_pkce: false,
}

async function at(options: ProviderOptions = {}, members: ClientMembers = {}) {
  const op = await provider(options)
  const client = await operatorClient(op, { ...grown, client_id: 'app', ...members })
  return { op, client }
}
const swapped = async (
  op: Provider,
  client: Parameters<typeof post>[2],
  subject_token: string,
  more: Record<string, string>,
): Promise<string> => {
  const fields = { grant_type: exchange, subject_token, subject_token_type: typeOf('access_token'), ...more }
  return String((await post(op, '/token', client, fields)).body.access_token)
}
const machine = async (op: Provider, client: Parameters<typeof post>[2], more = {}) =>
  String((await post(op, '/token', client, { grant_type: 'client_credentials', ...more })).body.access_token)

describe('ACCESS_TOKEN_TYP and access_token_typ', () => {
  const rows: [env: Record<string, string>, member: 'at+jwt' | 'JWT' | undefined, typ: string][] = [
    [{}, undefined, 'at+jwt'],
    [{}, 'JWT', 'JWT'],
    [{ ACCESS_TOKEN_TYP: 'JWT' }, undefined, 'JWT'],
    [{ ACCESS_TOKEN_TYP: 'JWT' }, 'at+jwt', 'at+jwt'],
  ]
  test.each(rows)('%o, %p: %s', async (env, member, typ) => {
    const { op, client } = await at({ env }, member ? { access_token_typ: member } : {})
    const tokens = await tokensOf(op, browser(op), client, { scope: 'openid offline_access' })
    const again = await post(op, '/token', client, {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    })
    for (const token of [tokens.access_token, again.body.access_token, await machine(op, client)]) {
      expect(headerOf(token).typ).toBe(typ)
      expect(claimsOf(token).token_use).toBe(typ === 'JWT' ? 'access' : undefined)
    }
  })

  test('each type is accepted whatever is configured now', async () => {
    const { op, client } = await at({}, { access_token_typ: 'JWT' })
    const other = await operatorClient(op, { ...grown, client_id: 'other' })
    for (const each of [client, other]) {
      const { access_token } = await tokensOf(op, browser(op), each, { scope: 'openid' })
      expect((await userinfo(op, access_token)).body.sub).toBe('user-alice')
      const said = await introspect(op, access_token, each)
      expect(said).toMatchObject({ active: true, sub: 'user-alice' })
      expect(said).not.toHaveProperty('token_use')
      await post(op, '/revoke', each, { token: access_token })
      expect((await introspect(op, access_token, each)).active).toBe(false)
    }
  })

  test('a client may register it, and no other value', async () => {
    const op = await provider()
    const register = async (access_token_typ: unknown) => {
      const body = JSON.stringify({ redirect_uris: ['https://app.example/cb'], access_token_typ })
      const headers = { 'content-type': 'application/json' }
      return (await read(await op.fetch('/register', { method: 'POST', body, headers }))).body
    }
    expect((await register('JWT')).access_token_typ).toBe('JWT')
    for (const odd of ['jwt', 'at+JWT', 'logout+jwt', '', 5])
      expect((await register(odd)).error).toBe('invalid_client_metadata')
  })
})

describe('a token of one kind is none of another', () => {
  let op: Provider
  let client: Awaited<ReturnType<typeof at>>['client']
  let tokens: Awaited<ReturnType<typeof tokensOf>>
  /** JWTs of typ JWT that are no access tokens. */
  const others: Record<string, string> = {}

  beforeAll(async () => {
    const made = await at(plain, {
      include_claims_in_id_token: true,
      userinfo_signed_response_alg: 'RS256',
      introspection_signed_response_alg: 'RS256',
    })
    op = made.op
    client = made.client
    const who = browser(op)
    tokens = await tokensOf(op, who, client, { scope: 'openid profile email' })
    others['an ID Token'] = tokens.id_token
    others['a userinfo answer'] = (await userinfo(op, tokens.access_token)).text
    const jwt = { accept: 'application/token-introspection+jwt' }
    others['an introspection answer'] = (
      await post(op, '/introspect', client, { token: tokens.access_token }, jwt)
    ).text
    const query = { response_mode: 'jwt', prompt: 'none', scope: 'openid' }
    const location = await who.open(
      `${op.issuer}/authorize?${new URLSearchParams({ client_id: 'app', redirect_uri: client.redirect_uri, response_type: 'code', ...query })}`,
    )
    others['an authorization response'] = String(location.location?.searchParams.get('response'))
  })

  test('the others are JWTs of this provider without the mark', () => {
    expect(Object.keys(others)).toHaveLength(4)
    for (const jwt of Object.values(others)) {
      expect(jwt.split('.')).toHaveLength(3)
      expect(JSON.stringify(claimsOf(jwt))).not.toContain('token_use')
    }
    expect(isProvidersOwn('token_use')).toBe(true)
  })

  test('none of them is an access token at userinfo, introspection or token exchange', async () => {
    for (const [name, jwt] of Object.entries(others)) {
      expect([name, (await userinfo(op, jwt)).status]).toEqual([name, 401])
      const plainly = await operatorClient(op, { ...grown, client_id: `asks ${name}`.replaceAll(' ', '-') })
      expect([name, await introspect(op, jwt, plainly)]).toEqual([name, { active: false }])
      for (const type of ['access_token', 'jwt', 'id_token']) {
        const { body } = await post(op, '/token', client, {
          grant_type: exchange,
          subject_token: jwt,
          subject_token_type: typeOf(type),
        })
        expect([name, type, body.error]).toEqual([name, type, 'invalid_request'])
      }
    }
  })

  test('a mark in an unsigned, foreign or opaque text is nothing', async () => {
    const [, payload] = tokens.id_token.split('.')
    const marked = Buffer.from(
      JSON.stringify({ ...claimsOf(`.${payload}.`), token_use: 'access', client_id: 'app' }),
    ).toString('base64url')
    const [head, , signature] = tokens.access_token.split('.')
    for (const jwt of [`${head}.${marked}.${signature}`, `${head}.${marked}.`])
      expect((await userinfo(op, jwt)).status).toBe(401)
  })

  test('an access token is no hint of a sign-in or a sign-out', async () => {
    const who = browser(op)
    await tokensOf(op, who, client, { scope: 'openid' })
    const asked = { prompt: 'none', scope: 'openid' }
    expect(await outcome(op, who, { ...asked, id_token_hint: tokens.id_token }, client)).toBe('code')
    expect(await outcome(op, who, { ...asked, id_token_hint: tokens.access_token }, client)).toBe(
      'error:invalid_request',
    )
    const back = await who.open(`${op.issuer}/logout?id_token_hint=${tokens.access_token}`)
    expect(back.page?.html).not.toContain('signed out')
    expect(await outcome(op, who, asked, client)).toBe('code')
  })

  test('nor the proof of a client, a request object, an assertion or an ID Token to exchange', async () => {
    const jwks = (await (await op.fetch('/jwks.json')).json()) as never
    await operatorClient(op, {
      ...grown,
      client_id: 'mirror',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
    })
    const own = await machine(op, client)
    const send = async (fields: Record<string, string>) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const body = new URLSearchParams(fields).toString()
      return (await read(await op.fetch('/token', { method: 'POST', body, headers }))).body.error
    }
    for (const client_assertion of [own, tokens.access_token])
      for (const client_id of [undefined, 'app', 'mirror'])
        expect(
          await send({
            grant_type: 'client_credentials',
            client_assertion,
            client_assertion_type: jwtBearerAssertion,
            ...(client_id && { client_id }),
          }),
        ).toBe('invalid_client')
    const asked = { request: tokens.access_token, scope: 'openid' }
    const mirror = { client_id: 'mirror', redirect_uri: client.redirect_uri }
    const answer = await outcome(op, browser(op), asked, mirror).catch((error: unknown) => String(error))
    expect(answer).not.toBe('code')
    const { body } = await post(op, '/token', client, {
      grant_type: exchange,
      subject_token: tokens.access_token,
      subject_token_type: typeOf('id_token'),
    })
    expect(body.error).toBe('invalid_request')
  })
})

describe('a token whose audience is a client cannot pass there for an ID Token', () => {
  test('it is at+jwt, also as a copy of a copy; one for an API is not', async () => {
    const { op, client } = await at(plain, { exchange_audiences: ['shop'] })
    await operatorClient(op, { ...grown, client_id: 'shop' })
    const { access_token } = await tokensOf(op, browser(op), client, {
      scope: 'openid',
      resource: 'https://api.example',
    })
    expect(headerOf(access_token).typ).toBe('JWT')
    const swap = async (subject_token: string, more: Record<string, string>) =>
      (
        await post(op, '/token', client, {
          grant_type: exchange,
          subject_token,
          subject_token_type: typeOf('access_token'),
          ...more,
        })
      ).body as Json
    for (const audience of ['shop', 'app', 'shop app']) {
      const first = String((await swap(access_token, { audience })).access_token)
      expect([audience, headerOf(first).typ]).toEqual([audience, 'at+jwt'])
      expect(claimsOf(first)).not.toHaveProperty('token_use')
      const second = String((await swap(first, {})).access_token)
      expect([audience, headerOf(second).typ]).toEqual([audience, 'at+jwt'])
    }
    const api = await swap(access_token, { scope: 'openid' })
    expect(headerOf(api.access_token).typ).toBe('JWT')
    expect(claimsOf(api.access_token).token_use).toBe('access')
  })

  test('also where the client_id is a URL', async () => {
    const rp = 'https://rp.example/client'
    const { op, client } = await at(plain, { exchange_audiences: [rp, 'https://api.example'] })
    await operatorClient(op, { ...grown, client_id: rp })
    const { access_token } = await tokensOf(op, browser(op), client, { scope: 'openid' })
    const first = await swapped(op, client, access_token, { audience: rp })
    const second = await swapped(op, client, first, {})
    for (const each of [first, second])
      expect([headerOf(each).typ, claimsOf(each).aud]).toEqual(['at+jwt', rp])
    const both = await swapped(op, client, access_token, { audience: rp, resource: 'https://api.example' })
    expect(headerOf(both).typ).toBe('at+jwt')
  })

  test('of a metadata document too, also while the document cannot be fetched', async () => {
    let isUp = true
    const host = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: ({ url }): Response =>
        isUp
          ? Response.json({ client_id: url, redirect_uris: ['https://rp.example/cb'] })
          : new Response('', { status: 503 }),
    })
    const rp = `http://127.0.0.1:${host.port}/rp`
    try {
      const env = {
        ...plain.env,
        CLIENT_ID_METADATA_DOCUMENTS: 'true',
        OUTBOUND_ALLOW_HOSTS: `127.0.0.1:${host.port}`,
      }
      const { op, client } = await at({ env }, { exchange_audiences: [rp] })
      const { access_token } = await tokensOf(op, browser(op), client, {
        scope: 'openid',
        resource: 'https://api.example',
      })
      expect(headerOf(access_token).typ).toBe('JWT')
      const first = await swapped(op, client, access_token, { audience: rp })
      isUp = false
      op.clock.advance(700_000)
      const second = await swapped(op, client, first, {})
      for (const each of [first, second])
        expect([headerOf(each).typ, claimsOf(each).aud]).toEqual(['at+jwt', rp])
      expect(headerOf(await swapped(op, client, access_token, { scope: 'openid' })).typ).toBe('JWT')
    } finally {
      await host.stop(true)
    }
  })

  test('also where the client may name any resource, and one of them is a client', async () => {
    const { op, client } = await at(plain, { allowed_resources: ['*'] })
    await operatorClient(op, { ...grown, client_id: 'https://rp.example/client' })
    const typ = async (resource: string) =>
      headerOf((await tokensOf(op, browser(op), client, { scope: 'openid', resource })).access_token).typ
    expect(await typ('https://rp.example/client')).toBe('at+jwt')
    expect(await typ('https://other.example')).toBe('JWT')
    expect(headerOf(await machine(op, client, { resource: 'https://rp.example/client' })).typ).toBe('at+jwt')
  })

  test('a resource that the operator listed is the choice of the operator', async () => {
    const { op, client } = await at(plain)
    await operatorClient(op, { ...grown, client_id: 'https://api.example' })
    const asked = { scope: 'openid', resource: 'https://api.example' }
    expect(headerOf((await tokensOf(op, browser(op), client, asked)).access_token).typ).toBe('JWT')
  })
})
