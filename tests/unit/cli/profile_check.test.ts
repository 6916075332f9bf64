/** Registered clients that would not work under a profile: each rule by a client that breaks it alone. */
import { describe, expect, test } from 'bun:test'
import { checkProfiles } from '../../../src/cli/profile_check.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { systemRandom } from '../../../src/lib/random.ts'
import { type Client, makeClient } from '../../../src/models/client.ts'
import type { Profile } from '../../../src/config/entry.ts'
import type { ClientMembers } from '../../support/client.ts'

const making = { clock: systemClock, random: systemRandom, secrets: { clientSecrets: new Uint8Array(32) } }

const client = (more: ClientMembers = {}): Client =>
  makeClient(making, {
    client_id: 'one',
    client_name: 'One',
    redirect_uris: ['https://app.example/callback'],
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'private_key_jwt',
    id_token_signed_response_alg: 'PS256',
    scope: 'openid',
    ...more,
  }).client

/** The rules of a profile that one client does not meet. */
function demands(profile: Profile, one: Client, env: Record<string, string> = {}): string[] {
  const found = checkProfiles([one], env).find((each) => each.profile === profile)!
  expect(found.problems).toEqual([])
  return found.clients.flatMap((each) => each.demands)
}

const bound = 'must prove a key with each token request: DPoP or mutual TLS'
const pushed = 'must push its authorization requests to /par'

test('a client with a key: FAPI 2.0 requires pushed requests and bound tokens, all but classic require PKCE', () => {
  expect(demands('oauth21', client())).toEqual(['must use PKCE'])
  expect(demands('mcp', client())).toEqual(['must use PKCE'])
  expect(demands('classic', client())).toEqual([])
  expect(demands('fapi2', client()).sort()).toEqual([bound, pushed, 'must use PKCE'].sort())
})

test('a public client uses PKCE already, and one that an operator exempted need not', () => {
  expect(demands('oauth21', client({ token_endpoint_auth_method: 'none' }))).toEqual([])
  expect(demands('oauth21', client({ require_pkce: false }))).toEqual([])
  expect(demands('oauth21', client({ require_pkce: true }))).toEqual([])
})

test('unsigned request objects: classic accepts them from every client, the others from clients of an operator, FAPI 2.0 from none', () => {
  const asks = (more: ClientMembers) =>
    (['classic', 'oauth21', 'mcp', 'fapi2'] as const).map((profile) =>
      demands(profile, client({ request_object_signing_alg: 'none', ...more })).some((each) =>
        each.startsWith('must sign its request objects'),
      ),
    )
  expect(asks({ self_registered: true })).toEqual([false, true, true, true])
  expect(asks({})).toEqual([false, false, false, true])
  expect(asks({ request_object_signing_alg: 'PS256' })).toEqual([false, false, false, false])
})

describe('what FAPI 2.0 refuses', () => {
  const base = demands('fapi2', client())
  const only = (more: ClientMembers) => demands('fapi2', client(more)).filter((each) => !base.includes(each))
  test.each(['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'none'])('%s', (method) => {
    expect(only({ token_endpoint_auth_method: method })).toEqual([
      `token_endpoint_auth_method ${method} is not among those accepted: private_key_jwt`,
    ])
  })
  test('RS256, wherever it was registered', () => {
    const member = (name: string) => `${name} RS256 is not among SIGNING_ALGS: PS256, ES256, EdDSA`
    expect(
      only({
        id_token_signed_response_alg: 'RS256',
        token_endpoint_auth_signing_alg: 'RS256',
        request_object_signing_alg: 'RS256',
        userinfo_signed_response_alg: 'RS256',
      }).sort(),
    ).toEqual(
      [
        'id_token_signed_response_alg',
        'token_endpoint_auth_signing_alg',
        'request_object_signing_alg',
        'userinfo_signed_response_alg',
      ]
        .map(member)
        .sort(),
    )
    expect(only({ token_endpoint_auth_signing_alg: 'ES256' })).toEqual([])
  })
  test('http, but for native applications on their own machine', () => {
    const local = ['http://127.0.0.1/callback']
    expect(only({ redirect_uris: local })).toEqual([
      'redirect_uri http://127.0.0.1/callback must be https, or on loopback with application_type native',
    ])
    expect(only({ redirect_uris: local, application_type: 'native' })).toEqual([])
    expect(only({ redirect_uris: ['com.example.app:/callback'], application_type: 'native' })).toEqual([])
  })
  test('tokens in the redirect', () => {
    expect(
      only({ response_types: ['code', 'id_token code'], grant_types: ['authorization_code', 'implicit'] }),
    ).toEqual(['response_type id_token code is not served', 'grant_type implicit is not served'])
  })
})

test('a client without a redirect URI need not push requests', () => {
  const service = client({ redirect_uris: [], response_types: [], grant_types: ['client_credentials'] })
  expect(demands('fapi2', service)).toEqual([bound])
  expect(demands('oauth21', service)).toEqual([])
})

test('grant types that nothing serves, under any profile', () => {
  const odd = client({ grant_types: ['authorization_code', 'password'], require_pkce: true })
  for (const profile of ['oauth21', 'classic', 'mcp'] as const)
    expect(demands(profile, odd)).toEqual(['grant_type password is not served'])
})

test('the environment takes precedence over the profile', () => {
  const old = client({ token_endpoint_auth_method: 'client_secret_basic' })
  const env = { CLIENT_AUTH_METHODS: 'client_secret_basic private_key_jwt', REQUIRE_PAR: 'false' }
  expect(demands('fapi2', old, env).sort()).toEqual([bound, 'must use PKCE'].sort())
})

test('a profile that contradicts the environment is reported', () => {
  const env = { SIGNING_ALGS: 'RS256', ACCESS_TOKEN_ALG: 'XX' }
  for (const { problems, clients } of checkProfiles([client()], env)) {
    expect(problems.join()).toContain('ACCESS_TOKEN_ALG')
    expect(clients).toEqual([])
  }
})
