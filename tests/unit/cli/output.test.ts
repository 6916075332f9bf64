/** Values of self-registered clients are printed to the operator's terminal as text, whatever they contain. */
import { expect, test } from 'bun:test'
import { moment, printable } from '../../../src/cli/output.ts'

test('escape sequences, control characters and changes of direction are escaped', () => {
  const nasty = '\x1b[2J\x1b]0;owned\x07 a\nb\rc\u009b31m\u202edefg\x7f'
  const shown = printable(nasty)
  expect(shown).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/)
  expect(shown).toBe('\\u001b[2J\\u001b]0;owned\\u0007 a\\u000ab\\u000dc\\u009b31m\\u202edefg\\u007f')
  expect(printable({ name: nasty })).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/)
})

test('ordinary text is unchanged', () => {
  for (const text of ['Zoë', 'Łukasz Ćwik', '山田太郎', 'مرحبا', '🔑']) expect(printable(text)).toBe(text)
})

test('moments are UTC to the second', () => {
  expect(moment(1_800_000_000)).toBe('2027-01-15T08:00:00Z')
  expect(moment(undefined)).toBe('')
})
