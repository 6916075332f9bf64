/** openid-client 6 as a relying party of a running provider, demo clients and registered ones. https://github.com/panva/openid-client */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as oidc from 'openid-client'
import { alice, bob, person } from '../support/person.ts'
import type { SpawnedProvider } from '../support/provider.ts'
import { algs, callback, clientKeys, everything, spawnOpenProvider } from './relying_party.ts'

let provider: SpawnedProvider
const http = { execute: [oidc.allowInsecureRequests] }

beforeAll(async () => {
  provider = await spawnOpenProvider()
})
afterAll(() => provider.stop())

const discover = (clientId: string, metadata?: string | object, auth?: oidc.ClientAuth) =>
  oidc.discovery(new URL(provider.issuer), clientId, metadata, auth, http)

const register = (metadata: object, auth?: oidc.ClientAuth) =>
  oidc.dynamicClientRegistration(new URL(provider.issuer), { ...everything, ...metadata }, auth, http)

/** Sends a person through the pages; what came back, and what the client remembers of the request. */
async function askPerson(config: oidc.Configuration, more: Record<string, string> = {}, who = alice) {
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
    idTokenExpected: true,
  }
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: 'openid profile email',
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...more,
  })
  return { url: await person(provider.issuer, fetch).goThrough(url.href, who), checks }
}

async function signIn(config: oidc.Configuration, more: Record<string, string> = {}, who = alice) {
  const { url, checks } = await askPerson(config, more, who)
  return oidc.authorizationCodeGrant(config, url, checks)
}

describe('discovery', () => {
  test('says what the library needs, PKCE and iss included', async () => {
    const server = (await discover('client123', 'secret456')).serverMetadata()
    expect(server.issuer).toBe(provider.issuer)
    expect(server.supportsPKCE()).toBe(true)
    expect(server.authorization_response_iss_parameter_supported).toBe(true)
  })

  test('RFC 8414 says the same', async () => {
    const config = await oidc.discovery(new URL(provider.issuer), 'client123', undefined, oidc.None(), {
      ...http,
      algorithm: 'oauth2',
    })
    expect(config.serverMetadata().token_endpoint).toBe(`${provider.issuer}/token`)
  })
})

