/** The initials that stand for a picture. */
import { expect, test } from 'bun:test'
import { avatar, initialsOf } from '../../../src/html/avatar.ts'

test.each([
  ['Alice Adams', 'AA'],
  ['alice', 'A'],
  ['Ludwig van Beethoven', 'LB'],
  ['jean-luc.picard@example.com', 'JC'],
  ['Élodie Ünal', 'ÉÜ'],
  ['Анна Каренина', 'АК'],
  ['山田 太郎', '山'],
  ['ليلى حسن', 'ل'],
  ['𝒜da 🦊 Lovelace', '𝒜'],
  ['42', '4'],
  ['🦊', ''],
  ['', ''],
])('%s: %s', (name, letters) => expect(initialsOf(name)).toBe(letters))

test('a name is text, and a picture comes before it', () => {
  expect(`${avatar({ username: 'x', name: '<b> <i>' })}`).not.toContain('<b>')
  expect(`${avatar({ username: 'bob' })}`).toContain('>B</span>')
  expect(`${avatar({ username: 'bob', picture: '/avatar/x' })}`).toContain('src="/avatar/x"')
})
