/** openid-client 6 drives what the features bring: pushed, signed, sealed answers, bound tokens, other flows. https://github.com/panva/openid-client */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import * as oidc from 'openid-client'
import { claimsOf, headerOf, type Json } from '../support/client.ts'
import { alice, type Person, person } from '../support/person.ts'
import type { SpawnedProvider } from '../support/provider.ts'
import { algs, callback, clientKeys, everything, spawnOpenProvider } from './relying_party.ts'

setDefaultTimeout(60_000)

const http = { execute: [oidc.allowInsecureRequests] }
const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const grantTypes = [...everything.grant_types, deviceCode, tokenExchange]

let provider: SpawnedProvider
let strict: SpawnedProvider
let classic: SpawnedProvider
let fapi2: SpawnedProvider

beforeAll(async () => {
  const allowed = { REGISTRATION_ALLOWED_GRANT_TYPES: grantTypes.join(' ') }
  ;[provider, strict, classic, fapi2] = await Promise.all([
    spawnOpenProvider({
      ...allowed,
      DEVICE_POLL_INTERVAL: '1',
      AUTHORIZATION_DETAILS_TYPES: JSON.stringify({
        payment_initiation: {
          members: {
            actions: {},
            instructedAmount: { type: 'object', members: { currency: {}, amount: {} } },
          },
        },
      }),
      RESOURCES: 'https://orders.example/ https://stock.example/',
    }),
    spawnOpenProvider({ DPOP_REQUIRE_NONCE: 'true' }),
    spawnOpenProvider({
      PROFILE: 'classic',
      REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code implicit',
    }),
    spawnOpenProvider({
      PROFILE: 'fapi2',
      REGISTRATION_ALLOWED_GRANT_TYPES: 'authorization_code refresh_token',
    }),
  ])
})
afterAll(() => Promise.all([provider, strict, classic, fapi2].map((each) => each.stop())))

/** Without `auth` the library sends the secret it was given in the body. */
const register = (metadata: object = {}, auth?: oidc.ClientAuth, at = provider) =>
  oidc.dynamicClientRegistration(
    new URL(at.issuer),
    { ...everything, token_endpoint_auth_method: 'client_secret_post', ...metadata },
    auth,
    http,
  )

async function checksFor(more: Record<string, string> = {}) {
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
    idTokenExpected: true,
  }
  const params: Record<string, string> = {
    redirect_uri: callback,
    scope: 'openid profile email',
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...more,
  }
  return { checks, params }
}

const byAlice = (url: URL, at = provider): Promise<URL> => person(at.issuer, fetch).goThrough(url.href, alice)

async function signIn(config: oidc.Configuration, more: Record<string, string> = {}) {
  const { checks, params } = await checksFor(more)
  return oidc.authorizationCodeGrant(
    config,
    await byAlice(oidc.buildAuthorizationUrl(config, params)),
    checks,
  )
}

