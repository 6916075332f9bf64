/** openid-client 6 registers, manages what it registered, and knows people by a name of its sector. https://github.com/panva/openid-client */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import * as oidc from 'openid-client'
import { person } from '../support/person.ts'
import type { SpawnedProvider } from '../support/provider.ts'
import { callback, everything, spawnOpenProvider } from './relying_party.ts'

let provider: SpawnedProvider
const http = { execute: [oidc.allowInsecureRequests] }

beforeAll(async () => {
  provider = await spawnOpenProvider()
})
afterAll(() => provider.stop())

/** The library sends its secret in the body unless told otherwise. */
const wanted = { ...everything, token_endpoint_auth_method: 'client_secret_post' }

const register = (metadata: object) =>
  oidc.dynamicClientRegistration(new URL(provider.issuer), { ...wanted, ...metadata }, undefined, http)

async function signIn(config: oidc.Configuration, redirect_uri = callback) {
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
    idTokenExpected: true,
  }
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri,
    scope: 'openid profile offline_access',
    prompt: 'consent',
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
  })
  const answer = await person(provider.issuer, fetch).goThrough(url.href)
  return oidc.authorizationCodeGrant(config, answer, checks)
}

async function manage(method: string, known: oidc.ClientMetadata, body?: object): Promise<Response> {
  return fetch(String(known.registration_client_uri), {
    method,
    headers: {
      authorization: `Bearer ${String(known.registration_access_token)}`,
      'content-type': 'application/json',
    },
    ...(body && { body: JSON.stringify(body) }),
  })
}

/** A configuration of what was read, as one that starts anew would make it. */
function from(config: oidc.Configuration, metadata: oidc.ClientMetadata): oidc.Configuration {
  const made = new oidc.Configuration(config.serverMetadata(), metadata.client_id, metadata)
  oidc.allowInsecureRequests(made)
  return made
}

test('a registration is read, used, changed, used as changed, and ended', async () => {
  const config = await register({ client_name: 'Managed' })
  const read = await manage('GET', config.clientMetadata())
  expect(read.status).toBe(200)
  const again = (await read.json()) as oidc.ClientMetadata
  const tokens = await signIn(from(config, again))
  expect(tokens.claims()!.sub).toBe('user-alice')

  const moved = 'http://localhost:9090/elsewhere'
  const written = await manage('PUT', again, {
    ...wanted,
    client_id: again.client_id,
    redirect_uris: [moved],
    id_token_signed_response_alg: 'ES256',
  })
  expect(written.status).toBe(200)
  const changed = (await written.json()) as oidc.ClientMetadata
  const later = await signIn(from(config, changed), moved)
  expect(later.claims()!.sub).toBe('user-alice') // signed with ES256, or the library had refused it

  expect((await manage('DELETE', again)).status).toBe(401) // an older token
  expect((await manage('DELETE', changed)).status).toBe(204)
  const refused = await oidc
    .refreshTokenGrant(from(config, changed), later.refresh_token!)
    .catch((error: unknown) => error)
  expect(refused).toMatchObject({ status: 401 })
  await expect(
    oidc.fetchUserInfo(from(config, changed), later.access_token, later.claims()!.sub),
  ).rejects.toThrow()
})

test('pairwise: ID Token and userinfo agree, two clients of a host too, and another host does not', async () => {
  const names: string[] = []
  for (const redirect of [callback, callback, 'http://127.0.0.1:8080/callback']) {
    const config = await register({ subject_type: 'pairwise', redirect_uris: [redirect] })
    const tokens = await signIn(config, redirect)
    const { sub } = tokens.claims()!
    const info = await oidc.fetchUserInfo(config, tokens.access_token, sub) // compares them
    expect(info.name).toBe('Alice Adams')
    names.push(sub)
  }
  expect(names[0]).not.toBe('user-alice')
  expect(names[1]).toBe(names[0]!)
  expect(names[2]).not.toBe(names[0]!)
})
