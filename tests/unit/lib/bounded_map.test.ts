/** The map bounded by bytes: what it drops, what it keeps, and what one large entry costs. */
import { expect, test } from 'bun:test'
import { createBoundedMap } from '../../../src/lib/bounded_map.ts'

test('holds no more than its bound, and drops what was not read for longest', () => {
  const map = createBoundedMap<number>(1000)
  for (let i = 0; i < 100; i++) {
    map.set(`k${i}`, i, 50)
    map.get('k0')
  }
  const held = Array.from({ length: 100 }, (_, i) => map.get(`k${i}`)).filter((value) => value !== undefined)
  expect(held.length * 50).toBeLessThanOrEqual(1000)
  expect(held).toContain(0)
  expect(held).toContain(99)
  expect(held).not.toContain(50)
})

test('an entry that is read moves to the young generation without growing the map', () => {
  const map = createBoundedMap<string>(1000)
  map.set('often', 'here', 100)
  for (let i = 0; i < 1000; i++) {
    map.set(`k${i}`, '', 100)
    expect(map.get('often')).toBe('here')
  }
})

test('an entry larger than an eighth of the bound is not kept, and an older one of its key is gone', () => {
  const map = createBoundedMap<string>(800)
  map.set('k', 'small', 100)
  map.set('k', 'large', 101)
  expect(map.get('k')).toBeUndefined()
})

test('a key that is set again counts once', () => {
  const map = createBoundedMap<number>(1000)
  map.set('other', 1, 100)
  for (let i = 0; i < 1000; i++) map.set('same', i, 100)
  expect(map.get('other')).toBe(1)
  expect(map.get('same')).toBe(999)
})

test('delete and clear forget entries of both generations', () => {
  const map = createBoundedMap<number>(400)
  for (let i = 0; i < 6; i++) map.set(`k${i}`, i, 50)
  map.delete('k1')
  map.delete('k5')
  expect([map.get('k1'), map.get('k5'), map.get('k4')]).toEqual([undefined, undefined, 4])
  map.clear()
  expect(map.get('k4')).toBeUndefined()
})
