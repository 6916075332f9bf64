/** What the script of every page adds: a button that shows a password, and a language that is chosen at once. Without it the pages work too. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { generateSync } from 'otplib/functional'
import type { Browser } from 'playwright-core'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { alice, bob } from '../support/person.ts'
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

const at = (path: string) => `${op.issuer}${path}`

test('a button shows the password and hides it again; it is hidden when the form is sent', async () => {
  const tab = await openTab(browser)
  const { page } = tab
  await page.goto(at('/login'))
  await page.fill('input[name=password]', 'seen')
  const kind = () => page.getAttribute('#password', 'type')
  const button = page.getByRole('button', { name: 'Show password' })
  await button.click()
  expect([await kind(), await button.getAttribute('aria-pressed')]).toEqual(['text', 'true'])
  await button.press('Enter')
  expect([await kind(), await button.getAttribute('aria-pressed')]).toEqual(['password', 'false'])
  await button.press('Space')
  await page.fill('input[name=username]', alice.username)
  await page.evaluate(() =>
    document.querySelector('main form')?.addEventListener('submit', (event) => event.preventDefault()),
  )
  await page.click('button[name=login]')
  expect(await kind()).toBe('password')
  expect(tab.complaints).toEqual([])
  await tab.close()
})

test('a language is shown once it is chosen; keys that pass through the list choose none', async () => {
  const tab = await openTab(browser)
  const { page } = tab
  await page.goto(at('/login'))
  const button = page.locator('.languages button')
  expect(await button.isVisible()).toBe(false)
  await page.selectOption('select[name=language]', 'de')
  await page.waitForSelector('html[lang=de]')
  await page.focus('select[name=language]')
  await page.keyboard.press('ArrowDown')
  expect(await button.isVisible()).toBe(true)
  await button.press('Enter')
  await page.waitForSelector('html:not([lang=de])')
  expect(tab.complaints).toEqual([])
  await tab.close()
})

test('nothing moves while the sign-in page is built', async () => {
  const tab = await openTab(browser, { viewport: { width: 360, height: 740 } })
  const { page } = tab
  await page.goto(at('/login'))
  await page.evaluate(() => document.fonts.ready.then(() => undefined))
  const shift = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let sum = 0
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) sum += (entry as PerformanceEntry & { value: number }).value
        }).observe({ type: 'layout-shift', buffered: true })
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)))
      }),
  )
  expect(shift).toBe(0)
  await tab.close()
})

test('without JavaScript there is no such button, and the language has one', async () => {
  const tab = await openTab(browser, { javaScriptEnabled: false })
  const { page } = tab
  await page.goto(at('/login'))
  expect(await page.locator('button:not([name])').count()).toBe(1)
  await page.selectOption('select[name=language]', 'fr')
  await page.click('.languages button')
  await page.waitForSelector('html[lang=fr]')
  await fillLogin(page)
  await page.waitForURL(at('/account'))
  await tab.close()
})

/** Signs in and opens the set-up of an authenticator app with its code typed. */
async function atSetUp(javaScriptEnabled: boolean) {
  const tab = await openTab(browser, { javaScriptEnabled })
  const { page } = tab
  await page.goto(at('/login'))
  await fillLogin(page, javaScriptEnabled ? alice : bob)
  await page.goto(at('/account/factors/totp'))
  const seed = (await page.locator('.seed code').innerText()).replaceAll(' ', '')
  await page.fill('input[name=code]', generateSync({ secret: seed, epoch: Math.floor(Date.now() / 1000) }))
  const sent: string[] = []
  page.on('request', (request) => void (request.method() === 'POST' && sent.push(request.url())))
  return { ...tab, sent }
}

test('a double click sends a form once, so that what is shown once is seen', async () => {
  const { page, sent, complaints, close } = await atSetUp(true)
  await page.dblclick('button[name=verify]')
  await page.waitForSelector('.recovery_codes')
  expect(sent).toHaveLength(1)
  expect(complaints).toEqual([])
  await close()
})

test('without the script, the second click is led on', async () => {
  const { page, sent, close } = await atSetUp(false)
  await page.dblclick('button[name=verify]')
  await page.waitForURL(/\/account\/factors\/(?:recovery|totp)$|\/login/)
  await page.waitForSelector('.recovery_codes, button[name=make], button[name=login]')
  expect(sent.length).toBeGreaterThan(0)
  await close()
})
