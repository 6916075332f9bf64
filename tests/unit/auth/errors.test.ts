/** The one error: its status, and words that always fit on the wire. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
import { expect, test } from 'bun:test'
import { OAuthError, shown, statusOf } from '../../../src/auth/errors.ts'

test('each code has the status its specification gives it', () => {
  expect(new OAuthError('invalid_client', '').status).toBe(401)
  expect(new OAuthError('invalid_token', '').status).toBe(401)
  expect(new OAuthError('insufficient_scope', '').status).toBe(403)
  expect(new OAuthError('invalid_grant', '').status).toBe(400)
  expect(new OAuthError('temporarily_unavailable', '').status).toBe(503)
  expect(new OAuthError('too_many_requests', '').status).toBe(429)
  for (const status of Object.values(statusOf)) expect(status).toBeWithin(400, 600)
})

test('a code that a feature brings is 400 unless it says otherwise', () => {
  expect(new OAuthError('authorization_pending', '').status).toBe(400)
  expect(new OAuthError('use_dpop_nonce', '', { status: 401 }).status).toBe(401)
})

test('a description holds only the characters RFC 6749 allows, whatever came', () => {
  const hostile = `"quoted" back\\slash \r\nSet-Cookie: a=b \u0000 ä 😀 </script>`
  const { publicDescription } = new OAuthError('invalid_request', hostile)
  expect(publicDescription).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
  expect(publicDescription).toStartWith("'quoted' back'slash ??Set-Cookie")
})

test('a description ends somewhere', () => {
  expect(new OAuthError('invalid_request', 'x'.repeat(10_000)).publicDescription).toHaveLength(400)
  expect(shown('x'.repeat(10_000)).length).toBeLessThan(100)
})

test('what came is shown whatever it is', () => {
  expect(shown('a')).toBe("'a'")
  expect(shown({ a: 1 })).toBe(`'{"a":1}'`)
  expect(shown(undefined)).toBe("'nothing'")
})

test('a detail is for the log and not in the description', () => {
  const error = new OAuthError('access_denied', 'words', 'the detail')
  expect(error.options.detail).toBe('the detail')
  expect(error.publicDescription).not.toContain('detail')
})
