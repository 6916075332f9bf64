/** Scopes: syntax and bounds. https://www.rfc-editor.org/rfc/rfc6749#section-3.3 */
import { expect, test } from 'bun:test'
import { formatScope, parseScope, requireWithin } from '../../../src/auth/scope.ts'

test('tokens in the order given, each once', () => {
  expect(parseScope('openid  profile openid email ')).toEqual(['openid', 'profile', 'email'])
  expect(parseScope('')).toEqual([])
  expect(parseScope(undefined)).toEqual([])
  expect(formatScope(['openid', 'email'])).toBe('openid email')
})

test('case matters: scopes are compared as they are', () => {
  expect(parseScope('OpenID openid')).toEqual(['OpenID', 'openid'])
})

test.each(['a"b', 'a\\b', 'ä', 'a\tb', 'a\u0000', 'a\nb', 'a\u00a0b'])('%j is refused', (scope) => {
  expect(() => parseScope(scope)).toThrow('invalid_scope')
})

test('all printable ASCII but quote and backslash may be part of a scope', () => {
  expect(parseScope('https://api.example/read:all!#$')).toEqual(['https://api.example/read:all!#$'])
})

test('beyond what is allowed, the first one too many is named', () => {
  requireWithin(['a', 'b'], ['b', 'a', 'c'], 'yours')
  requireWithin([], [], 'yours')
  expect(() => requireWithin(['a', 'admin'], ['a'], 'yours')).toThrow("'admin' is not among yours: a")
  expect(() => requireWithin(['a'], [], 'yours')).toThrow('none')
})
