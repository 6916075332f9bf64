/** /lab/token in Chromium: by keyboard, without JavaScript, narrow and wide, light and dark; axe finds nothing. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser } from 'playwright-core'
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

test('a token is pasted, and its page has nothing that axe finds', async () => {
  const { id_token } = await tokensOf(op, person(op))
  const { page, complaints, close } = await openTab(browser)
  await page.goto(`${op.issuer}/lab`)
  await page.click('nav a[href="/lab/token"]')
  expect(await accessibilityProblems(page)).toEqual([])
  await page.fill('#token', id_token)
  await page.fill('#audience', 'https://api.example')
  await page.focus('button[name=read]')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#api')
  expect(await page.textContent('#kind')).toBe('ID Token')
  expect(await page.inputValue('#token')).toBe(id_token)
  expect(await accessibilityProblems(page)).toEqual([])
  expect(complaints).toEqual([])
  await close()
})

test('it works without JavaScript, on a phone', async () => {
  const { access_token } = await tokensOf(op, person(op))
  const phone = { viewport: { width: 360, height: 740 }, javaScriptEnabled: false }
  const { page, close } = await openTab(browser, phone)
  await page.goto(`${op.issuer}/lab/token`)
  await page.fill('#token', access_token)
  await page.click('button[name=read]')
  expect(await page.textContent('section[aria-labelledby=signature]')).toContain('is that of this provider')
  // The result is what one sees, and not the form again.
  expect((await page.locator('#kind').boundingBox())!.y).toBeLessThan(740)
  expect((await page.locator('main').boundingBox())!.width).toBeLessThanOrEqual(360)
  await close()
})
