/** /lab/trouble and /lab/clock in Chromium: the switch by keyboard and without JavaScript, narrow and wide, light and dark; axe finds nothing. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { claimsOf } from '../support/client.ts'
import { launchChromium, openTab } from '../support/chromium.ts'
import { browser as person, tokensOf } from '../support/flow.ts'
import { accessibilityProblems } from './accessibility.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(120_000)

let op: ServedProvider
let browser: Browser
beforeAll(async () => {
  ;[op, browser] = await Promise.all([serveProvider({ LAB: 'true' }), launchChromium()])
})
afterAll(async () => {
  await browser.close()
  await op.stop()
})

const pages = [
  ['lab_trouble', '/lab/trouble'],
  ['lab_clock', '/lab/clock'],
] as const

test.each(pages.map(([name, path]) => [name, path]))(
  '%s: axe finds nothing, and nothing is wider than a phone',
  async (_, path) => {
    for (const width of [360, 1280]) {
      const { page, complaints, close } = await openTab(browser, { viewport: { width, height: 800 } })
      await page.goto(`${op.issuer}/lab`)
      // On a phone the menu is closed.
      if (width > 1000) await page.click(`nav a[href="${path}"]`)
      else await page.goto(`${op.issuer}${path}`)
      expect(await accessibilityProblems(page)).toEqual([])
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect(wide).toBeLessThanOrEqual(0)
      expect(complaints).toEqual([])
      await close()
    }
  },
)

test('a fault begins and ends by the keyboard, and the client is told it in between', async () => {
  const { page, complaints, close } = await openTab(browser)
  await page.goto(`${op.issuer}/lab/trouble`)
  await page.selectOption('#client_id', 'client123')
  await page.selectOption('#fault', 'aud')
  await page.focus('button[value=begin]')
  await page.keyboard.press('Enter')
  await page.waitForSelector('button[value=end]')
  expect(claimsOf((await tokensOf(op, person(op))).id_token).aud).toBe('https://another-client.invalid')
  await page.reload()
  expect(await page.textContent('td[data-title="Times told"]')).toBe('1')
  expect(await accessibilityProblems(page)).toEqual([])
  await page.focus('button[value=end]')
  await page.keyboard.press('Enter')
  await page.waitForSelector('text=No client is told anything wrong')
  expect(claimsOf((await tokensOf(op, person(op))).id_token).aud).toBe('client123')
  expect(complaints).toEqual([])
  await close()
})

test('the clock is moved without JavaScript', async () => {
  const { page, close } = await openTab(browser, { javaScriptEnabled: false })
  await page.goto(`${op.issuer}/lab/clock`)
  const time = async () => Date.parse((await page.getAttribute('time', 'datetime'))!)
  const before = await time()
  await page.click('button[value="+1h"]')
  expect((await time()) - before).toBeGreaterThanOrEqual(3_600_000)
  await page.fill('#move', '2031-05-01T12:00:00Z')
  await page.click('button[value=move]')
  expect(new Date(await time()).toISOString().slice(0, 10)).toBe('2031-05-01')
  await page.click('button[value=stop]')
  const stopped = await time()
  await page.reload()
  expect(await time()).toBe(stopped)
  await page.click('button[value=reset]')
  expect(await page.textContent('dl.facts')).toContain('runs')
  await close()
})