describe('requests that do not travel in the browser', () => {
  test('PAR: the URL carries a reference, once', async () => {
    const config = await register({ require_pushed_authorization_requests: true })
    const { checks, params } = await checksFor()
    const url = await oidc.buildAuthorizationUrlWithPAR(config, params)
    expect([...url.searchParams.keys()].toSorted()).toEqual(['client_id', 'request_uri'])
    const tokens = await oidc.authorizationCodeGrant(config, await byAlice(url), checks)
    expect(tokens.claims()!.sub).toBe('user-alice')
    const again = await person(provider.issuer, fetch).open(url.href)
    expect([again.location, again.page?.status]).toEqual([undefined, 400])
    // What is not pushed is refused, in the answer the library reads.
    const bare = await byAlice(oidc.buildAuthorizationUrl(config, params))
    await expect(oidc.authorizationCodeGrant(config, bare, checks)).rejects.toMatchObject({
      error: 'invalid_request',
    })
  })

  test('PAR refuses at the push, with the error of the request', async () => {
    const config = await register()
    const { params } = await checksFor({ redirect_uri: 'http://localhost:8080/other' })
    await expect(oidc.buildAuthorizationUrlWithPAR(config, params)).rejects.toMatchObject({
      error: 'invalid_request',
      status: 400,
    })
  })

  for (const alg of algs)
    for (const pushed of [false, true])
      test(`JAR signed with ${alg}${pushed ? ', pushed' : ''}`, async () => {
        const { key, kid, jwks } = await clientKeys(alg)
        const config = await register({ jwks, require_signed_request_object: true })
        const { checks, params } = await checksFor()
        const signed = await oidc.buildAuthorizationUrlWithJAR(config, params, { key, kid })
        expect([...signed.searchParams.keys()].toSorted()).toEqual(['client_id', 'request'])
        const url = pushed ? await oidc.buildAuthorizationUrlWithPAR(config, signed.searchParams) : signed
        const tokens = await oidc.authorizationCodeGrant(config, await byAlice(url), checks)
        expect(tokens.claims()!.sub).toBe('user-alice')
      })

  test('JAR by another key is refused at the push', async () => {
    const [own, other] = [await clientKeys('ES256'), await clientKeys('ES256')]
    const config = await register({ jwks: own.jwks })
    const { params } = await checksFor()
    const forged = await oidc.buildAuthorizationUrlWithJAR(config, params, { key: other.key, kid: own.kid })
    await expect(oidc.buildAuthorizationUrlWithPAR(config, forged.searchParams)).rejects.toMatchObject({
      error: 'invalid_request_object',
    })
  })
})

describe('answers', () => {
  for (const alg of algs)
    test(`JARM signed with ${alg}, errors too`, async () => {
      const config = await register({ authorization_signed_response_alg: alg })
      oidc.useJwtResponseMode(config)
      const { checks, params } = await checksFor()
      const url = oidc.buildAuthorizationUrl(config, params)
      const answer = await byAlice(url)
      expect([...answer.searchParams.keys()]).toEqual(['response'])
      expect(headerOf(answer.searchParams.get('response')).alg).toBe(alg)
      const tokens = await oidc.authorizationCodeGrant(config, answer, checks)
      expect(tokens.claims()!.sub).toBe('user-alice')

      url.searchParams.set('prompt', 'none')
      const refused = await byAlice(url)
      await expect(oidc.authorizationCodeGrant(config, refused, checks)).rejects.toMatchObject({
        error: 'login_required',
      })
      const bent = new URL(answer)
      const [head, , tail] = answer.searchParams.get('response')!.split('.')
      const other = { ...claimsOf(answer.searchParams.get('response')), code: 'injected' }
      const body = Buffer.from(JSON.stringify(other)).toString('base64url')
      bent.searchParams.set('response', [head, body, tail].join('.'))
      await expect(oidc.authorizationCodeGrant(config, bent, checks)).rejects.toThrow()
    })

  test('form_post: the page holds what a callback receives by POST', async () => {
    const config = await register()
    const someone = person(provider.issuer, fetch)
    const { checks, params } = await checksFor()
    await someone.goThrough(oidc.buildAuthorizationUrl(config, params).href)
    const url = oidc.buildAuthorizationUrl(config, { ...params, response_mode: 'form_post' })
    const tokens = await oidc.authorizationCodeGrant(config, await posted(someone, url), checks)
    expect(tokens.claims()!.sub).toBe('user-alice')
  })
})

/** What the callback receives when the browser sends the page's form, for a person signed in already. */
async function posted(someone: Person, url: URL): Promise<Request> {
  const { page } = await someone.open(url.href)
  const form = page!.forms[0]!
  expect([form.method, form.action]).toEqual(['post', callback])
  return new Request(form.action, { method: 'POST', body: new URLSearchParams(form.fields) })
}

