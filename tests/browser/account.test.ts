/** The account in a real browser: a device that is signed out from another, an application that loses its access, an account that is nearly deleted. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import type { TestClient } from '../support/client.ts'
import { fillLogin, goThrough, launchChromium, openTab } from '../support/chromium.ts'
import { agents } from '../support/devices.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'
import { ask, registerClient, type RelyingParty, relyingParty } from './relying_party.ts'

setDefaultTimeout(60_000)

let op: SpawnedProvider
let browser: Browser
let party: RelyingParty
let client: TestClient

beforeAll(async () => {
  party = relyingParty()
  ;[op, browser] = await Promise.all([spawnProvider(), launchChromium()])
  client = await registerClient(op.issuer, { client_name: 'Photo Prints', redirect_uris: [party.callback] })
})
afterAll(async () => {
  await Promise.all([browser.close(), op.stop()])
  party.stop()
})

async function signIn(page: Page): Promise<void> {
  await page.goto(`${op.issuer}/login`)
  await fillLogin(page)
  await page.waitForURL(`${op.issuer}/account`)
}

test('a phone is seen on the desk, and signed out from there, which stays signed in', async () => {
  const [desk, phone] = [await openTab(browser), await openTab(browser, { userAgent: agents.safariOnIphone })]
  await signIn(phone.page)
  await signIn(desk.page)
  await desk.page.click('nav a[href="/account/sessions"]')
  expect(await desk.page.textContent('.entry:first-child h2')).toContain('Chrome on Linux')
  expect(await desk.page.textContent('.entry:last-child h2')).toBe('Safari on iPhone')
  await desk.page.click('button[aria-label="End session: Safari on iPhone"]')
  expect(await desk.page.textContent('.notice')).toBe('The session was ended.')
  expect(await desk.page.locator('.entry').count()).toBe(1)
  await phone.page.goto(`${op.issuer}/account`)
  expect(new URL(phone.page.url()).pathname).toBe('/login')
  expect(desk.complaints).toEqual([])
  await Promise.all([desk.close(), phone.close()])
})

test('an application is shown with what it may do, and asks again once that was withdrawn', async () => {
  const tab = await openTab(browser)
  await goThrough(tab.page, ask(op.issuer, client), party.callback)
  await tab.page.goto(`${op.issuer}/account/applications`)
  expect(await tab.page.textContent('.entry h2')).toContain('Photo Prints')
  expect(await tab.page.textContent('.entry ul')).toContain('See your email address')
  await tab.page.click('button[aria-label="Remove access: Photo Prints"]')
  expect(await tab.page.textContent('main')).toContain('No apps have access to your account.')
  await tab.page.goto(ask(op.issuer, client))
  expect(await tab.page.isVisible('button[name=allow]')).toBe(true)
  await tab.close()
})

test('a copy is a file; an account that was deleted by its owner is kept after all', async () => {
  const tab = await openTab(browser)
  const { page } = tab
  await signIn(page)
  await page.click('nav a[href="/account/data"]')
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('button[name=download]')])
  expect(file.suggestedFilename()).toBe('account-data.json')
  const copy = (await Bun.file(await file.path()).json()) as { data: { profile: { username: string } } }
  expect(copy.data.profile.username).toBe('alice')

  await page.click('main a[href="/account/data/delete"]')
  await page.fill('input[name=confirmation]', 'alicia')
  await page.click('button[name=delete]')
  expect(await page.textContent('.field_problem')).toContain('Your account wasn’t deleted')
  expect(await page.inputValue('input[name=confirmation]')).toBe('alicia')
  await page.fill('input[name=confirmation]', 'alice')
  await page.click('button[name=delete]')
  await page.waitForURL('**/account/deleted')
  expect(await page.textContent('h1')).toBe('Your account will be deleted')

  await page.goto(`${op.issuer}/login`)
  await fillLogin(page)
  await page.waitForURL('**/login/keep_account?**')
  await page.click('button[name=keep]')
  await page.waitForURL('**/account')
  expect(await page.textContent('h1')).toBe('Your account')
  await tab.close()
})
