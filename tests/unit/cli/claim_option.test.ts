/** `--claim NAME=VALUE`: text stays text, and claims of the provider are refused. */
import { expect, test } from 'bun:test'
import { readClaims } from '../../../src/cli/claim_option.ts'
import { UsageError } from '../../../src/cli/failure.ts'

test('true, false, objects and lists are JSON; all other values are text', () => {
  const given = [
    'nickname=ally',
    'birthdate=1990',
    'note=a=b',
    'phone_number=+49 30',
    'phone_number_verified=true',
    'address={"locality":"Berlin"}',
    'roles=["admin"]',
    'https://example.com/tier=gold',
  ]
  expect(readClaims(given)).toEqual({
    nickname: 'ally',
    birthdate: '1990',
    note: 'a=b',
    phone_number: '+49 30',
    phone_number_verified: true,
    address: { locality: 'Berlin' },
    roles: ['admin'],
    'https://example.com/tier': 'gold',
  })
})

test('an address is unverified unless the operator sets email_verified', () => {
  expect(readClaims([], { email: 'a@example.com', name: undefined })).toEqual({
    email: 'a@example.com',
    email_verified: false,
  })
  expect(readClaims(['email_verified=true'], { email: 'a@example.com' }).email_verified).toBe(true)
})

test.each([
  'nickname',
  '=x',
  'nickname=',
  'sub=user-alice',
  'iss=https://evil.example',
  'acr=urn:high',
  'cnf={"jkt":"x"}',
  '__proto__={"admin":true}',
  'email_verified=yes',
  'email_verified="true"',
  'address={"locality":',
  'two words=x',
])('%s is refused', (text) => {
  expect(() => readClaims([text])).toThrow(UsageError)
})

test('a claim twice is refused, also when it has an option of its own', () => {
  expect(() => readClaims(['nickname=a', 'nickname=b'])).toThrow(/came twice/)
  expect(() => readClaims(['email=b@example.com'], { email: 'a@example.com' })).toThrow(/came twice/)
})