describe('DPoP', () => {
  for (const nonces of [false, true])
    test(`tokens bound to a key, ${nonces ? 'with' : 'without'} nonces: userinfo, refresh`, async () => {
      const at = nonces ? strict : provider
      const config = await register(
        { token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] },
        oidc.None(),
        at,
      )
      const keyPair = await oidc.randomDPoPKeyPair('ES256')
      const bound = { DPoP: oidc.getDPoPHandle(config, keyPair) }
      const { checks, params } = await checksFor()
      // The push proves the key, so the code is bound to it too (RFC 9449 §10.1).
      const url = await oidc.buildAuthorizationUrlWithPAR(config, params, bound)
      const answer = await byAlice(url, at)
      const thief = { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')) }
      await expect(
        oidc.authorizationCodeGrant(config, answer, checks, undefined, thief),
      ).rejects.toMatchObject({ error: 'invalid_grant' })
      const tokens = await oidc.authorizationCodeGrant(config, answer, checks, undefined, bound)
      expect(tokens.token_type).toBe('dpop')
      const { sub } = tokens.claims()!
      expect(await oidc.fetchUserInfo(config, tokens.access_token, sub, bound)).toMatchObject({ sub })
      await expect(oidc.fetchUserInfo(config, tokens.access_token, sub)).rejects.toThrow()
      await expect(oidc.fetchUserInfo(config, tokens.access_token, sub, thief)).rejects.toThrow()
      await expect(oidc.refreshTokenGrant(config, tokens.refresh_token!, undefined, thief)).rejects.toThrow()
      const second = await oidc.refreshTokenGrant(config, tokens.refresh_token!, undefined, bound)
      expect(second.token_type).toBe('dpop')
      expect(claimsOf(second.access_token).cnf).toEqual(claimsOf(tokens.access_token).cnf)
    })

  for (const alg of ['PS256', 'RS256', 'Ed25519'])
    test(`a key for ${alg}`, async () => {
      const config = await register()
      const bound = { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(alg)) }
      const tokens = await oidc.clientCredentialsGrant(config, undefined, bound)
      expect(tokens.token_type).toBe('dpop')
      expect(claimsOf(tokens.access_token).cnf).toHaveProperty('jkt')
    })
})

describe('device flow', () => {
  test('the person approves on another screen while the library polls', async () => {
    const config = await register({
      grant_types: [deviceCode, 'refresh_token'],
      response_types: [],
      redirect_uris: [],
    })
    const device = await oidc.initiateDeviceAuthorization(config, { scope: 'openid profile' })
    const polling = oidc.pollDeviceAuthorizationGrant(config, device)
    await onTheOtherScreen(device.verification_uri_complete!, 'allow')
    const tokens = await polling
    expect(tokens.claims()!.sub).toBe('user-alice')
    expect(tokens.refresh_token).toBeString()
  })

  test('or says no', async () => {
    const config = await register({ grant_types: [deviceCode], response_types: [], redirect_uris: [] })
    const device = await oidc.initiateDeviceAuthorization(config, { scope: 'openid' })
    const polling = oidc.pollDeviceAuthorizationGrant(config, device).catch((error: unknown) => error)
    await onTheOtherScreen(device.verification_uri_complete!, 'deny')
    expect(await polling).toMatchObject({ error: 'access_denied' })
  })
})

async function onTheOtherScreen(uri: string, button: 'allow' | 'deny') {
  const someone = person(provider.issuer, fetch)
  let { page } = await someone.open(uri)
  for (let pages = 0; pages < 4; pages++) {
    const buttons = page!.forms.flatMap((form) => form.buttons)
    const next = ['login', button, 'continue'].find((each) => buttons.includes(each))
    if (next === undefined) break
    ;({ page } = await someone.press(page!, next, next === 'login' ? alice : {}))
    if (next === button) return
  }
  throw new Error(`never asked: ${page!.html}`)
}

