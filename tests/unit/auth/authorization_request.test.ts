/** The authorization request: what is read from it and each way to refuse it. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import { describe, expect, test } from 'bun:test'
import {
  type Abilities,
  readAuthorizationRequest,
  type RequestingClient,
  responseModeOf,
} from '../../../src/auth/authorization_request.ts'
import { OAuthError } from '../../../src/auth/errors.ts'
import { matchRedirectUri } from '../../../src/auth/redirect_uri.ts'
import vector from '../../vectors/rfc7636.json'

const redirect = matchRedirectUri(['https://a.example/cb'], 'https://a.example/cb')!
const client: RequestingClient = {
  response_types: ['code', 'code id_token'],
  grant_types: ['authorization_code'],
  scope: 'openid profile',
  require_pkce: true,
  token_endpoint_auth_method: 'client_secret_basic',
}
const abilities: Abilities = {
  responseTypes: new Map([
    ['code', { defaultMode: 'query' }],
    ['code id_token', { defaultMode: 'fragment' }],
  ]),
  responseModes: new Map([
    ['query', { inQuery: true }],
    ['fragment', {}],
    ['short', { standsFor: (defaultMode: string) => `${defaultMode}.jwt` }],
  ]),
  scopes: ['openid', 'profile', 'email'],
  requirePkce: true,
}
const params = {
  response_type: 'code',
  scope: 'openid',
  code_challenge: vector.code_challenge,
  code_challenge_method: 'S256',
}
const read = (more: Record<string, string | undefined> = {}, who: Partial<RequestingClient> = {}) =>
  readAuthorizationRequest(
    Object.fromEntries(
      Object.entries({ ...params, ...more }).filter(
        (each): each is [string, string] => each[1] !== undefined,
      ),
    ),
    redirect,
    { ...client, ...who },
    abilities,
  )

test('everything that came is read', () => {
  const claims = { id_token: { sub: { value: 'alice' }, acr: { essential: true, values: ['gold'] } } }
  expect(
    read({
      scope: 'openid profile',
      state: 's',
      nonce: 'n',
      prompt: 'login consent',
      max_age: '60',
      acr_values: 'silver  gold',
      claims: JSON.stringify(claims),
      unknown: 'ignored',
    }),
  ).toMatchObject({
    responseType: 'code',
    responseMode: 'query',
    scope: ['openid', 'profile'],
    state: 's',
    nonce: 'n',
    codeChallenge: vector.code_challenge,
    prompts: ['login', 'consent'],
    maxAge: 60,
    acr: { essential: ['gold'], requested: ['silver', 'gold'], voluntary: [] },
    subjects: ['alice'],
  })
})

test('what the client registered is the default', () => {
  expect(read({}, { default_max_age: 30, default_acr_values: ['gold'] })).toMatchObject({
    maxAge: 30,
    acr: { essential: undefined, voluntary: ['gold'] },
  })
  expect(read({ max_age: '0' }, { default_max_age: 30 }).maxAge).toBe(0)
})

test('a voluntary acr is no condition', () => {
  expect(read({ claims: '{"id_token":{"acr":{"values":["gold"]}}}' }).acr).toEqual({
    essential: undefined,
    voluntary: ['gold'],
  })
})

const refused: [what: string, more: Record<string, string | undefined>, code: string][] = [
  ['no response_type', { response_type: undefined }, 'invalid_request'],
  ['an unknown response_type', { response_type: 'token' }, 'unsupported_response_type'],
  ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
  ['plain', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['a scope we do not know', { scope: 'openid admin' }, 'invalid_scope'],
  ['a scope the client did not register', { scope: 'openid email' }, 'invalid_scope'],
  ['an unknown prompt', { prompt: 'always' }, 'invalid_request'],
  ['prompt none in company', { prompt: 'none login' }, 'invalid_request'],
  ['max_age below nothing', { max_age: '-1' }, 'invalid_request'],
  ['max_age in words', { max_age: 'soon' }, 'invalid_request'],
  ['max_age with a fraction', { max_age: '1.5' }, 'invalid_request'],
  ['max_age with a sign', { max_age: '+9' }, 'invalid_request'],
  ['claims that are no JSON', { claims: '{' }, 'invalid_request'],
  ['a response_mode nobody has', { response_mode: 'smoke_signal' }, 'invalid_request'],
  [
    'an ID Token from the front channel without nonce',
    { response_type: 'code id_token', nonce: undefined },
    'invalid_request',
  ],
  [
    'tokens in the query',
    { response_type: 'code id_token', nonce: 'n', response_mode: 'query' },
    'invalid_request',
  ],
]

describe('refused', () => {
  test.each(refused)('%s', (_what, more, code) => {
    let thrown: unknown
    try {
      read(more)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(OAuthError)
    expect((thrown as OAuthError).code).toBe(code)
  })

  test('a response type the client did not register', () => {
    expect(() => read({ response_type: 'code id_token', nonce: 'n' }, { response_types: ['code'] })).toThrow(
      'unauthorized_client',
    )
  })
})

describe('PKCE', () => {
  const without = { code_challenge: undefined, code_challenge_method: undefined }
  test('may be left out by a confidential client that is allowed to', () => {
    expect(read(without, { require_pkce: false }).codeChallenge).toBeUndefined()
  })

  test('never by a public one, whatever its record says', () => {
    expect(() => read(without, { require_pkce: false, token_endpoint_auth_method: 'none' })).toThrow(
      'code_challenge is required',
    )
  })
})

test('response types are sets: the order of words does not matter', () => {
  expect(read({ response_type: 'id_token code', nonce: 'n' }).responseType).toBe('code id_token')
})

test('an error travels the way the answer would have', () => {
  expect(responseModeOf({ response_type: 'code' }, abilities)).toBe('query')
  expect(responseModeOf({ response_type: 'code id_token' }, abilities)).toBe('fragment')
  expect(responseModeOf({ response_type: 'code id_token', response_mode: 'query' }, abilities)).toBe(
    'fragment',
  )
  expect(responseModeOf({ response_type: 'code', response_mode: 'fragment' }, abilities)).toBe('fragment')
  expect(responseModeOf({ response_type: 'code', response_mode: 'unknown' }, abilities)).toBe('query')
  expect(responseModeOf({}, abilities)).toBe('query')
  expect(responseModeOf({ response_type: 'code', response_mode: 'short' }, abilities)).toBe('query.jwt')
})
