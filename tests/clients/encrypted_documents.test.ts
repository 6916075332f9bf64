/** openid-client 6 as a relying party that decrypts, and checks signatures inside. https://github.com/panva/openid-client */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair } from 'jose'
import * as oidc from 'openid-client'
import { person } from '../support/person.ts'
import type { SpawnedProvider } from '../support/provider.ts'
import { callback, spawnOpenProvider } from './relying_party.ts'

let provider: SpawnedProvider
beforeAll(async () => {
  provider = await spawnOpenProvider()
})
afterAll(() => provider.stop())

/** The library takes one key, for whatever arrives encrypted. */
for (const [alg, enc] of [
  ['RSA-OAEP-256', 'A128CBC-HS256'],
  ['ECDH-ES', 'A256GCM'],
] as const)
  test(`${alg} with ${enc}: ID Token, userinfo, introspection and the authorization response`, async () => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), kid: 'enc-1', use: 'enc', alg }
    const encrypted = (kind: string) => ({
      [`${kind}_encrypted_response_alg`]: alg,
      [`${kind}_encrypted_response_enc`]: enc,
    })
    const config = await oidc.dynamicClientRegistration(
      new URL(provider.issuer),
      {
        redirect_uris: [callback],
        token_endpoint_auth_method: 'client_secret_post',
        jwks: { keys: [jwk] },
        userinfo_signed_response_alg: 'ES256',
        introspection_signed_response_alg: 'PS256',
        ...encrypted('id_token'),
        ...encrypted('userinfo'),
        ...encrypted('introspection'),
        ...encrypted('authorization'),
      },
      undefined,
      { execute: [oidc.allowInsecureRequests] },
    )
    oidc.useJwtResponseMode(config)
    oidc.enableDecryptingResponses(config, [enc], { key: privateKey as oidc.CryptoKey, alg, kid: 'enc-1' })
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
    })
    const back = await person(provider.issuer, fetch).goThrough(url.href)
    expect(back.searchParams.get('response')!.split('.')).toHaveLength(5)
    const tokens = await oidc.authorizationCodeGrant(config, back, checks)
    expect(tokens.id_token!.split('.')).toHaveLength(5)
    const { sub } = tokens.claims()!
    const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, sub)
    expect(userinfo.email).toBe('alice@example.com')
    const found = await oidc.tokenIntrospection(config, tokens.access_token)
    expect([found.active, found.sub]).toEqual([true, sub])
  })
