/** An account in a real browser, from the link on the sign-in page to the application; a forgotten password; a profile with slips in it. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { answerRequests } from '../../src/features/recovery/job.ts'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import type { TestClient } from '../support/client.ts'
import { linkMailed } from '../support/mailbox.ts'
import { alice } from '../support/person.ts'
import { ask, registerClient, type RelyingParty, relyingParty } from './relying_party.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(60_000)

let op: ServedProvider
let browser: Browser
let party: RelyingParty
let client: TestClient

beforeAll(async () => {
  party = relyingParty()
  ;[op, browser] = await Promise.all([serveProvider({ PASSKEY_OFFER: 'false' }), launchChromium()])
  client = await registerClient(op.issuer, { redirect_uris: [party.callback] })
})
afterAll(async () => {
  await browser.close()
  party.stop()
  await op.stop()
})

/** What Chromium writes for an answer of 4xx; anything else is a refusal or an error. */
const unexpected = (complaints: readonly string[]) =>
  complaints.filter((each) => !each.startsWith('Failed to load resource'))

test('from an application to an account and back to it, with a slip on each page', async () => {
  const { page, complaints, close } = await openTab(browser)
  await page.goto(ask(op.issuer, client))
  await page.click('main a[href*="/register_account"]')
  await page.fill('input[name=email]', 'nora')
  await page.click('button[name=register]')
  // The browser itself does not let it go, and keeps what was typed.
  expect(await page.evaluate(() => document.querySelectorAll('input:invalid').length)).toBe(1)
  expect(await page.inputValue('input[name=email]')).toBe('nora')
  await page.fill('input[name=email]', 'nora@example.com')
  await page.click('button[name=register]')
  await page.waitForSelector('input[name=email]', { state: 'detached' })
  await op.context.table.jobs.find(({ name }) => name === 'account_registrations')!.run(op.context)

  await page.goto(await linkMailed(op, 'nora@example.com', '/create_account'))
  await page.fill('input[name=username]', 'nora')
  await page.fill('input[name=password]', 'password')
  await page.fill('input[name=repeat]', 'password')
  await page.click('button[name=create]')
  await page.waitForSelector('#password_problem')
  const described = (await page.getAttribute('#password', 'aria-describedby'))!.split(' ')
  expect(described).toContain('password_problem')
  expect(await page.inputValue('input[name=username]')).toBe('nora')
  expect(await page.inputValue('input[name=password]')).toBe('')
  await page.fill('input[name=password]', 'four lambs in a meadow')
  await page.fill('input[name=repeat]', 'four lambs in a meadow')
  await page.click('button[name=create]')
  await page.click('button[name=allow]')
  await page.waitForURL((url) => url.searchParams.has('code'))
  expect(page.url()).toStartWith(party.callback)
  expect(unexpected(complaints)).toEqual([])
  await close()
})

test('a forgotten password: a link, a new one, and every other browser is signed out', async () => {
  const [old, lost] = [await openTab(browser), await openTab(browser)]
  await old.page.goto(`${op.issuer}/login`)
  await fillLogin(old.page)
  await old.page.waitForURL(`${op.issuer}/account`)

  const { page } = lost
  await page.goto(`${op.issuer}/login`)
  await page.click('main a[href*="/forgot_password"]')
  await page.fill('input[name=username]', 'alice')
  await page.click('button[name=send]')
  await page.waitForSelector('input[name=username]', { state: 'detached' })
  await answerRequests(op.context)
  await page.goto(await linkMailed(op, 'alice@example.com', '/reset_password'))
  const password = 'a better one than before'
  await page.fill('input[name=password]', password)
  await page.fill('input[name=repeat]', `${password}!`)
  await page.click('button[name=reset]')
  await page.waitForSelector('#repeat_problem')
  await page.fill('input[name=password]', password)
  await page.fill('input[name=repeat]', password)
  await page.click('button[name=reset]')
  await page.click('main a[href*="/login"]')
  await page.waitForURL((url) => url.pathname === '/login')
  await fillLogin(page)
  await page.waitForSelector('[role=alert]') // the old one
  await fillLogin(page, { ...alice, password })
  await page.waitForURL(`${op.issuer}/account`)
  await old.page.goto(`${op.issuer}/account`)
  expect(new URL(old.page.url()).pathname).toBe('/login')
  expect(unexpected([...old.complaints, ...lost.complaints])).toEqual([])
  await Promise.all([old.close(), lost.close()])
})

test('a profile: what is wrong is said beside its field, and nothing that was typed is lost', async () => {
  const { page, complaints, close } = await openTab(browser)
  await page.goto(`${op.issuer}/account/profile`)
  await fillLogin(page, { username: 'bob', password: 'bobpassword' })
  await page.waitForURL(`${op.issuer}/account/profile`)
  await page.fill('input[name=nickname]', 'Bobby <b>Tables</b>')
  await page.fill('input[name=birthdate]', 'yesterday')
  await page.evaluate(() => document.querySelector('main form')?.setAttribute('novalidate', ''))
  await page.click('button[name=save]')
  await page.waitForSelector('#birthdate_problem')
  expect(await page.getAttribute('#birthdate', 'aria-describedby')).toContain('birthdate_problem')
  expect(await page.inputValue('#birthdate')).toBe('yesterday')
  expect(await page.inputValue('#nickname')).toBe('Bobby <b>Tables</b>')
  await page.fill('input[name=birthdate]', '1990-12-31')
  await page.click('button[name=save]')
  await page.waitForURL(/done=/)
  await page.reload()
  expect(await page.inputValue('#nickname')).toBe('Bobby <b>Tables</b>')
  expect(unexpected(complaints)).toEqual([])
  await close()
})
