/** Claims: what scopes and the `claims` parameter ask for. https://openid.net/specs/openid-connect-core-1_0.html#Claims */
import { describe, expect, test } from 'bun:test'
import {
  acceptedValues,
  claimsOfScope,
  parseClaimsParameter,
  pick,
  requestedNames,
  standardClaims,
} from '../../../src/auth/claims.ts'

test('scopes ask for the claims of Core 5.4, all twenty of 5.1 are known', () => {
  expect(requestedNames(['openid'], undefined)).toEqual([])
  expect(requestedNames(['email', 'phone', 'address'], undefined)).toEqual([
    'email',
    'email_verified',
    'phone_number',
    'phone_number_verified',
    'address',
  ])
  expect(claimsOfScope.profile).toHaveLength(14)
  expect(standardClaims).toHaveLength(20)
  expect(new Set(standardClaims).size).toBe(20)
})

test('scopes and single claims add up', () => {
  expect(requestedNames(['email'], { nickname: null, email: { essential: true } })).toEqual([
    'email',
    'email_verified',
    'nickname',
    'email',
  ])
})

describe('the parameter', () => {
  test('has two places; others are ignored', () => {
    const text =
      '{"userinfo":{"name":null},"id_token":{"acr":{"essential":true,"values":["a"]}},"other":{"x":1}}'
    expect(parseClaimsParameter(text)).toEqual({
      userinfo: { name: null },
      id_token: { acr: { essential: true, values: ['a'] } },
    })
    expect(parseClaimsParameter(undefined)).toBeUndefined()
    expect(parseClaimsParameter('{}')).toEqual({ userinfo: undefined, id_token: undefined })
  })

  test.each([
    'x',
    '',
    'null',
    '3',
    '"name"',
    '[]',
    '{"userinfo":[]}',
    '{"userinfo":"name"}',
    '{"userinfo":{"name":true}}',
    '{"id_token":{"acr":{"essential":"yes"}}}',
    '{"id_token":{"acr":{"values":"a"}}}',
    `{"id_token":{"acr":{"values":[${'1,'.repeat(60)}1]}}}`,
    `{"userinfo":{"${'n'.repeat(201)}":null}}`,
  ])('%j is refused', (text) => expect(() => parseClaimsParameter(text)).toThrow('invalid_request'))

  test('cannot reach the prototype', () => {
    parseClaimsParameter('{"userinfo":{"__proto__":{"value":"polluted"}}}')
    expect(({} as Record<string, unknown>).value).toBeUndefined()
  })
})

test('value wins over values; neither accepts anything', () => {
  expect(acceptedValues({ value: 'a', values: ['b'] })).toEqual(['a'])
  expect(acceptedValues({ values: ['b', 'c'] })).toEqual(['b', 'c'])
  expect(acceptedValues({ essential: true })).toBeUndefined()
  expect(acceptedValues(null)).toBeUndefined()
})

test('picked claims are own, present and not empty', () => {
  const source = { name: 'A', nickname: '', email: null, email_verified: false, updated_at: 0 }
  expect(
    pick(source, ['name', 'nickname', 'email', 'email_verified', 'updated_at', 'toString', '__proto__', 'x']),
  ).toEqual({ name: 'A', email_verified: false, updated_at: 0 })
})
