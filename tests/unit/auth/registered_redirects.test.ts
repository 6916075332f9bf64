/** The refusal of a redirect URI says which kinds are allowed here, and not those of another policy. */
import { expect, test } from 'bun:test'
import { OAuthError } from '../../../src/auth/errors.ts'
import { checkRedirectUris, type RedirectPolicy } from '../../../src/auth/registered_redirects.ts'

function expectedOf(
  policy: RedirectPolicy,
  application_type?: 'web' | 'native',
  method = 'client_secret_basic',
) {
  try {
    checkRedirectUris(
      {
        redirect_uris: ['ftp://files.example/cb'],
        post_logout_redirect_uris: [],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        application_type,
        token_endpoint_auth_method: method,
      },
      policy,
    )
  } catch (error) {
    if (error instanceof OAuthError) return error.refusal.expected
    throw error
  }
  return 'accepted'
}

const reverse = 'or a scheme of an application in reverse-domain notation'

test.each<[RedirectPolicy, 'web' | 'native' | undefined, string]>([
  [{}, undefined, `redirect_uris: https, http on loopback, ${reverse}`],
  [{}, 'native', `redirect_uris: https, http on loopback, ${reverse}`],
  [{}, 'web', 'redirect_uris: https or http on loopback'],
  [
    { redirectSchemes: 'with_host' },
    'native',
    `redirect_uris: https, http on loopback, ${reverse} or with a host`,
  ],
  [
    { privateHttp: true },
    'web',
    'redirect_uris: https or http on loopback or to a host of a private network',
  ],
  [
    { redirectHosts: ['a.example', 'b.example'] },
    'web',
    'redirect_uris: https to a.example, b.example or http on loopback',
  ],
])('%j, %s', (policy, type, words) => {
  expect(expectedOf(policy, type)).toBe(words)
})

test('http in a private network is not named to a client without a secret', () => {
  expect(expectedOf({ privateHttp: true }, 'web', 'none')).toBe('redirect_uris: https or http on loopback')
})
