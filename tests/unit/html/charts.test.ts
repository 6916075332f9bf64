/** Charts: what is drawn stays within the picture, the table has the same numbers, and foreign text stays text. */
import { expect, test } from 'bun:test'
import { barChart, lineChart, roundTop } from '../../../src/html/chart.ts'
import { plainSetting, render } from '../../../src/html/view.ts'
import { wordsOf } from '../../../src/html/words.ts'
import { say } from '../../../src/lib/say.ts'

const title = say('account.overview')
const hours = (count: number) => Array.from({ length: count }, (_, hour) => Date.UTC(2026, 10, 28, hour))

const pointsOf = (html: string) =>
  [...html.matchAll(/points="([^"]*)"/g)].map(([, points]) =>
    points!
      .split(' ')
      .filter(Boolean)
      .map((each) => each.split(',').map(Number) as [number, number]),
  )

test('the top of the grid is round and not below the highest value', () => {
  expect([0, 1, 3, 5, 7, 10, 11, 99, 101, 4_999].map(roundTop)).toEqual([
    1, 1, 5, 5, 10, 10, 20, 100, 200, 5_000,
  ])
  for (const odd of [0.02, 1e12, 1e-9]) expect(roundTop(odd)).toBeGreaterThanOrEqual(odd)
})

test('every point lies within the picture, whatever the numbers', () => {
  const times = hours(24)
  const odd = [0, -5, Number.NaN, Number.POSITIVE_INFINITY, 1e15, 0.001]
  const html = render(
    lineChart({ title, times, step: 'hour', series: [{ name: 'odd', values: odd }] }),
    plainSetting,
  )
  const [points] = pointsOf(html)
  expect(points).toHaveLength(24)
  for (const [x, y] of points!) {
    expect(x).toBeWithin(0, 441)
    expect(y).toBeWithin(0, 191)
  }
  expect(html).not.toContain('NaN')
  expect(html).not.toContain('Infinity')
})

test('the table has a row for each time and a number for each series', () => {
  const times = hours(3)
  const series = ['a', 'b', 'c', 'd', 'e'].map((name, at) => ({ name, values: [at, at + 1_000, at + 2] }))
  const html = render(lineChart({ title, times, step: 'hour', series }), plainSetting)
  expect(pointsOf(html)).toHaveLength(4)
  const rows = [...html.matchAll(/<tr><th scope="row">(.*?)<\/th>(.*?)<\/tr>/g)]
  expect(rows).toHaveLength(3)
  expect(rows[1]![2]!.match(/<td class="number">([^<]*)/g)).toHaveLength(5)
  expect(rows[1]![2]).toContain('1,004')
  expect(rows[0]![1]).toContain('UTC')
})

test('numbers are written as the language of the reader writes them', () => {
  const chart = barChart({ id: 'kinds', title, bars: [{ name: 'x', value: 12_345 }] })
  expect(render(chart, plainSetting)).toContain('12,345')
  expect(render(chart, { ...plainSetting, words: wordsOf('de') })).toContain('12.345')
})

test('a chart without data is drawn', () => {
  expect(render(lineChart({ title, times: [], step: 'day', series: [] }), plainSetting)).toContain('<svg')
  const empty = lineChart({ title, times: hours(1), step: 'day', series: [{ name: 'a', values: [] }] })
  expect(pointsOf(render(empty, plainSetting))[0]).toHaveLength(1)
  expect(render(barChart({ id: 'none', title, bars: [{ name: 'a', value: 0 }] }), plainSetting)).toContain(
    'width="0.0"',
  )
})

test('names are text, never markup', () => {
  const name = '"><script>alert(1)</script>'
  for (const chart of [
    barChart({ id: 'names', title, bars: [{ name, value: 1 }] }),
    lineChart({ title, times: hours(2), step: 'hour', series: [{ name, values: [1, 2] }] }),
  ])
    expect(render(chart, plainSetting)).not.toContain('<script')
})
