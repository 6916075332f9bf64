/** What people type about themselves, in the one spelling that is kept. */
import { expect, test } from 'bun:test'
import { readPhone } from '../../../src/auth/person_claims.ts'

test.each([
  ['+49 (30) 123-456', '+4930123456'],
  ['0049 30 123456', '+4930123456'],
  ['+49\u201130\u2013123456', '+4930123456'],
  ['+49.30.123456', '+4930123456'],
  ['030 123456', undefined],
  ['+0 30 123456', undefined],
  ['000 30 123456', undefined],
  ['+49 30', undefined],
  ['+49 30 123456 x', undefined],
  [`+49 30 123456${' '.repeat(200)}99`, undefined], // not the number without what is far behind
])('a telephone number: %s', (typed, kept) => expect(readPhone(typed)).toBe(kept))
