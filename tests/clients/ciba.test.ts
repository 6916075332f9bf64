/** openid-client and oauth4webapi ask for a person who approves elsewhere: poll, ping, signed in by private_key_jwt. https://github.com/panva/openid-client */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { grant_type, receiver, type Receiver } from '../support/backchannel.ts'
import { alice, bob, person } from '../support/person.ts'
import type { SpawnedProvider } from '../support/provider.ts'
import { clientKeys, spawnOpenProvider } from './relying_party.ts'

let provider: SpawnedProvider
let ear: Receiver

beforeAll(async () => {
  ear = receiver()
  provider = await spawnOpenProvider({
    REGISTRATION_ALLOWED_GRANT_TYPES: `authorization_code refresh_token ${grant_type}`,
    OUTBOUND_ALLOW_HOSTS: ear.host,
    CIBA_POLL_INTERVAL: '1',
  })
})
afterAll(async () => {
  await provider.stop()
  ear.stop()
})

const http = { execute: [oidc.allowInsecureRequests] }
const base = {
  client_name: 'A bank with a library',
  grant_types: [grant_type, 'refresh_token'],
  response_types: [],
  scope: 'openid profile offline_access',
}
const register = (metadata: object, auth = oidc.ClientSecretBasic()) =>
  oidc.dynamicClientRegistration(new URL(provider.issuer), { ...base, ...metadata }, auth, http)

/** Signs in and answers the request that ends soonest. */
async function approve(button: 'allow' | 'deny', who = alice): Promise<void> {
  const visitor = person(provider.issuer, fetch)
  const login = await visitor.open('approvals')
  const waiting = await visitor.press(login.page!, 'login', who)
  await visitor.press(waiting.page!, button)
}

test('openid-client polls until the person has approved', async () => {
  const config = await register({ backchannel_token_delivery_mode: 'poll' })
  const asked = await oidc.initiateBackchannelAuthentication(config, {
    scope: 'openid profile',
    login_hint: 'alice',
    binding_message: 'W4SCT',
  })
  expect(asked).toMatchObject({ expires_in: 300, interval: 1 })
  const tokens = oidc.pollBackchannelAuthenticationGrant(config, asked)
  await approve('allow')
  const { access_token, claims } = await tokens
  expect(claims()!.sub).toBe('user-alice')
  expect(await oidc.fetchUserInfo(config, access_token, 'user-alice')).toMatchObject({ name: 'Alice Adams' })
})

test('openid-client hears of a denial', async () => {
  const config = await register({ backchannel_token_delivery_mode: 'poll' })
  const asked = await oidc.initiateBackchannelAuthentication(config, { scope: 'openid', login_hint: 'bob' })
  const refused = oidc.pollBackchannelAuthenticationGrant(config, asked).catch((error: unknown) => error)
  await approve('deny', bob)
  expect(await refused).toMatchObject({ error: 'access_denied' })
})

test('openid-client asks once it was pinged, with a signed request and a key of its own', async () => {
  const { key, kid, alg, jwks } = await clientKeys('PS256')
  const config = await register(
    {
      backchannel_token_delivery_mode: 'ping',
      backchannel_client_notification_endpoint: ear.url,
      backchannel_authentication_request_signing_alg: alg,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
    },
    oidc.PrivateKeyJwt({ key, kid }),
  )
  const request = await signedRequest(config.clientMetadata().client_id, { key, kid, alg })
  const asked = await oidc.initiateBackchannelAuthentication(config, { request })
  await approve('allow')
  const [ping] = await ear.until(1)
  expect(ping!.authorization).toBe('Bearer a-token-of-the-client')
  expect(ping!.body.auth_req_id).toBe(asked.auth_req_id)
  const tokens = await oidc.pollBackchannelAuthenticationGrant(config, { ...asked, interval: 0 })
  expect(tokens.claims()!.sub).toBe('user-alice')
})

async function signedRequest(client_id: string, signer: { key: CryptoKey; kid: string; alg: string }) {
  const { SignJWT } = await import('jose')
  const claims = {
    scope: 'openid',
    login_hint: 'alice',
    client_notification_token: 'a-token-of-the-client',
  }
  return new SignJWT(claims)
    .setProtectedHeader({ alg: signer.alg, kid: signer.kid })
    .setIssuer(client_id)
    .setAudience(provider.issuer)
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime('2m')
    .setJti(crypto.randomUUID())
    .sign(signer.key)
}

test('oauth4webapi reads the answers', async () => {
  const options = { [oauth.allowInsecureRequests]: true }
  const issuer = new URL(provider.issuer)
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
  expect(server.backchannel_token_delivery_modes_supported).toEqual(['poll', 'ping', 'push'])
  const registered = await register({ backchannel_token_delivery_mode: 'poll' })
  const { client_id, client_secret } = registered.clientMetadata()
  const client = { client_id }
  const auth = oauth.ClientSecretBasic(client_secret!)
  const parameters = { scope: 'openid', login_hint: 'alice' }
  const asked = await oauth.processBackchannelAuthenticationResponse(
    server,
    client,
    await oauth.backchannelAuthenticationRequest(server, client, auth, parameters, options),
  )
  const ask = async () =>
    oauth.processBackchannelAuthenticationGrantResponse(
      server,
      client,
      await oauth.backchannelAuthenticationGrantRequest(server, client, auth, asked.auth_req_id, options),
    )
  await expect(ask()).rejects.toMatchObject({ error: 'authorization_pending' })
  await approve('allow')
  const tokens = await ask()
  expect(oauth.getValidatedIdTokenClaims(tokens)!.sub).toBe('user-alice')
})
