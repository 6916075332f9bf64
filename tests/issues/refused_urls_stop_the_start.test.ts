/** A URL of the configuration that the outbound fetcher would refuse stops the start. OWASP ASVS 5.0 V6.2.12, V2.2.3; issue 8, line 68 */
import { expect, test } from 'bun:test'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { featureEntries } from '../../src/table.ts'

/** The problems of these variables; none when the configuration loads. */
function problems(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env, { featureEntries })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const oidc = { UPSTREAM_OIDC_CLIENT_ID: 'a', UPSTREAM_OIDC_CLIENT_SECRET: 'b' }
const oauth2 = {
  UPSTREAM_OAUTH2_CLIENT_ID: 'a',
  UPSTREAM_OAUTH2_CLIENT_SECRET: 'b',
  UPSTREAM_OAUTH2_AUTHORIZATION_ENDPOINT: 'https://id.example/authorize',
  UPSTREAM_OAUTH2_TOKEN_ENDPOINT: 'https://id.example/token',
  UPSTREAM_OAUTH2_USERINFO_ENDPOINT: 'https://id.example/me',
}
const provider = (base_url: string) =>
  JSON.stringify([{ id: 'x', provider: 'oidc', client_id: 'a', client_secret: 'b', base_url }])

/** Each variable with a URL that is requested, set to `url`. */
const variables: Record<string, (url: string) => Record<string, string>> = {
  PASSWORD_BREACH_URL: (url) => ({ PASSWORD_BREACH_URL: url }),
  SMS_GATEWAY_URL: (url) => ({ SMS_GATEWAY_URL: url }),
  CIBA_NOTIFY_URL: (url) => ({ CIBA_NOTIFY_URL: url, CIBA_NOTIFY_SECRET: 'x'.repeat(32) }),
  UPSTREAM_OIDC_ISSUER: (url) => ({ ...oidc, UPSTREAM_OIDC_ISSUER: url }),
  UPSTREAM_GITHUB_BASE_URL: (url) => ({
    UPSTREAM_GITHUB_CLIENT_ID: 'a',
    UPSTREAM_GITHUB_CLIENT_SECRET: 'b',
    UPSTREAM_GITHUB_BASE_URL: url,
  }),
  UPSTREAM_OAUTH2_TOKEN_ENDPOINT: (url) => ({ ...oauth2, UPSTREAM_OAUTH2_TOKEN_ENDPOINT: url }),
  UPSTREAM_OAUTH2_USERINFO_ENDPOINT: (url) => ({ ...oauth2, UPSTREAM_OAUTH2_USERINFO_ENDPOINT: url }),
  UPSTREAM_PROVIDERS: (url) => ({ UPSTREAM_PROVIDERS: provider(url) }),
}

const refused: [url: string, hostPort: string][] = [
  ['http://api.pwnedpasswords.com/range', 'api.pwnedpasswords.com:80'],
  ['https://10.0.0.1/x', '10.0.0.1:443'],
  ['https://localhost:8443/x', 'localhost:8443'],
  ['https://gateway/x', 'gateway:443'],
  ['https://sms.example:25/x', 'sms.example:25'],
]

for (const [name, set] of Object.entries(variables))
  test(`${name}: what will be refused is a problem now, and OUTBOUND_ALLOW_HOSTS exempts it`, () => {
    expect(problems(set('https://sms.example/x'))).toEqual([])
    for (const [url, hostPort] of refused) {
      const found = problems(set(url))
      expect(found).toHaveLength(1)
      expect(found[0]).toStartWith(`${name}: `)
      expect(found[0]).toContain(`OUTBOUND_ALLOW_HOSTS=${hostPort}`)
      expect(problems({ ...set(url), OUTBOUND_ALLOW_HOSTS: hostPort })).toEqual([])
    }
  })

test('a jwks_uri of a trusted issuer is requested; its name is not', () => {
  for (const name of ['JWT_BEARER_ISSUERS', 'SOFTWARE_STATEMENT_ISSUERS']) {
    expect(problems({ [name]: 'http://inner=https://keys.example/jwks' })).toEqual([])
    expect(problems({ [name]: 'https://x.example=https://10.0.0.1/jwks' })[0]).toContain('10.0.0.1:443')
  }
})