test('token exchange: a service passes on what it was sent, and is named as the actor', async () => {
  const service = await register({ grant_types: [tokenExchange], response_types: [], redirect_uris: [] })
  const { client_id } = service.clientMetadata()
  const app = await register({ grant_types: grantTypes })
  // Of a person's token it may make no token for whom that person never heard of.
  const { access_token } = await signIn(app)
  const elsewhere = { subject_token: access_token, subject_token_type: accessTokenType, audience: client_id }
  await expect(oidc.genericGrantRequest(app, tokenExchange, elsewhere)).rejects.toMatchObject({
    error: 'invalid_target',
  })
  const own = await oidc.clientCredentialsGrant(app)
  const toService = await oidc.genericGrantRequest(app, tokenExchange, {
    subject_token: own.access_token,
    subject_token_type: accessTokenType,
    audience: client_id,
  })
  expect(toService.issued_token_type).toBe(accessTokenType)
  const passedOn = await oidc.genericGrantRequest(service, tokenExchange, {
    subject_token: toService.access_token,
    subject_token_type: accessTokenType,
  })
  expect(claimsOf(passedOn.access_token)).toMatchObject({
    sub: app.clientMetadata().client_id,
    client_id,
    act: { sub: client_id },
  })
  await expect(
    oidc.genericGrantRequest(service, tokenExchange, {
      subject_token: access_token, // meant for somebody else
      subject_token_type: accessTokenType,
    }),
  ).rejects.toMatchObject({ error: 'invalid_request' })
})

test('resource indicators: the token is for the API asked for, and narrower on request', async () => {
  const config = await register()
  const { checks, params } = await checksFor()
  const apis = ['https://orders.example/', 'https://stock.example/']
  const query = new URLSearchParams(params)
  for (const api of apis) query.append('resource', api)
  const answer = await byAlice(oidc.buildAuthorizationUrl(config, query))
  const tokens = await oidc.authorizationCodeGrant(config, answer, checks)
  expect(claimsOf(tokens.access_token).aud).toEqual(apis)
  const one = await oidc.refreshTokenGrant(config, tokens.refresh_token!, { resource: apis[1]! })
  expect(claimsOf(one.access_token).aud).toBe(apis[1])
  const beyond = { resource: 'https://payroll.example/' }
  await expect(oidc.refreshTokenGrant(config, one.refresh_token!, beyond)).rejects.toMatchObject({
    error: 'invalid_target',
  })
})

test('authorization_details come back with the tokens', async () => {
  const details = [
    {
      type: 'payment_initiation',
      actions: ['initiate'],
      instructedAmount: { currency: 'EUR', amount: '123.50' },
    },
  ]
  const config = await register()
  const tokens = await signIn(config, { authorization_details: JSON.stringify(details) })
  expect(tokens.authorization_details).toEqual(details)
  expect(claimsOf(tokens.access_token).authorization_details).toEqual(details)
  const odd = await checksFor({ authorization_details: JSON.stringify([{ type: 'house_keys' }]) })
  const refused = await byAlice(oidc.buildAuthorizationUrl(config, odd.params))
  await expect(oidc.authorizationCodeGrant(config, refused, odd.checks)).rejects.toMatchObject({
    error: 'invalid_authorization_details',
  })
})

describe('PROFILE=classic', () => {
  for (const alg of algs)
    for (const response_mode of ['fragment', 'form_post'])
      test(`hybrid code id_token by ${response_mode}, ${alg}: c_hash and s_hash hold`, async () => {
        const config = await register(
          {
            grant_types: ['authorization_code', 'implicit'],
            response_types: ['code id_token'],
            id_token_signed_response_alg: alg,
          },
          undefined,
          classic,
        )
        oidc.useCodeIdTokenResponseType(config)
        oidc.enableDetachedSignatureResponseChecks(config) // s_hash, at the front channel
        const { checks, params } = await checksFor({ response_mode })
        const url = oidc.buildAuthorizationUrl(config, params)
        const someone = person(classic.issuer, fetch)
        const plain = new URL(url)
        plain.searchParams.set('response_mode', 'fragment')
        const answer = await someone.goThrough(plain.href)
        const received = response_mode === 'fragment' ? answer : await posted(someone, url)
        const tokens = await oidc.authorizationCodeGrant(config, received, checks)
        expect(tokens.claims()!.sub).toBe('user-alice')
      })

  test('implicit id_token: no token endpoint at all', async () => {
    const config = await register(
      { grant_types: ['implicit'], response_types: ['id_token'], token_endpoint_auth_method: 'none' },
      oidc.None(),
      classic,
    )
    oidc.useIdTokenResponseType(config)
    const [nonce, state] = [oidc.randomNonce(), oidc.randomState()]
    const params = { redirect_uri: callback, scope: 'openid email', nonce, state }
    const answer = await byAlice(oidc.buildAuthorizationUrl(config, params), classic)
    const checks = { expectedState: state }
    const claims = await oidc.implicitAuthentication(config, answer, nonce, checks)
    expect(claims).toMatchObject({ sub: 'user-alice', email: 'alice@example.com' })
    await expect(oidc.implicitAuthentication(config, answer, 'other', checks)).rejects.toThrow()
  })

  test('is what oauth21 does not offer a client that registers itself', async () => {
    await expect(register({ response_types: ['code id_token'] })).rejects.toMatchObject({
      error: 'invalid_client_metadata',
    })
  })
})

