/** Each claim and header member that tokens of this provider carry has a meaning, and each rule leads somewhere. */
import { expect, test } from 'bun:test'
import { claimMeaning, headerMeaning } from '../../../src/auth/claim_meanings.ts'
import { standardClaims } from '../../../src/auth/claims.ts'
import { readRule } from '../../../src/auth/rule.ts'

const made: Record<string, string[]> = {
  id_token: [
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'auth_time',
    'acr',
    'amr',
    'nonce',
    'sid',
    'at_hash',
    'c_hash',
  ],
  access_token: ['client_id', 'scope', 'jti', 'cnf', 'grant_id', 'token_use', 'act', 'authorization_details'],
  logout_token: ['events', 'sid', 'jti'],
  introspection: ['token_introspection', 'active', 'username', 'token_type'],
  authorization_response: ['code', 'state', 'iss', 'session_state', 'error'],
  dpop_proof: ['htm', 'htu', 'ath', 'nonce', 'jti'],
  client_assertion: ['iss', 'sub', 'aud', 'exp', 'jti', 'nbf'],
  request_object: ['client_id', 'redirect_uri', 'code_challenge', 'response_type', 'binding_message'],
}

test.each(Object.entries({ ...made, userinfo: standardClaims }))(
  '%s: each claim is explained',
  (kind, names) => {
    for (const name of names) {
      const meaning = claimMeaning(name, kind as 'id_token')
      expect({ name, about: meaning?.about }).toEqual({ name, about: expect.stringMatching(/^[A-Z].*\.$/) })
      expect(readRule(meaning!.rule).url).toStartWith('https://')
    }
  },
)

test('each header member of a JWS and a JWE is explained', () => {
  for (const name of [
    'alg',
    'typ',
    'kid',
    'cty',
    'jwk',
    'jku',
    'x5c',
    'crit',
    'b64',
    'enc',
    'zip',
    'epk',
    'p2c',
  ])
    expect(headerMeaning(name)?.about).toMatch(/^[A-Z].*\.$/)
})

test('a claim may mean something of its own in one kind of token', () => {
  expect(claimMeaning('iss', 'client_assertion')?.about).toContain('client')
  expect(claimMeaning('iss')?.rule).toBe('RFC 7519 §4.1.1')
})

test('a name with a language tag is explained by its claim; other names that come from outside are not', () => {
  expect(claimMeaning('name#ja-Kana-JP')).toEqual({
    about: 'The full name. In ja-Kana-JP.',
    rule: 'OpenID Connect Core §5.2',
  })
  for (const name of [
    'constructor',
    '__proto__',
    'toString',
    'name#',
    'name#de#en',
    'iss#de',
    'own_claim',
    '',
  ])
    expect(claimMeaning(name)).toBeUndefined()
  expect(headerMeaning('constructor')).toBeUndefined()
})