describe('the code flow of the demo client', () => {
  const demo = () =>
    discover('client123', { client_secret: 'secret456' }, oidc.ClientSecretBasic('secret456'))

  test('code, tokens, userinfo, introspection, revocation', async () => {
    const config = await demo()
    const tokens = await signIn(config)
    const claims = tokens.claims()!
    expect(claims).toMatchObject({ sub: 'user-alice', aud: 'client123', iss: provider.issuer })
    const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
    expect(info).toMatchObject({ name: 'Alice Adams', email: 'alice@example.com' })
    expect(await oidc.tokenIntrospection(config, tokens.access_token)).toMatchObject({
      active: true,
      username: 'alice',
      client_id: 'client123',
    })
    await oidc.tokenRevocation(config, tokens.access_token)
    expect(await oidc.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
    await expect(oidc.fetchUserInfo(config, tokens.access_token, claims.sub)).rejects.toMatchObject({
      status: 401,
    })
  })

  test('refresh rotates, keeps the person, and revoking the refresh token ends all of it', async () => {
    const config = await demo()
    const first = await signIn(config, { scope: 'openid offline_access', prompt: 'consent' }, bob)
    const second = await oidc.refreshTokenGrant(config, first.refresh_token!)
    expect(second.refresh_token).not.toBe(first.refresh_token!)
    expect(second.claims()).toMatchObject({ sub: 'user-bob', auth_time: first.claims()!.auth_time })
    const narrower = await oidc.refreshTokenGrant(config, second.refresh_token!, { scope: 'openid' })
    expect(narrower.scope).toBe('openid')
    await oidc.tokenRevocation(config, narrower.refresh_token!)
    expect(await oidc.tokenIntrospection(config, second.access_token)).toEqual({ active: false })
    await expect(oidc.refreshTokenGrant(config, narrower.refresh_token!)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test('max_age and auth_time agree', async () => {
    const config = await demo()
    const { url, checks } = await askPerson(config, { max_age: '30' })
    const tokens = await oidc.authorizationCodeGrant(config, url, { ...checks, maxAge: 30 })
    expect(tokens.claims()!.auth_time).toBeNumber()
  })

  test('a logout URL brings the person back signed out', async () => {
    const config = await demo()
    const someone = person(provider.issuer, fetch)
    const request = { redirect_uri: callback, scope: 'openid', state: 's' }
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const ask = oidc.buildAuthorizationUrl(config, {
      ...request,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    const tokens = await oidc.authorizationCodeGrant(config, await someone.goThrough(ask.href), {
      pkceCodeVerifier,
      expectedState: 's',
    })
    const leave = oidc.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token!,
      post_logout_redirect_uri: 'http://localhost:8080/',
      state: 'bye',
    })
    const { location } = await someone.open(leave.href)
    expect(location?.href).toBe('http://localhost:8080/?state=bye')
    const { page } = await someone.open(ask.href)
    expect(page?.forms[0]?.buttons).toEqual(['login'])
    expect(await oidc.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
  })

  test('client_credentials', async () => {
    const config = await demo()
    const tokens = await oidc.clientCredentialsGrant(config)
    expect(await oidc.tokenIntrospection(config, tokens.access_token)).toMatchObject({
      active: true,
      sub: 'client123',
    })
    expect(tokens.claims()).toBeUndefined()
  })
})

describe('answers the library must refuse', () => {
  const confidential = () => discover('client123', 'secret456', oidc.ClientSecretBasic('secret456'))

  const bent: Record<string, (url: URL) => void> = {
    'another state': (url) => url.searchParams.set('state', 'other'),
    'no state': (url) => url.searchParams.delete('state'),
    'another iss (mix-up)': (url) => url.searchParams.set('iss', 'https://evil.example'),
    'no iss': (url) => url.searchParams.delete('iss'),
  }
  for (const [name, bend] of Object.entries(bent))
    test(name, async () => {
      const config = await confidential()
      const { url, checks } = await askPerson(config)
      bend(url)
      await expect(oidc.authorizationCodeGrant(config, url, checks)).rejects.toThrow()
    })

  test('another nonce', async () => {
    const config = await confidential()
    const { url, checks } = await askPerson(config)
    const expected = { ...checks, expectedNonce: 'other' }
    await expect(oidc.authorizationCodeGrant(config, url, expected)).rejects.toThrow(
      'unexpected JWT claim value encountered',
    )
  })

  test('and the provider refuses another verifier, telling why', async () => {
    const config = await confidential()
    const { url, checks } = await askPerson(config)
    const expected = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() }
    await expect(oidc.authorizationCodeGrant(config, url, expected)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test('an error comes back as the library knows it', async () => {
    const config = await confidential()
    const { url, checks } = await askPerson(config, { prompt: 'none' })
    await expect(oidc.authorizationCodeGrant(config, url, checks)).rejects.toMatchObject({
      error: 'login_required',
    })
  })
})

describe('the demo public client', () => {
  test('needs no secret, and PKCE is not its choice', async () => {
    const config = await discover('public-client', undefined, oidc.None())
    const tokens = await signIn(config, { scope: 'openid email' })
    expect(tokens.claims()!.sub).toBe('user-alice')
    const bare = oidc.buildAuthorizationUrl(config, { redirect_uri: callback, scope: 'openid', state: 's' })
    const answer = await person(provider.issuer, fetch).goThrough(bare.href)
    await expect(oidc.authorizationCodeGrant(config, answer, { expectedState: 's' })).rejects.toMatchObject({
      error: 'invalid_request',
    })
  })
})

describe('registered clients', () => {
  for (const alg of algs)
    test(`ID Tokens signed with ${alg} verify against the JWKS`, async () => {
      const config = await register({
        id_token_signed_response_alg: alg,
        token_endpoint_auth_method: 'client_secret_post',
      })
      // Without this the library trusts TLS instead of the signature.
      oidc.enableNonRepudiationChecks(config)
      const tokens = await signIn(config)
      const header = JSON.parse(Buffer.from(tokens.id_token!.split('.')[0]!, 'base64url').toString())
      expect(header.alg).toBe(alg)
    })

  for (const [method, auth] of [
    ['client_secret_basic', oidc.ClientSecretBasic],
    ['client_secret_post', oidc.ClientSecretPost],
    ['client_secret_jwt', oidc.ClientSecretJwt],
  ] as const)
    test(`${method}: code flow, introspection, revocation, client_credentials`, async () => {
      const config = await register({ token_endpoint_auth_method: method }, auth())
      await useEverywhere(config)
      const { client_id } = config.clientMetadata()
      const impostor = await discover(client_id, {}, auth('a wrong secret that is long enough for HS256'))
      await expect(oidc.clientCredentialsGrant(impostor)).rejects.toThrow()
    })

  for (const alg of algs)
    test(`private_key_jwt with ${alg}`, async () => {
      const { key, kid, jwks, alg: signsWith } = await clientKeys(alg)
      const config = await register(
        { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: signsWith, jwks },
        oidc.PrivateKeyJwt({ key, kid }),
      )
      await useEverywhere(config)
      const other = await clientKeys(alg)
      const { client_id } = config.clientMetadata()
      const impostor = await discover(client_id, {}, oidc.PrivateKeyJwt({ key: other.key, kid }))
      await expect(oidc.clientCredentialsGrant(impostor)).rejects.toThrow()
    })

  test('a refusal to register says which member is wrong', async () => {
    await expect(register({ redirect_uris: ['http://app.example/callback'] })).rejects.toMatchObject({
      error: 'invalid_redirect_uri',
    })
  })
})

async function useEverywhere(config: oidc.Configuration) {
  const tokens = await signIn(config)
  expect(await oidc.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true })
  await oidc.tokenRevocation(config, tokens.access_token)
  expect(await oidc.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
  expect((await oidc.clientCredentialsGrant(config)).token_type).toBe('bearer')
}
