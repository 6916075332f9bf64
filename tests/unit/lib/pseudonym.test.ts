/** Pseudonyms that are reversible only with the key. */
import { expect, test } from 'bun:test'
import { deriveKey } from '../../../src/lib/hash.ts'
import { identifierOf, pseudonymOf } from '../../../src/lib/pseudonym.ts'
import { systemRandom } from '../../../src/lib/random.ts'

const [one, two] = [deriveKey('a', 'one'), deriveKey('a', 'two')]

test('the same each time, another under another key, and reversible with its own key alone', () => {
  const ids = Array.from({ length: 500 }, () => systemRandom(15))
  const names = ids.flatMap((id) => [pseudonymOf(one, id), pseudonymOf(two, id)])
  expect(new Set([...names, ...ids]).size).toBe(1500)
  for (const id of ids) {
    const name = pseudonymOf(one, id)
    expect(pseudonymOf(one, id)).toBe(name)
    expect(identifierOf(one, name)).toBe(id)
    expect(identifierOf(two, name)).not.toBe(id)
  }
})

test('text that is not a pseudonym has no identifier', () => {
  expect(pseudonymOf(one, '')).toBe('') // a grant without a session
  for (const name of ['', 'x', systemRandom(15), systemRandom(33), `${systemRandom(15)}==`, '«'.repeat(22)])
    expect(identifierOf(one, name)).toBeUndefined()
})