describe('PROFILE=fapi2', () => {
  const fapiClient = async (more: Json = {}, alg: 'PS256' | 'ES256' = 'PS256') => {
    const { key, kid, jwks } = await clientKeys(alg)
    const config = await register(
      {
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [callback],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: alg,
        id_token_signed_response_alg: alg,
        jwks,
        ...more,
      },
      oidc.PrivateKeyJwt({ key, kid }),
      fapi2,
    )
    oidc.enableNonRepudiationChecks(config)
    const bound = { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')) }
    return { config, bound, key, kid }
  }

  for (const alg of ['PS256', 'ES256'] as const)
    test(`security profile with ${alg}: pushed, private_key_jwt, DPoP`, async () => {
      const { config, bound } = await fapiClient({}, alg)
      const { checks, params } = await checksFor()
      const url = await oidc.buildAuthorizationUrlWithPAR(config, params, bound)
      const tokens = await oidc.authorizationCodeGrant(
        config,
        await byAlice(url, fapi2),
        checks,
        undefined,
        bound,
      )
      expect(headerOf(tokens.id_token).alg).toBe(alg)
      const { sub } = tokens.claims()!
      expect(await oidc.fetchUserInfo(config, tokens.access_token, sub, bound)).toMatchObject({ sub })
      const second = await oidc.refreshTokenGrant(config, tokens.refresh_token!, undefined, bound)
      // §5.3.2.1: no rotation, so the answer brings the same one or none.
      expect([undefined, tokens.refresh_token]).toContain(second.refresh_token)
      await expect(oidc.refreshTokenGrant(config, tokens.refresh_token!)).rejects.toMatchObject({
        error: 'invalid_request',
      })
    })

  test('message signing: the request is signed and pushed, the answer is signed', async () => {
    const { config, bound, key, kid } = await fapiClient({
      require_signed_request_object: true,
      request_object_signing_alg: 'PS256',
      authorization_signed_response_alg: 'PS256',
    })
    oidc.useJwtResponseMode(config)
    const { checks, params } = await checksFor()
    const signed = await oidc.buildAuthorizationUrlWithJAR(config, params, { key, kid })
    const url = await oidc.buildAuthorizationUrlWithPAR(config, signed.searchParams, bound)
    const answer = await byAlice(url, fapi2)
    expect([...answer.searchParams.keys()]).toEqual(['response'])
    const tokens = await oidc.authorizationCodeGrant(config, answer, checks, undefined, bound)
    expect(tokens.claims()!.sub).toBe('user-alice')
    await expect(oidc.buildAuthorizationUrlWithPAR(config, params, bound)).rejects.toMatchObject({
      error: 'invalid_request',
    })
  })

  test('no secrets, no RS256', async () => {
    for (const weak of [
      { token_endpoint_auth_method: 'client_secret_basic' },
      { token_endpoint_auth_method: 'none' },
      { id_token_signed_response_alg: 'RS256' },
    ])
      await expect(fapiClient(weak)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })
})
