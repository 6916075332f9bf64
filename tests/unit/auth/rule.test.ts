/** Citations of specifications lead to their sections. */
import { expect, test } from 'bun:test'
import { readRule } from '../../../src/auth/rule.ts'

test('a rule has the title of its specification and the address of its section', () => {
  expect(readRule('RFC 7636 §4.6')).toEqual({
    title: 'Proof Key for Code Exchange',
    url: 'https://www.rfc-editor.org/rfc/rfc7636#section-4.6',
  })
  expect(readRule('JARM §2.1').url).toBe('https://openid.net/specs/oauth-v2-jarm.html#section-2.1')
})
