/** After a session has ended, the Back button shows nothing of it: Chromium keeps pages whole, `no-store` ones too. Issue 8, 64; OWASP ASVS 5.0 14.3.1 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { endEverything } from '../../src/people/end_session.ts'
import { fillLogin, launchChromium, openTab, type Tab } from '../support/chromium.ts'
import { bob } from '../support/person.ts'
import { until } from '../support/until.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(60_000)

let browser: Browser
let op: ServedProvider
const tabs: Tab[] = []
beforeAll(async () => {
  ;[browser, op] = await Promise.all([launchChromium({ keepsPages: true }), serveProvider()])
})
afterAll(async () => {
  await Promise.all(tabs.map((tab) => tab.close()))
  await Promise.all([browser.close(), op.stop()])
})

/** A browser at the account of Alice, where the page was changed after it had come, as only a kept page still is. */
async function atAccount(): Promise<Page> {
  const tab = await openTab(browser)
  tabs.push(tab)
  const { page } = tab
  await page.goto(`${op.issuer}/account`)
  await fillLogin(page)
  await page.waitForURL(`${op.issuer}/account`)
  expect(await page.textContent('body')).toContain('alice')
  await page.evaluate('document.title = "as it was left"')
  return page
}

/** Presses Back. A page that was kept whole has no further event to wait for. */
async function back(page: Page): Promise<string> {
  const before = page.url()
  await page.goBack({ waitUntil: 'commit' })
  await until(() => page.url() !== before, 'the page before')
  return `${await page.title()}\n${await page.textContent('body')}`
}
const ended = expect.not.stringMatching(/as it was left|Signed in as alice/)

test('without an end, Chromium shows the page as it was left: so this test can fail', async () => {
  const page = await atAccount()
  await page.goto(`${op.issuer}/account/profile`)
  expect(await back(page)).toContain('as it was left')
})

test('signed out, and back two pages', async () => {
  const page = await atAccount()
  await page.goto(`${op.issuer}/logout?client_id=client123`)
  await page.click('button[name=logout]')
  await page.waitForSelector('text=Your session has ended')
  await page.goBack({ waitUntil: 'commit' })
  await page.waitForSelector('text=This browser wasn’t signed in')
  expect(await back(page)).toEqual(ended)
})

test('another End-User signs in where a session has ended', async () => {
  const page = await atAccount()
  await endEverything('user-alice', op.context)
  await page.goto(`${op.issuer}/account/sessions`)
  await fillLogin(page, bob)
  await page.waitForURL(`${op.issuer}/account/sessions`)
  for (let steps = 0; !page.url().endsWith('/account') && steps < 4; steps++) {
    const shown = await back(page)
    expect(shown).toEqual(ended)
  }
  expect(await page.textContent('body')).toContain('bob')
})
