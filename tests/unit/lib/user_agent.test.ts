/** User-Agent headers of browsers, and the common names. */
import { describe, expect, test } from 'bun:test'
import { fingerprintOf, readUserAgent } from '../../../src/lib/user_agent.ts'
import { processorMs } from '../../support/effort.ts'

const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)'
const mobile = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'

const sent: readonly (readonly [header: string, browser: string | undefined, system: string | undefined])[] =
  [
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/142.0.0.0 Safari/537.36`,
      'Chrome',
      'Windows',
    ],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0`,
      'Edge',
      'Windows',
    ],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/141.0.0.0 Safari/537.36 OPR/125.0.0.0`,
      'Opera',
      'Windows',
    ],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/140.0.0.0 Safari/537.36 Vivaldi/7.6`,
      'Vivaldi',
      'Windows',
    ],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/138.0.0.0 YaBrowser/25.8.0.0 Safari/537.36`,
      'Yandex Browser',
      'Windows',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
      'Firefox',
      'Windows',
    ],
    ['Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko', 'Internet Explorer', 'Windows'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', 'Firefox', 'Linux'],
    ['Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', 'Firefox', 'Linux'],
    [`Mozilla/5.0 (X11; Linux x86_64) ${webkit} HeadlessChrome/142.0.0.0 Safari/537.36`, 'Chrome', 'Linux'],
    [
      `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webkit} Chrome/142.0.0.0 Safari/537.36`,
      'Chrome',
      'ChromeOS',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0',
      'Firefox',
      'macOS',
    ],
    [
      `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${mobile} Version/26.1 Safari/605.1.15`,
      'Safari',
      'macOS',
    ],
    [
      `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webkit} Chrome/142.0.0.0 Safari/537.36`,
      'Chrome',
      'macOS',
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${mobile} Version/26.1 Mobile/15E148 Safari/604.1`,
      'Safari',
      'iPhone',
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${mobile} CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1`,
      'Chrome',
      'iPhone',
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${mobile} FxiOS/145.0 Mobile/15E148 Safari/605.1.15`,
      'Firefox',
      'iPhone',
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${mobile} Version/18.0 EdgiOS/142.0 Mobile/15E148 Safari/604.1`,
      'Edge',
      'iPhone',
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${mobile} GSA/390.0 Mobile/15E148 Safari/604.1`,
      'Google app',
      'iPhone',
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${mobile} Version/18.6 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15`,
      'DuckDuckGo',
      'iPhone',
    ],
    [
      `Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) ${mobile} Version/18.6 Mobile/15E148 Safari/604.1`,
      'Safari',
      'iPad',
    ],
    [
      `Mozilla/5.0 (Linux; Android 10; K) ${webkit} Chrome/142.0.0.0 Mobile Safari/537.36`,
      'Chrome',
      'Android',
    ],
    [
      `Mozilla/5.0 (Linux; Android 10; K) ${webkit} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36`,
      'Samsung Internet',
      'Android',
    ],
    [
      `Mozilla/5.0 (Linux; Android 10; K) ${webkit} Chrome/142.0.0.0 Mobile Safari/537.36 EdgA/142.0.0.0`,
      'Edge',
      'Android',
    ],
    ['Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0', 'Firefox', 'Android'],
    ['curl/8.14.1', undefined, undefined],
    ['', undefined, undefined],
    ['<script>alert(1)</script>', undefined, undefined],
  ]

describe('a browser and its system', () => {
  for (const [header, browser, system] of sent)
    test(`${browser} on ${system}: ${header.slice(0, 90)}`, () => {
      const { browser: named, system: on } = readUserAgent(header)
      expect([named, on]).toEqual([browser, system])
    })
})

test('a header of any length is read at once', async () => {
  const header = 'Mozilla/5.0 ('.repeat(100_000)
  expect(await processorMs(() => readUserAgent(header))).toBeLessThan(100)
})

test('updates and "request desktop site" keep the fingerprint; another browser, another system or no header changes it', () => {
  const same = (a: string, b: string) => fingerprintOf(a) === fingerprintOf(b)
  const chrome = (system: string, version: number) =>
    `Mozilla/5.0 (${system}) ${webkit} Chrome/${version}.0.0.0 Safari/537.36`
  const safari = (system: string) => `Mozilla/5.0 (${system}) ${mobile} Version/26.1 Safari/604.1`
  expect(same(chrome('X11; Linux x86_64', 142), chrome('X11; Linux x86_64', 163))).toBe(true)
  expect(same(chrome('Linux; Android 10; K', 142), chrome('X11; Linux x86_64', 142))).toBe(true)
  expect(same(safari('iPad; CPU OS 18_6 like Mac OS X'), safari('Macintosh; Intel Mac OS X 10_15_7'))).toBe(
    true,
  )
  expect(same(chrome('X11; Linux x86_64', 142), chrome('Windows NT 10.0; Win64; x64', 142))).toBe(false)
  expect(same(chrome('X11; Linux x86_64', 142), `${chrome('X11; Linux x86_64', 142)} Edg/142.0`)).toBe(false)
  expect(same(chrome('X11; Linux x86_64', 142), '')).toBe(false)
  expect(same('curl/8', 'curl/9')).toBe(true)
})
