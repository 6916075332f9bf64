/** The names that a mistyped one may stand for. */
import { expect, test } from 'bun:test'
import { nearest } from '../../../src/lib/nearest.ts'

const known = ['redirect-uri', 'resource-uri', 'scope', 'public', 'json', 'id-token-alg']

test.each<[string, string[]]>([
  ['scope', ['scope']],
  ['scopes', ['scope']],
  ['redirect-url', ['redirect-uri']],
  ['redirect', ['redirect-uri']],
  ['uri', ['redirect-uri', 'resource-uri']],
  ['public-client', ['public']],
  ['jsn', ['json']],
  ['colour', []],
  ['x', []],
  ['', []],
])('%s: %p', (name, found) => {
  expect(nearest(name, known)).toEqual(found)
})

test('a long name costs little', () => {
  expect(nearest('x'.repeat(100_000), known)).toEqual([])
})
