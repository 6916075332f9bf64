/** Levels of a sign-in. https://www.rfc-editor.org/rfc/rfc8176#section-2 */
import { expect, test } from 'bun:test'
import {
  acrDemandOf,
  acrLevels,
  acrOf,
  acrToSay,
  meetsAcr,
  openDemand,
  withFactor,
} from '../../../src/auth/acr.ts'

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

test.each([
  [['pwd'], 'otp', ['pwd', 'otp', 'mfa']],
  [['pwd'], 'sms', ['pwd', 'sms', 'mfa']],
  [['pop'], 'otp', ['pop', 'otp']], // two things one has are one kind
  [['pwd', 'otp'], 'otp', ['pwd', 'otp', 'mfa']], // a mailed code first, then the app
  [['fed'], 'otp', ['fed', 'otp', 'mfa']],
  [[], 'otp', ['otp', 'mfa']], // whatever came first, it was not this
] as const)('%p and then %s is %p', (amr, added, after) => expect(withFactor(amr, added)).toEqual([...after]))

const twoFactors = 'urn:latchkey:2fa'
const [one, , key] = acrLevels

test('what a request leaves open: essential before voluntary, and only levels that are known', () => {
  const essential = { essential: [twoFactors], voluntary: [] }
  expect(openDemand(one, essential)).toEqual({ levels: [twoFactors], essential: true })
  expect(openDemand(twoFactors, essential)).toBeUndefined()
  expect(openDemand(key, essential)).toBeUndefined()
  expect(openDemand(one, { essential: undefined, voluntary: ['gold', key] })).toEqual({
    levels: [key],
    essential: false,
  })
  expect(openDemand(one, { essential: undefined, voluntary: ['gold'] })).toBeUndefined()
  expect(openDemand(one, { essential: undefined, voluntary: [key, one] })).toBeUndefined()
  expect(openDemand(one, { essential: undefined, requested: ['gold'], voluntary: [] })).toEqual({
    levels: ['gold'],
    essential: true,
  })
  expect(openDemand(one, { essential: undefined, requested: ['gold', one], voluntary: [] })).toBeUndefined()
  expect(openDemand(one, { essential: ['gold'], voluntary: [one] })).toEqual({
    levels: ['gold'],
    essential: true,
  })
})

test('what is said of a sign-in is a level that was asked for, when it was reached', () => {
  expect(acrToSay(key, { essential: [twoFactors], voluntary: [] })).toBe(twoFactors)
  expect(acrToSay(key, { essential: undefined, voluntary: [] })).toBe(key)
  expect(acrToSay(one, { essential: undefined, voluntary: [key, twoFactors] })).toBe(one)
  expect(acrToSay(twoFactors, { essential: undefined, voluntary: ['gold', key, one] })).toBe(one)
})

test('where a request says what it wants', () => {
  const claims = { id_token: { acr: { values: ['b'] } } }
  const client = { default_acr_values: ['c'] }
  expect(acrDemandOf({ acr_values: 'a  d' }, claims, client)).toEqual({
    essential: undefined,
    requested: ['a', 'd'],
    voluntary: [],
  })
  expect(acrDemandOf({ acr_values: ' ' }, undefined, client)).toEqual({
    essential: undefined,
    voluntary: ['c'],
  })
  expect(acrDemandOf({}, claims, client)).toEqual({ essential: undefined, voluntary: ['b'] })
  expect(acrDemandOf({}, undefined, client)).toEqual({ essential: undefined, voluntary: ['c'] })
  expect(acrDemandOf({}, { id_token: { acr: { essential: true, value: 'b' } } }, client)).toEqual({
    essential: ['b'],
    voluntary: ['c'],
  })
  // Essential without values: that it is there, which it always is.
  expect(acrDemandOf({}, { id_token: { acr: { essential: true } } }, {}).essential).toBeUndefined()
})
