/** /lab/worksheet in Chromium: a lesson that shows what was done while it is open, by keyboard, without JavaScript, narrow and wide; axe finds nothing. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { launchChromium, openTab } from '../support/chromium.ts'
import { authorize, browser as person, demo, redeem } from '../support/flow.ts'
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

test('a lesson begins by the keyboard, shows each step as it is done, and takes the answer', async () => {
  const { page, complaints, close } = await openTab(browser, { viewport: { width: 1280, height: 900 } })
  await page.goto(`${op.issuer}/lab`)
  await page.click('nav a[href="/lab/worksheet"]')
  expect(await accessibilityProblems(page)).toEqual([])
  await page.click('text=The authorization code flow')
  await page.focus('button[name=begin]')
  await page.keyboard.press('Enter')
  await page.waitForSelector('text=0 of 6 steps are done')
  const authorized = await authorize(op, person(op))
  // By server-sent events.
  await page.waitForSelector('text=3 of 6 steps are done')
  await redeem(op, demo, authorized, { code_verifier: 'x'.repeat(43) })
  await page.waitForSelector('text=The last request was refused: invalid_grant')
  expect(await accessibilityProblems(page)).toEqual([])
  await page.fill('#answer-request', 'wrong')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#wrong-request')
  expect(await accessibilityProblems(page)).toEqual([])
  await page.fill('#answer-request', authorized.params.nonce!)
  await page.keyboard.press('Enter')
  await page.waitForSelector(`#step-request:has-text("Right: ${authorized.params.nonce}")`)
  expect(await accessibilityProblems(page)).toEqual([])
  await page.click('#step-code a:has-text("in its flow")')
  await page.waitForSelector('text=Who said what')
  expect(complaints).toEqual([])
  await close()
})

test('it works without JavaScript, on a phone', async () => {
  const phone = { viewport: { width: 360, height: 740 }, javaScriptEnabled: false }
  const { page, close } = await openTab(browser, phone)
  for (const lesson of ['redirects', 'pkce', 'dpop-and-step-up']) {
    await page.goto(`${op.issuer}/lab/worksheet?lesson=${lesson}`)
    await page.click('button[name=begin]')
    expect(await page.textContent('main')).toContain('0 of 5 steps are done')
    expect((await page.locator('main').boundingBox())!.width).toBeLessThanOrEqual(360)
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0)
  }
  await close()
})
