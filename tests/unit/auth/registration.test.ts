/** Client metadata: defaults, and everything a stranger may not register. https://www.rfc-editor.org/rfc/rfc7591 */
import { describe, expect, test } from 'bun:test'
import { OAuthError } from '../../../src/auth/errors.ts'
import { readClientMetadata, type RegistrationPolicy } from '../../../src/auth/registration.ts'

const policy: RegistrationPolicy = {
  grantTypes: ['authorization_code', 'refresh_token'],
  responseTypes: ['code'],
  authMethods: ['client_secret_basic', 'client_secret_post', 'none', 'private_key_jwt', 'client_secret_jwt'],
  subjectTypes: ['public'],
  signingAlgs: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  scopes: ['openid', 'profile', 'email'],
  extra: {},
}
const redirect_uris = ['https://app.example/cb']
const read = (body: unknown, more: Partial<RegistrationPolicy> = {}) =>
  readClientMetadata(body, { ...policy, ...more })

const ecKey = { kty: 'EC', crv: 'P-256', x: 'a', y: 'b' }

test('the defaults of section 2', () => {
  expect(read({ redirect_uris })).toMatchObject({
    redirect_uris,
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'RS256',
    subject_type: 'public',
    scope: 'openid profile email',
  })
})

test('members nobody knows are dropped, so is what only an operator may say', () => {
  const metadata = read({
    redirect_uris,
    client_id: 'chosen',
    client_secret: 'chosen',
    first_party: true,
    resource_server: true,
    require_pkce: false,
    self_registered: false,
    sealed_secret: 'x',
    disabled: false,
    anything: 1,
  })
  for (const name of [
    'client_id',
    'client_secret',
    'first_party',
    'resource_server',
    'require_pkce',
    'anything',
  ])
    expect(metadata).not.toHaveProperty(name)
  expect(metadata).not.toHaveProperty('self_registered')
  expect(metadata).not.toHaveProperty('sealed_secret')
})

test('a row of a feature is read and kept', async () => {
  const { boolean, optional } = await import('valibot')
  const extra = { require_pushed_authorization_requests: optional(boolean()) }
  const body = { redirect_uris, require_pushed_authorization_requests: true }
  expect(read(body, { extra })).toMatchObject({ require_pushed_authorization_requests: true })
  expect(() => read({ ...body, require_pushed_authorization_requests: 'yes' }, { extra })).toThrow()
})

