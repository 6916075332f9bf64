/** The pages of /admin at a host name of their own, in a browser: the way to the sign-in and back, forms, downloads and events. docs/administration.md */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { Administrators } from '../../src/models/administrators.ts'
import { User } from '../../src/models/user.ts'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { alice } from '../support/flow.ts'
import { accessibilityProblems } from './accessibility.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(240_000)

const adminHost = 'admin.localhost'
let op: ServedProvider
let browser: Browser
let base: string
beforeAll(async () => {
  ;[op, browser] = await Promise.all([
    serveProvider({ ADMIN_SECOND_FACTOR: 'false', ADMIN_HOST: adminHost }),
    launchChromium(),
  ])
  base = op.context.pageBases[0]!
  const { sub } = (await User.findByLogin(op.context, alice.username))!
  await Administrators.set(op.context, sub, 'owner')
})
afterAll(async () => {
  await browser.close()
  await op.stop()
})

/** The sign-in at the issuer, which leads back to `url`. */
async function signIn(page: Page, url: string): Promise<void> {
  expect(page.url()).toStartWith(`${op.issuer}/login?`)
  await fillLogin(page)
  await page.waitForURL(({ pathname }) => pathname !== '/login')
  if (page.url().includes('/passkeys/enrol')) await page.click('button[name=later]')
  await page.waitForURL(url)
}

const readers: readonly (readonly [string, BrowserContextOptions])[] = [
  ['on a phone without JavaScript', { viewport: { width: 360, height: 740 }, javaScriptEnabled: false }],
  ['on a desktop', { viewport: { width: 1280, height: 900 } }],
]

test.each(readers)('an administrator works there %s', async (_name, options) => {
  const tab = await openTab(browser, options)
  const { page } = tab
  await page.goto(`${base}/admin/people?q=ali`)
  await signIn(page, `${base}/admin/people?q=ali`)
  expect(await page.textContent('tbody')).toContain('alice')
  expect((await page.locator('main').boundingBox())!.width).toBeLessThanOrEqual(options.viewport!.width)
  if (options.javaScriptEnabled !== false) expect(await accessibilityProblems(page)).toEqual([])

  // A form with a sign-in that is too old leads to the issuer: Chromium checks each redirect after a form.
  await page.goto(`${base}/admin/keys`)
  op.clock.advance(901_000)
  await page.click('button[name=rotate]')
  expect(page.url()).toStartWith(`${op.issuer}/login?`)
  op.clock.advance(-901_000)
  await page.goto(`${base}/admin/keys`)
  await page.click('button[name=rotate]')
  await page.waitForURL(`${base}/admin/keys?done=rotate`)

  await page.selectOption('#language', 'de')
  if (options.javaScriptEnabled === false) await page.click('form.languages button')
  await page.waitForSelector('html[lang=de]')
  expect(new URL(page.url()).host).toBe(new URL(base).host)

  await page.goto(`${base}/admin`)
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('a[href^="/admin/usage"]')])
  expect(download.suggestedFilename()).toEndWith('.csv')

  const cookies = await page.context().cookies()
  const ofSession = cookies.filter(({ name }) => name.includes('session'))
  expect(ofSession.map(({ domain, httpOnly }) => [domain, httpOnly]).sort()).toEqual([
    [adminHost, true],
    ['localhost', true],
  ])

  await page.goto(`${base}/admin`)
  if (options.viewport!.width < 600) await page.click('nav button')
  await page.click('.menu_end a')
  expect(page.url()).toBe(`${op.issuer}/logout`)
  await page.click('button[name=logout]')
  await page.goto(`${base}/admin`)
  expect(page.url()).toStartWith(`${op.issuer}/login?`)
  expect(tab.complaints).toEqual([])
  await tab.close()
})

test('with JavaScript a search answers while it is typed, and the overview follows its events', async () => {
  const tab = await openTab(browser)
  const { page } = tab
  const stream = page.waitForResponse((each) => each.url() === `${base}/admin/live`)
  await page.goto(`${base}/admin`)
  await signIn(page, `${base}/admin`)
  expect((await stream).status()).toBe(200)
  await page.goto(`${base}/admin/people`)
  await page.locator('#q').pressSequentially('bob')
  await page.waitForURL(`${base}/admin/people?q=bob`)
  expect(await page.locator('tbody tr').count()).toBe(1)
  await page.goto(`${base}/admin`)
  await page.click('nav a >> text=/account/i')
  await page.waitForURL(`${op.issuer}/account`)
  expect(tab.complaints).toEqual([])
  await tab.close()
})
