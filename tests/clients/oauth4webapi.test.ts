/** oauth4webapi 3, which checks each answer by itself and repairs nothing. https://github.com/panva/oauth4webapi */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import * as oauth from 'oauth4webapi'
import { person } from '../support/person.ts'
import type { SpawnedProvider } from '../support/provider.ts'
import { algs, callback, clientKeys, everything, spawnOpenProvider } from './relying_party.ts'

let provider: SpawnedProvider
let server: oauth.AuthorizationServer
const http = { [oauth.allowInsecureRequests]: true }

beforeAll(async () => {
  provider = await spawnOpenProvider({ ACCESS_TOKEN_ALG: 'ES256' })
  const issuer = new URL(provider.issuer)
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http))
})
afterAll(() => provider.stop())

const demo: oauth.Client = { client_id: 'client123' }
const demoAuth = oauth.ClientSecretBasic('secret456')

async function register(metadata: Partial<oauth.OmitSymbolProperties<oauth.Client>>): Promise<oauth.Client> {
  const response = await oauth.dynamicClientRegistrationRequest(server, { ...everything, ...metadata }, http)
  return oauth.processDynamicClientRegistrationResponse(response)
}

interface Asked {
  state: string
  nonce: string
  verifier: string
  answer: URL
}

async function ask(client: oauth.Client, more: Record<string, string> = {}): Promise<Asked> {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const url = new URL(server.authorization_endpoint!)
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid profile email',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  }).toString()
  return { state, nonce, verifier, answer: await person(provider.issuer, fetch).goThrough(url.href) }
}

async function redeem(
  client: oauth.Client,
  auth: oauth.ClientAuth,
  { state, nonce, verifier, answer }: Asked,
) {
  const params = oauth.validateAuthResponse(server, client, answer, state)
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    auth,
    params,
    callback,
    verifier,
    http,
  )
  const signed = response.clone()
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(server, response, http)
  return { tokens, signed, claims: oauth.getValidatedIdTokenClaims(tokens)! }
}

const introspect = async (client: oauth.Client, auth: oauth.ClientAuth, token: string) =>
  oauth.processIntrospectionResponse(
    server,
    client,
    await oauth.introspectionRequest(server, client, auth, token, http),
  )

describe('the demo client', () => {
  test('code flow, userinfo, refresh, introspection, revocation', async () => {
    const { tokens, claims } = await redeem(
      demo,
      demoAuth,
      await ask(demo, { scope: 'openid email offline_access', prompt: 'consent' }),
    )
    const info = await oauth.processUserInfoResponse(
      server,
      demo,
      claims.sub,
      await oauth.userInfoRequest(server, demo, tokens.access_token, http),
    )
    expect(info.email).toBe('alice@example.com')
    const refreshed = await oauth.processRefreshTokenResponse(
      server,
      demo,
      await oauth.refreshTokenGrantRequest(server, demo, demoAuth, tokens.refresh_token!, http),
    )
    expect(await introspect(demo, demoAuth, refreshed.access_token)).toMatchObject({
      active: true,
      scope: 'openid email offline_access',
    })
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, demo, demoAuth, refreshed.refresh_token!, http),
    )
    expect(await introspect(demo, demoAuth, refreshed.access_token)).toEqual({ active: false })
  })

  test('userinfo about somebody else is refused by the library, a spoilt token by the provider', async () => {
    const { tokens } = await redeem(demo, demoAuth, await ask(demo))
    const response = await oauth.userInfoRequest(server, demo, tokens.access_token, http)
    await expect(oauth.processUserInfoResponse(server, demo, 'user-bob', response)).rejects.toThrow()
    const spoilt = await oauth.userInfoRequest(server, demo, `${tokens.access_token}x`, http)
    const refusal = oauth.processUserInfoResponse(server, demo, 'user-alice', spoilt)
    const { cause } = await refusal.catch((error: oauth.WWWAuthenticateChallengeError) => error)
    expect(cause).toContainEqual({
      scheme: 'bearer',
      parameters: expect.objectContaining({ error: 'invalid_token' }),
    })
  })

  test('a code is good once, and its second use ends the tokens of the first', async () => {
    const asked = await ask(demo)
    const { tokens } = await redeem(demo, demoAuth, asked)
    await expect(redeem(demo, demoAuth, asked)).rejects.toMatchObject({ error: 'invalid_grant' })
    expect(await introspect(demo, demoAuth, tokens.access_token)).toEqual({ active: false })
  })

  test('client_credentials gives an RFC 9068 access token that an API verifies', async () => {
    const tokens = await oauth.processClientCredentialsResponse(
      server,
      demo,
      await oauth.clientCredentialsGrantRequest(server, demo, demoAuth, {}, http),
    )
    const request = new Request('http://localhost:9000/', {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    const claims = await oauth.validateJwtAccessToken(server, request, provider.issuer, {
      ...http,
      signingAlgorithms: ['ES256'],
    })
    expect(claims.client_id).toBe('client123')
    const forAnother = oauth.validateJwtAccessToken(server, request, 'https://another.example', http)
    await expect(forAnother).rejects.toThrow()
  })
})