const refused: [what: string, body: unknown, code: string][] = [
  ['no object', 'text', 'invalid_client_metadata'],
  ['null', null, 'invalid_client_metadata'],
  ['no redirect for the code grant', {}, 'invalid_redirect_uri'],
  ['an empty list of redirects', { redirect_uris: [] }, 'invalid_redirect_uri'],
  ['a redirect that is no string', { redirect_uris: [1] }, 'invalid_client_metadata'],
  ['a redirect with a fragment', { redirect_uris: ['https://a.example/#x'] }, 'invalid_redirect_uri'],
  ['a redirect with a wildcard', { redirect_uris: ['https://*.example/'] }, 'invalid_redirect_uri'],
  [
    'one bad redirect among good',
    { redirect_uris: [...redirect_uris, 'http://a.example'] },
    'invalid_redirect_uri',
  ],
  ['a script as redirect', { redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
  [
    'a private scheme for a web application',
    { redirect_uris: ['com.myapp://cb'], application_type: 'web' },
    'invalid_redirect_uri',
  ],
  [
    'a bad redirect after logout',
    { redirect_uris, post_logout_redirect_uris: ['http://a.example'] },
    'invalid_client_metadata',
  ],
  ['more than 50 redirects', { redirect_uris: Array(51).fill(redirect_uris[0]) }, 'invalid_client_metadata'],
  [
    'a grant type beyond policy',
    { redirect_uris, grant_types: ['client_credentials'] },
    'invalid_client_metadata',
  ],
  ['the implicit grant', { redirect_uris, grant_types: ['implicit'] }, 'invalid_client_metadata'],
  ['the password grant', { redirect_uris, grant_types: ['password'] }, 'invalid_client_metadata'],
  ['an unknown response type', { redirect_uris, response_types: ['token'] }, 'invalid_client_metadata'],
  ['an unknown method', { redirect_uris, token_endpoint_auth_method: 'magic' }, 'invalid_client_metadata'],
  [
    'code without its grant type',
    { redirect_uris, grant_types: ['refresh_token'] },
    'invalid_client_metadata',
  ],
  [
    'pairwise where it is not offered',
    { redirect_uris, subject_type: 'pairwise' },
    'invalid_client_metadata',
  ],
  [
    'alg none for ID Tokens',
    { redirect_uris, id_token_signed_response_alg: 'none' },
    'invalid_client_metadata',
  ],
  [
    'HS256 for ID Tokens',
    { redirect_uris, id_token_signed_response_alg: 'HS256' },
    'invalid_client_metadata',
  ],
  [
    'alg none for assertions',
    { redirect_uris, token_endpoint_auth_signing_alg: 'none' },
    'invalid_client_metadata',
  ],
  ['a scope beyond policy', { redirect_uris, scope: 'openid admin' }, 'invalid_client_metadata'],
  ['a scope that is none', { redirect_uris, scope: 'a"b' }, 'invalid_client_metadata'],
  ['a script as client_uri', { redirect_uris, client_uri: 'javascript:alert(1)' }, 'invalid_client_metadata'],
  ['data as policy_uri', { redirect_uris, policy_uri: 'data:text/html,x' }, 'invalid_client_metadata'],
  ['a logo over http', { redirect_uris, logo_uri: 'http://a.example/l.png' }, 'invalid_client_metadata'],
  ['a name too long', { redirect_uris, client_name: 'x'.repeat(201) }, 'invalid_client_metadata'],
  ['a name of blanks', { redirect_uris, client_name: '   ' }, 'invalid_client_metadata'],
  ['a negative max age', { redirect_uris, default_max_age: -1 }, 'invalid_client_metadata'],
  [
    'private_key_jwt without keys',
    { redirect_uris, token_endpoint_auth_method: 'private_key_jwt' },
    'invalid_client_metadata',
  ],
  ['no keys in the set', { redirect_uris, jwks: { keys: [] } }, 'invalid_client_metadata'],
  ['a private EC key', { redirect_uris, jwks: { keys: [{ ...ecKey, d: 'c' }] } }, 'invalid_client_metadata'],
  [
    'a private RSA key',
    { redirect_uris, jwks: { keys: [{ kty: 'RSA', n: 'n'.repeat(342), e: 'AQAB', p: 'p' }] } },
    'invalid_client_metadata',
  ],
  [
    'a symmetric key',
    { redirect_uris, jwks: { keys: [{ kty: 'oct', k: 'secret' }] } },
    'invalid_client_metadata',
  ],
  [
    'an RSA key of 1024 bits',
    { redirect_uris, jwks: { keys: [{ kty: 'RSA', n: 'n'.repeat(171), e: 'AQAB' }] } },
    'invalid_client_metadata',
  ],
]

describe('refused', () => {
  test.each(refused)('%s', (_what, body, code) => {
    let thrown: unknown
    try {
      read(body)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(OAuthError)
    expect((thrown as OAuthError).code).toBe(code)
    expect((thrown as OAuthError).status).toBe(400)
  })

  test('a public client acting for itself, whatever policy says', () => {
    const body = {
      grant_types: ['client_credentials'],
      response_types: [],
      token_endpoint_auth_method: 'none',
    }
    expect(() => read(body, { grantTypes: ['client_credentials'] })).toThrow('clients that authenticate')
  })
})

test('keys of its own, public ones', () => {
  const body = { redirect_uris, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [ecKey] } }
  expect(read(body)).toMatchObject({ jwks: { keys: [ecKey] } })
})

test('a client for client_credentials alone needs no redirect', () => {
  const body = { grant_types: ['client_credentials'], response_types: [] }
  expect(read(body, { grantTypes: ['client_credentials'] })).toMatchObject({ redirect_uris: [] })
})
