/** Levels of a sign-in. https://www.rfc-editor.org/rfc/rfc8176#section-2 */
import { expect, test } from 'bun:test'
import { acrLevels, acrOf, meetsAcr } from '../../../src/auth/acr.ts'

test.each([
  [['pwd'], 'urn:latchkey:1fa'],
  [['pop'], 'urn:latchkey:1fa'], // a key without a check of its user is one factor
  [['pwd', 'otp', 'mfa'], 'urn:latchkey:2fa'],
  [['pop', 'user', 'mfa'], 'phr'],
  [[], 'urn:latchkey:1fa'],
] as const)('%p reaches %s', (amr, acr) => expect(acrOf(amr)).toBe(acr))

test('a stronger level meets a weaker one, never the other way, and a stranger meets itself alone', () => {
  for (const [have, reached] of acrLevels.entries())
    for (const [need, wanted] of acrLevels.entries())
      expect({ reached, wanted, met: meetsAcr(reached, wanted) }).toEqual({
        reached,
        wanted,
        met: have >= need,
      })
  expect(meetsAcr('phr', 'urn:other')).toBe(false)
  expect(meetsAcr('urn:other', 'urn:latchkey:1fa')).toBe(false)
  expect(meetsAcr('urn:other', 'urn:other')).toBe(true)
})