describe('the answer at the callback', () => {
  test('carries state and iss, on errors too', async () => {
    const { answer, state } = await ask(demo, { prompt: 'none' })
    expect(() => oauth.validateAuthResponse(server, demo, answer, state)).toThrow(
      expect.objectContaining({ error: 'login_required' }),
    )
    expect(answer.searchParams.get('state')).toBe(state)
    expect(answer.searchParams.get('iss')).toBe(provider.issuer)
  })

  for (const [name, value] of [
    ['state', 'other'],
    ['iss', 'https://evil.example'],
    ['iss', undefined],
  ] as const)
    test(`is refused with ${name} ${value ?? 'missing'}`, async () => {
      const { answer, state } = await ask(demo)
      if (value === undefined) answer.searchParams.delete(name)
      else answer.searchParams.set(name, value)
      expect(() => oauth.validateAuthResponse(server, demo, answer, state)).toThrow(
        oauth.OperationProcessingError,
      )
    })

  test('an ID Token with another nonce is refused', async () => {
    const asked = await ask(demo)
    await expect(redeem(demo, demoAuth, { ...asked, nonce: 'other' })).rejects.toThrow()
  })
})

describe('registered clients', () => {
  for (const alg of algs)
    test(`ID Tokens signed with ${alg}: signature, algorithm, at_hash`, async () => {
      const client = await register({
        id_token_signed_response_alg: alg,
        token_endpoint_auth_method: 'client_secret_post',
      })
      const auth = oauth.ClientSecretPost(String(client.client_secret))
      const { claims } = await redeem(client, auth, await ask(client))
      expect(claims.aud).toBe(client.client_id)
    })

  test('an ID Token in another algorithm than the registered one would be refused', async () => {
    const client = await register({ token_endpoint_auth_method: 'client_secret_post' })
    const auth = oauth.ClientSecretPost(String(client.client_secret))
    const expecting = { ...client, id_token_signed_response_alg: 'ES256' }
    await expect(redeem(expecting, auth, await ask(client))).rejects.toThrow()
  })

  for (const idTokenAlg of algs)
    test(`private_key_jwt with ${idTokenAlg}`, async () => {
      const { key, kid, jwks } = await clientKeys(idTokenAlg)
      const client = await register({
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: jwks as unknown as oauth.JsonValue,
      })
      const auth = oauth.PrivateKeyJwt({ key, kid })
      const { tokens } = await redeem(client, auth, await ask(client))
      expect(await introspect(client, auth, tokens.access_token)).toMatchObject({ active: true })
    })

  test('client_secret_jwt', async () => {
    const client = await register({ token_endpoint_auth_method: 'client_secret_jwt' })
    const auth = oauth.ClientSecretJwt(String(client.client_secret))
    const { tokens } = await redeem(client, auth, await ask(client))
    expect(await introspect(client, auth, tokens.access_token)).toMatchObject({ active: true })
  })

  test('a public client has no secret and no introspection', async () => {
    const client = await register({
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    })
    expect(client.client_secret).toBeUndefined()
    const { tokens } = await redeem(client, oauth.None(), await ask(client))
    await expect(introspect(client, oauth.None(), tokens.access_token)).rejects.toThrow()
  })
})
