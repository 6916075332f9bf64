/** The pages of /account in a browser: their menu on a phone, the skip link, and times in the zone of the reader. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { languages } from '../../src/lib/say.ts'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(60_000)

let op: ServedProvider
let browser: Browser
beforeAll(async () => {
  ;[op, browser] = await Promise.all([serveProvider(), launchChromium()])
})
afterAll(async () => {
  await browser.close()
  await op.stop()
})

const phone = { width: 360, height: 740 }

async function openAccount(page: Page, path = '/account'): Promise<void> {
  await page.goto(`${op.issuer}${path}`)
  await fillLogin(page)
  await page.waitForURL((url) => url.pathname !== '/login')
  if (page.url().includes('/passkeys/enrol')) await page.click('button[name=later]')
  await page.waitForURL((url) => url.pathname === path)
}

test('on a phone the menu is one row, in every language, with and without JavaScript', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const tab = await openTab(browser, { viewport: phone, javaScriptEnabled })
    await openAccount(tab.page)
    for (const tag of languages) {
      await tab.page.goto(`${op.issuer}/account?ui_locales=${tag}`)
      const box = await tab.page.locator('nav').boundingBox()
      expect([tag, box!.height <= 48]).toEqual([tag, true])
      await tab.page.click('nav button')
      expect(await tab.page.isVisible('nav a[href="/account/sessions"]')).toBe(true)
      await tab.page.keyboard.press('Escape')
      expect(await tab.page.isVisible('nav a[href="/account/sessions"]')).toBe(false)
    }
    await tab.page.click('nav button')
    await tab.page.click('nav a[href="/account/sessions"]')
    await tab.page.waitForURL(`${op.issuer}/account/sessions`)
    expect(tab.complaints).toEqual([])
    await tab.close()
  }
})

test('the first Tab is a link past the menu', async () => {
  const tab = await openTab(browser)
  const { page } = tab
  await openAccount(page)
  await page.goto(`${op.issuer}/account/sessions`)
  await page.keyboard.press('Tab')
  const first = page.locator(':focus')
  expect(await first.textContent()).toBe('Skip to content')
  expect((await first.boundingBox())!.y).toBeGreaterThanOrEqual(0)
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true)
  await tab.close()
})

test('times are in the zone of the reader and say how long ago; without JavaScript they are in UTC', async () => {
  const timezoneId = 'Asia/Kathmandu'
  const tab = await openTab(browser, { timezoneId, locale: 'en' })
  await openAccount(tab.page, '/account/activity')
  const times = tab.page.locator('main time')
  expect(await times.first().textContent()).toBe('now')
  const local = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeStyle: 'short', timeZone: timezoneId })
  const at = new Date((await times.first().getAttribute('datetime'))!)
  expect(await times.first().getAttribute('title')).toBe(local.format(at))
  await tab.page.goto(`${op.issuer}/account/sessions`)
  const begun = tab.page.locator('details time').first()
  expect(await begun.textContent()).toBe(local.format(new Date((await begun.getAttribute('datetime'))!)))
  await tab.close()

  const plain = await openTab(browser, { timezoneId, locale: 'en', javaScriptEnabled: false })
  await openAccount(plain.page, '/account/activity')
  expect(await plain.page.locator('main time').first().textContent()).toMatch(/ at \d+:\d\d\s[AP]M UTC$/)
  await plain.close()
})
