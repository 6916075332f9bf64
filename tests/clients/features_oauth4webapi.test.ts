/** oauth4webapi 3 drives what the features bring, and checks each answer to the letter. https://github.com/panva/oauth4webapi */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import * as oauth from 'oauth4webapi'
import { claimsOf, headerOf } from '../support/client.ts'
import { alice, person } from '../support/person.ts'
import type { SpawnedProvider } from '../support/provider.ts'
import { callback, clientKeys, everything, spawnOpenProvider } from './relying_party.ts'

setDefaultTimeout(60_000)

const http = { [oauth.allowInsecureRequests]: true } as const
const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

interface Place {
  provider: SpawnedProvider
  server: oauth.AuthorizationServer
}
let ours: Place
let strict: Place
let classic: Place
let fapi2: Place

async function place(env: Record<string, string>): Promise<Place> {
  const provider = await spawnOpenProvider(env)
  const issuer = new URL(provider.issuer)
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http))
  return { provider, server }
}

beforeAll(async () => {
  const grantTypes = [...everything.grant_types, deviceCode, tokenExchange].join(' ')
  ;[ours, strict, classic, fapi2] = await Promise.all([
    place({ REGISTRATION_ALLOWED_GRANT_TYPES: grantTypes, DEVICE_POLL_INTERVAL: '1' }),
    place({ DPOP_REQUIRE_NONCE: 'true' }),
    place({ PROFILE: 'classic', REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code implicit' }),
    place({ PROFILE: 'fapi2', REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code refresh_token' }),
  ])
})
afterAll(() => Promise.all([ours, strict, classic, fapi2].map(({ provider }) => provider.stop())))

interface Known {
  client: oauth.Client
  auth: oauth.ClientAuth
}

async function register(
  { server }: Place,
  metadata: Record<string, unknown> = {},
  auth?: oauth.ClientAuth,
): Promise<Known> {
  const asked = { ...everything, token_endpoint_auth_method: 'client_secret_basic', ...metadata }
  const response = await oauth.dynamicClientRegistrationRequest(
    server,
    asked as Partial<oauth.OmitSymbolProperties<oauth.Client>>,
    http,
  )
  const client = await oauth.processDynamicClientRegistrationResponse(response)
  return { client, auth: auth ?? oauth.ClientSecretBasic(String(client.client_secret)) }
}

async function requestOf(client: oauth.Client, more: Record<string, string> = {}) {
  const [verifier, state, nonce] = [
    oauth.generateRandomCodeVerifier(),
    oauth.generateRandomState(),
    oauth.generateRandomNonce(),
  ]
  const params: Record<string, string> = {
    client_id: client.client_id,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid profile',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  }
  return { params, verifier, state, nonce }
}

/** As alice in a new browser; ends at the callback. */
function visit({ provider, server }: Place, params: Record<string, string>): Promise<URL> {
  const url = new URL(server.authorization_endpoint!)
  url.search = new URLSearchParams(params).toString()
  return person(provider.issuer, fetch).goThrough(url.href, alice)
}

/** Again with the nonce, when the server asks for one: what RFC 9449 §8 wants of a client. */
async function withNonce<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return attempt()
  }
}

describe('DPoP with PAR', () => {
  for (const nonces of [false, true])
    test(nonces ? 'each server asks for its nonce first' : 'without nonces', async () => {
      const at = nonces ? strict : ours
      const { server } = at
      const { client, auth } = await register(at)
      const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
      const bound = { ...http, DPoP }
      const { params, verifier, state, nonce } = await requestOf(client)
      let asked = 0
      const pushed = await withNonce(async () => {
        asked++
        const response = await oauth.pushedAuthorizationRequest(server, client, auth, params, bound)
        return oauth.processPushedAuthorizationResponse(server, client, response)
      })
      expect(asked).toBe(nonces ? 2 : 1)
      const answer = await visit(at, { client_id: client.client_id, request_uri: pushed.request_uri })
      const code = oauth.validateAuthResponse(server, client, answer, state)
      const tokens = await withNonce(async () => {
        const response = await oauth.authorizationCodeGrantRequest(
          server,
          client,
          auth,
          code,
          callback,
          verifier,
          bound,
        )
        return oauth.processAuthorizationCodeResponse(server, client, response, {
          expectedNonce: nonce,
          requireIdToken: true,
        })
      })
      expect(tokens.token_type).toBe('dpop')
      const { sub } = oauth.getValidatedIdTokenClaims(tokens)!
      const info = await withNonce(async () => {
        const response = await oauth.userInfoRequest(server, client, tokens.access_token, bound)
        return oauth.processUserInfoResponse(server, client, sub, response)
      })
      expect(info.name).toBe('Alice Adams')
      const stolen = await oauth.userInfoRequest(server, client, tokens.access_token, http)
      expect(stolen.status).toBe(401)
    })

  test('an API checks such a token, its proof and its key by itself', async () => {
    const { server } = ours
    const { client, auth } = await register(ours)
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    const tokens = await oauth.processClientCredentialsResponse(
      server,
      client,
      await oauth.clientCredentialsGrantRequest(server, client, auth, {}, { ...http, DPoP }),
    )
    let seen: Request | undefined
    const url = new URL('http://localhost:9000/orders')
    await oauth.protectedResourceRequest(tokens.access_token, 'GET', url, undefined, undefined, {
      ...http,
      DPoP,
      [oauth.customFetch]: async (address, options) => {
        seen = new Request(address, { method: options.method, headers: options.headers })
        return new Response()
      },
    })
    const claims = await oauth.validateJwtAccessToken(server, seen!, server.issuer, {
      ...http,
      requireDPoP: true,
    })
    expect(claims.cnf?.jkt).toBeString()
    seen!.headers.delete('dpop')
    await expect(oauth.validateJwtAccessToken(server, seen!, server.issuer, http)).rejects.toThrow()
  })
})

test('JAR and JARM: signed both ways', async () => {
  const { server } = ours
  const { key, kid, jwks } = await clientKeys('ES256')
  const { client, auth } = await register(ours, { jwks, authorization_signed_response_alg: 'PS256' })
  const { params, verifier, state, nonce } = await requestOf(client, { response_mode: 'jwt' })
  const request = await oauth.issueRequestObject(server, client, params, { key, kid })
  const answer = await visit(ours, { client_id: client.client_id, request })
  const code = await oauth.validateJwtAuthResponse(server, client, answer, state, http)
  const tokens = await oauth.processAuthorizationCodeResponse(
    server,
    client,
    await oauth.authorizationCodeGrantRequest(server, client, auth, code, callback, verifier, http),
    { expectedNonce: nonce, requireIdToken: true },
  )
  expect(oauth.getValidatedIdTokenClaims(tokens)!.sub).toBe('user-alice')
  await expect(oauth.validateJwtAuthResponse(server, client, answer, 'other', http)).rejects.toThrow()
  const another = { ...client, client_id: 'client123' }
  await expect(oauth.validateJwtAuthResponse(server, another, answer, state, http)).rejects.toThrow()
})

test('device flow: pending, then approved, then over', async () => {
  const { server, provider } = ours
  const { client, auth } = await register(ours, {
    grant_types: [deviceCode],
    response_types: [],
    redirect_uris: [],
  })
  const device = await oauth.processDeviceAuthorizationResponse(
    server,
    client,
    await oauth.deviceAuthorizationRequest(server, client, auth, { scope: 'openid' }, http),
  )
  const poll = async () =>
    oauth.processDeviceCodeResponse(
      server,
      client,
      await oauth.deviceCodeGrantRequest(server, client, auth, device.device_code, http),
    )
  await expect(poll()).rejects.toMatchObject({ error: 'authorization_pending' })
  const someone = person(provider.issuer, fetch)
  let { page } = await someone.open(device.verification_uri)
  page = (await someone.press(page!, 'login', alice)).page
  page = (await someone.press(page!, 'continue', { user_code: device.user_code })).page
  await someone.press(page!, 'allow')
  await Bun.sleep(1_000 * device.interval!)
  const tokens = await poll()
  expect(oauth.getValidatedIdTokenClaims(tokens)!.sub).toBe('user-alice')
  await expect(poll()).rejects.toThrow(oauth.ResponseBodyError)
})

test('token exchange', async () => {
  const { server } = ours
  const { client, auth } = await register(ours, { grant_types: [...everything.grant_types, tokenExchange] })
  const own = await oauth.processClientCredentialsResponse(
    server,
    client,
    await oauth.clientCredentialsGrantRequest(server, client, auth, {}, http),
  )
  const fields = { subject_token: own.access_token, subject_token_type: accessTokenType }
  const exchanged = await oauth.processGenericTokenEndpointResponse(
    server,
    client,
    await oauth.genericTokenEndpointRequest(server, client, auth, tokenExchange, fields, http),
  )
  expect(exchanged.issued_token_type).toBe(accessTokenType)
  expect(claimsOf(exchanged.access_token).sub).toBe(client.client_id)
})

describe('PROFILE=classic', () => {
  const checks = {
    'code id_token': oauth.validateCodeIdTokenResponse, // c_hash, s_hash when there
    'code id_token, as FAPI 1.0 reads it': oauth.validateDetachedSignatureResponse, // c_hash and s_hash
  }
  for (const [name, validate] of Object.entries(checks))
    test(name, async () => {
      const { server } = classic
      const { client, auth } = await register(classic, {
        grant_types: ['authorization_code', 'implicit'],
        response_types: ['code id_token'],
        id_token_signed_response_alg: 'PS256',
      })
      const { params, verifier, state, nonce } = await requestOf(client, { response_type: 'code id_token' })
      const answer = await visit(classic, params)
      const code = await validate(server, client, answer, nonce, state, undefined, http)
      const tokens = await oauth.processAuthorizationCodeResponse(
        server,
        client,
        await oauth.authorizationCodeGrantRequest(server, client, auth, code, callback, verifier, http),
        { expectedNonce: nonce, requireIdToken: true },
      )
      expect(headerOf(tokens.id_token).alg).toBe('PS256')
      const swapped = new URL(answer)
      swapped.hash = answer.hash.replace(/code=[^&]+/, 'code=another')
      await expect(validate(server, client, swapped, nonce, state, undefined, http)).rejects.toThrow()
    })
})

test('PROFILE=fapi2: what the library sends by default is what the profile asks for', async () => {
  const { server } = fapi2
  const { key, kid, jwks } = await clientKeys('PS256')
  const { client, auth } = await register(
    fapi2,
    {
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'private_key_jwt',
      id_token_signed_response_alg: 'PS256',
      jwks,
    },
    oauth.PrivateKeyJwt({ key, kid }),
  )
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('PS256'))
  const { params, verifier, state, nonce } = await requestOf(client)
  const pushed = await oauth.processPushedAuthorizationResponse(
    server,
    client,
    await oauth.pushedAuthorizationRequest(server, client, auth, params, { ...http, DPoP }),
  )
  const answer = await visit(fapi2, { client_id: client.client_id, request_uri: pushed.request_uri })
  const code = oauth.validateAuthResponse(server, client, answer, state)
  const redeem = (more: oauth.TokenEndpointRequestOptions) =>
    oauth.authorizationCodeGrantRequest(server, client, auth, code, callback, verifier, { ...http, ...more })
  const bare = await redeem({})
  await expect(oauth.processAuthorizationCodeResponse(server, client, bare)).rejects.toMatchObject({
    error: 'invalid_grant', // the push bound the code to the key
  })
  const response = await redeem({ DPoP })
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(server, response, http)
  expect(tokens.token_type).toBe('dpop')
})
