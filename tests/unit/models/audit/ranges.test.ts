/** Ranges of dropped entries. */
import { expect, test } from 'bun:test'
import { addTo, outside, type Ranges, rangesText, readRanges } from '../../../../src/models/audit/ranges.ts'

test('numbers in order become ranges, and back', () => {
  const ranges: Ranges = []
  for (const seq of [1, 2, 3, 7, 9, 10]) addTo(ranges, seq)
  expect(rangesText(ranges)).toBe('1-3,7,9-10')
  expect(readRanges('1-3,7,9-10')).toEqual(ranges)
  expect(readRanges('1-3,x')).toEqual([])
})

test.each([
  ['1-10', '1-10', ''],
  ['1-10', '1-4,6-10', '5'],
  ['1-10', '', '1-10'],
  ['1-3,8-9', '2,8', '1,3,9'],
  ['5-6', '6-7,1-5', ''],
  ['5', '1-4,6-9', '5'],
  ['1-2,4-5', '1-9', ''],
  ['4-5', '1-9,2-3', ''],
])('of %s, outside of %s: %s', (ranges, allowed, left) => {
  expect(rangesText(outside(readRanges(ranges), readRanges(allowed)))).toBe(left)
})
