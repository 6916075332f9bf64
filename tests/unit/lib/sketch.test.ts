/** The error of a sketch is what it says, merging is a union, and its text has all of it. */
import { expect, test } from 'bun:test'
import {
  addTo,
  decodeSketch,
  encodeSketch,
  estimateOf,
  mergeInto,
  newSketch,
} from '../../../src/lib/sketch.ts'

const sketchOf = (from: number, to: number) => {
  const sketch = newSketch()
  for (let i = from; i < to; i++) addTo(sketch, `person-${i}`)
  return sketch
}

test('few texts are counted nearly exactly, many within three standard errors', () => {
  expect(estimateOf(newSketch())).toBe(0)
  for (const n of [1, 2, 5, 10]) expect(estimateOf(sketchOf(0, n))).toBe(n)
  for (const n of [100, 500, 1000, 2500, 3000, 10_000, 100_000, 1_000_000]) {
    const error = Math.abs(estimateOf(sketchOf(0, n)) - n) / n
    expect([n, error < 3 * (1.04 / Math.sqrt(1024))]).toEqual([n, true])
  }
})

test('the same text again changes nothing', () => {
  const sketch = sketchOf(0, 50)
  const before = encodeSketch(sketch)
  for (let i = 0; i < 50; i++) addTo(sketch, `person-${i}`)
  expect(encodeSketch(sketch)).toBe(before)
})

test('a merge is the sketch of both', () => {
  const both = sketchOf(0, 3000)
  const merged = sketchOf(0, 2000)
  mergeInto(merged, sketchOf(1000, 3000))
  expect(encodeSketch(merged)).toBe(encodeSketch(both))
})

test('its text is short for few, bounded for many, and read back whole', () => {
  for (const n of [0, 1, 40, 300, 5000]) {
    const sketch = sketchOf(0, n)
    expect(decodeSketch(encodeSketch(sketch))).toEqual(sketch)
  }
  expect(encodeSketch(sketchOf(0, 10)).length).toBeLessThan(50)
  expect(encodeSketch(sketchOf(0, 1_000_000)).length).toBeLessThan(1400)
  for (const broken of ['', 'x', 'dAAAA', 's_', 's____', `s${'A'.repeat(99_999)}`])
    expect(decodeSketch(broken).length).toBe(1024)
})
