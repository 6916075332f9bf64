/** Where pages end, a real Chromium goes on: cookies blocked, an expired page, another name of the host, two tabs, Back. Issue 9, 50 */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import type { TestClient } from '../support/client.ts'
import {
  fillLogin,
  launchChromium,
  openBlockingTab,
  openSibling,
  openTab,
  type Tab,
} from '../support/chromium.ts'
import { operatorClient } from '../support/flow.ts'
import { alice, bob } from '../support/person.ts'
import { until } from '../support/until.ts'
import { ask, type RelyingParty, relyingParty } from './relying_party.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(60_000)

let op: ServedProvider
let browser: Browser
let party: RelyingParty
let client: TestClient
const tabs: Tab[] = []

beforeAll(async () => {
  party = relyingParty()
  ;[op, browser] = await Promise.all([serveProvider({ PASSKEY_OFFER: 'false' }), launchChromium()])
  client = await operatorClient(op, {
    client_id: 'photos',
    client_name: 'Photo book',
    redirect_uris: [party.callback],
    client_uri: `${party.origin}/photos`,
  })
})
afterEach(() => Promise.all(tabs.splice(0).map((tab) => tab.close())))
afterAll(async () => {
  await browser.close()
  party.stop()
  await op.stop()
})

async function newTab(options?: BrowserContextOptions): Promise<Tab> {
  const tab = await openTab(browser, options)
  tabs.push(tab)
  return tab
}
const arrived = () => `${party.callback}?*`

for (const javaScriptEnabled of [true, false])
  describe(`with JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, () => {
    test('a sign-in page that has expired leads to the application, by keyboard', async () => {
      const { page } = await newTab({ javaScriptEnabled })
      await page.goto(ask(op.issuer, client))
      op.clock.advance(3_601_000)
      await fillLogin(page)
      expect(await page.textContent('main')).toContain('This page has expired')
      const link = page.locator('a.onward')
      await link.focus()
      await page.keyboard.press('Enter')
      await page.waitForURL(`${party.origin}/photos`)
    })

    test('a consent page after its session has ended leads through a sign-in to the application', async () => {
      const { page } = await newTab({ javaScriptEnabled })
      await page.goto(ask(op.issuer, client, { prompt: 'consent', state: 'kept' }))
      await fillLogin(page)
      await page.waitForSelector('button[name=allow]')
      await page.context().clearCookies({ name: 'latchkey_session' })
      await page.click('button[name=allow]')
      await fillLogin(page)
      await page.click('button[name=allow]')
      await page.waitForURL(arrived())
      expect(new URL(page.url()).searchParams.get('state')).toBe('kept')
    })

    test('"Not you?" keeps the request for another account', async () => {
      const { page } = await newTab({ javaScriptEnabled })
      await page.goto(ask(op.issuer, client, { prompt: 'consent', state: 'kept' }))
      await fillLogin(page, alice)
      await page.click('text=Not you?')
      expect(await page.inputValue('input[name=username]')).toBe('')
      await fillLogin(page, bob)
      expect(await page.textContent('main')).toContain('Signed in as bob')
      await page.click('button[name=allow]')
      await page.waitForURL(arrived())
      expect(new URL(page.url()).searchParams.get('state')).toBe('kept')
    })
  })

test('blocked cookies: the page says so and leads to the application', async () => {
  const tab = await openBlockingTab()
  tabs.push(tab)
  const { page } = tab
  await page.goto(ask(op.issuer, client))
  const text = await page.textContent('main')
  expect(text).toContain('Your browser didn’t send the cookie of this page')
  expect(text).toContain(`allow cookies for ${new URL(op.issuer).host}`)
  expect(await page.getAttribute('a.onward', 'href')).toStartWith(`${party.origin}/photos`)
  await page.goto(`${op.issuer}/forgot_password`)
  await page.fill('input[name=username]', 'alice')
  await page.click('button[name=send]')
  expect(await page.textContent('main')).toContain('Your browser didn’t send the cookie of this page')
})

test('another name of the host: the browser goes to the issuer and signs in there', async () => {
  const { page, complaints } = await newTab()
  await page.goto(ask(op.issuer, client, { state: 'kept' }).replace('//localhost', '//127.0.0.1'))
  expect(page.url()).toStartWith(`${op.issuer}/login?interaction=`)
  await fillLogin(page)
  await page.waitForSelector('button[name=allow], #arrived')
  expect(complaints).toEqual([])
})

test('two tabs: a sign-in in one is offered in the other', async () => {
  const tab = await newTab()
  const two = await openSibling(tab)
  await tab.page.goto(ask(op.issuer, client, { prompt: 'consent', state: 'one' }))
  await two.goto(ask(op.issuer, client, { prompt: 'consent', state: 'two' }))
  op.clock.advance(1000)
  await fillLogin(two)
  await two.waitForSelector('button[name=allow]')
  await tab.page.reload()
  await tab.page.click('text=Continue as alice')
  await tab.page.click('button[name=allow]')
  await tab.page.waitForURL(arrived())
  expect(new URL(tab.page.url()).searchParams.get('state')).toBe('one')
})

test('prompt=login keeps the name, and the cursor is in the password', async () => {
  const { page } = await newTab()
  await page.goto(`${op.issuer}/account`)
  await fillLogin(page)
  await page.waitForURL(`${op.issuer}/account`)
  await page.goto(ask(op.issuer, client, { prompt: 'login' }))
  expect(await page.inputValue('input[name=username]')).toBe('alice')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('password')
})

test('Back after each step of a sign-in: every page goes on', async () => {
  const { page } = await newTab()
  await page.goto(ask(op.issuer, client, { prompt: 'consent' }))
  op.clock.advance(1000)
  await fillLogin(page)
  await page.waitForSelector('button[name=allow]')
  await page.click('button[name=allow]')
  await page.waitForURL(arrived())
  for (const next of ['button[name=allow]', 'button[name=continue]']) {
    const before = page.url()
    await page.goBack()
    await until(() => page.url() !== before, 'the page before')
    expect(await page.isVisible(next)).toBe(true)
  }
  await page.click('button[name=continue]') // the consent of this request was given
  await page.waitForURL(arrived())
  // A minute later the request is answered for good.
  op.clock.advance(61_000)
  await page.goBack()
  expect(await page.textContent('main')).toContain('This page has expired')
  expect(await page.isVisible('a.onward')).toBe(true)
})

test('after signing out: sign in again, by keyboard', async () => {
  const { page } = await newTab()
  await page.goto(`${op.issuer}/account`)
  await fillLogin(page)
  await page.waitForURL(`${op.issuer}/account`)
  await page.goto(`${op.issuer}/logout`)
  await page.click('button[name=logout]')
  await page.locator('text=Sign in again').focus()
  await page.keyboard.press('Enter')
  await page.waitForSelector('input[name=password]')
})
