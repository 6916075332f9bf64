/** The catalogs of `languages/`: nothing missing, nothing unused, and in every language the names and plural forms it needs. */
import { expect, test } from 'bun:test'
import { english, problemOf, problemsOf, readCatalog, unusedKeys } from '../../scripts/language_checks.ts'
import { languages } from '../../src/lib/say.ts'

test.each(languages)('%s has every message, each as it must be', (tag) => {
  // Run "bun scripts/languages.ts missing <tag>" for what to translate.
  expect(problemsOf(tag)).toEqual([])
})

test('no message is unused', () => {
  expect(unusedKeys()).toEqual([])
})

/** Words that docs/writing.md replaces by its terms, and the typewriter's apostrophe. */
const avoided =
  /\b(?:somebody|nobody|anybody|whoever|mailbox|applications?|factors?|log(?:ged)? (?:in|out)|login|mails?)\b|'/i

test('English messages keep to the terms of docs/writing.md', () => {
  expect(avoided.test('Somebody signed in to your account.')).toBe(true)
  const strays = Object.entries(english).filter(([, message]) => avoided.test(JSON.stringify(message)))
  expect(strays).toEqual([])
})

/** In a list many buttons show one text; the name of each begins with it. https://www.w3.org/TR/WCAG22/#label-in-name */
const named = Object.keys(english).filter((key) => key.endsWith('_named'))

test.each(languages)('%s: the name of a button begins with what the button shows', (tag) => {
  const catalog = readCatalog(tag)
  const shown = (key: string) => String(catalog[key.replace(/_named$/, '')])
  expect(named).toHaveLength(5)
  expect(named.filter((key) => !String(catalog[key]).startsWith(shown(key)))).toEqual([])
})

test('the check sees what it is for', () => {
  expect(problemOf('de', 'login.title', undefined)).toBe('is missing')
  expect(problemOf('de', 'login.nothing', 'Nichts')).toBe('is not in en.json')
  expect(problemOf('de', 'login.purpose', 'weiter zu {klient}')).toBe('has {klient}, needs {client}')
  expect(problemOf('de', 'login.purpose', 'weiter <b>zu</b> {client}')).toBe(
    'has markup or control characters',
  )
  expect(problemOf('de', 'login.purpose', 'to continue to {client}')).toBe('is still English')
  expect(problemOf('de', 'login.purpose', 'weiter zu {client}')).toBeUndefined()
  expect(problemOf('de', 'login.title', { one: 'a', other: 'b' })).toBe(
    'is a plural here or there, not in both',
  )
  expect(problemOf('pl', 'common.minutes', { one: '{n} minuta', other: '{n} minut' })).toBe(
    'has the forms one other, needs few many one other',
  )
  expect(problemOf('ja', 'common.minutes', { other: '{n} 分' })).toBeUndefined()
})
