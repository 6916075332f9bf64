/** Passkeys in a real Chromium with its virtual authenticator: made, offered, autofilled, pressed for, after a password, removed. https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/ */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, BrowserContextOptions, CDPSession } from 'playwright-core'
import { Passkey } from '../../src/features/passkeys/records.ts'
import { fillLogin, launchChromium, openTab, type Tab } from '../support/chromium.ts'
import { bob } from '../support/person.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(60_000)

let provider: ServedProvider
/** Where everybody must have a second factor. */
let strict: SpawnedProvider
let browser: Browser
const tabs: Tab[] = []

beforeAll(async () => {
  ;[provider, strict, browser] = await Promise.all([
    serveProvider(),
    spawnProvider({ SECOND_FACTOR: 'required' }),
    launchChromium(),
  ])
})
afterEach(async () => {
  await Promise.all(tabs.splice(0).map((tab) => tab.close()))
  // A passkey of an earlier test would be asked for, and its device is gone.
  for (const sub of ['user-alice', 'user-bob']) await Passkey.forgetUser(provider.context, sub)
})
afterAll(async () => {
  await browser.close()
  await Promise.all([provider.stop(), strict.stop()])
})

async function newTab(options?: BrowserContextOptions): Promise<Tab> {
  const tab = await openTab(browser, options)
  tabs.push(tab)
  return tab
}

interface Device {
  cdp: CDPSession
  id: string
}

/** The device has a fingerprint reader and somebody's finger on it. */
async function addAuthenticator({ page }: Tab): Promise<Device> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return { cdp, id: authenticatorId }
}

/**
 * A browser that offers no passkey in the field of the username. The virtual authenticator answers the request of the
 * field by itself, so a page with both would leave before or after a press of the button.
 */
const withoutAutofill = ({ page }: Pick<Tab, 'page'>) =>
  page.addInitScript(() => {
    Reflect.deleteProperty(PublicKeyCredential, 'isConditionalMediationAvailable')
  })
const verify = ({ cdp, id }: Device, isUserVerified: boolean) =>
  cdp.send('WebAuthn.setUserVerified', { authenticatorId: id, isUserVerified })

const credentialsIn = async ({ cdp, id }: Device): Promise<number> =>
  (await cdp.send('WebAuthn.getCredentials', { authenticatorId: id })).credentials.length

const here = (path: string) => `${provider.issuer}${path}`

/** Signed in with the password, and with a passkey in the device. */
async function enrolled() {
  const tab = await newTab()
  const device = await addAuthenticator(tab)
  await tab.page.goto(here('/account/passkeys/add'))
  await fillLogin(tab.page)
  await finishSignIn(tab)
  await tab.page.click('.passkey button')
  await tab.page.waitForURL(here('/account/passkeys?done=added'))
  return { ...tab, device }
}

/** Past the offer, where it comes. */
async function finishSignIn({ page }: Tab): Promise<void> {
  await page.waitForURL((url) => url.pathname !== '/login')
  if (new URL(page.url()).pathname === '/passkeys/enrol') await page.click('button[name=later]')
  await page.waitForURL((url) => !url.pathname.startsWith('/passkeys/'))
}

async function signOut({ page }: Pick<Tab, 'page'>): Promise<void> {
  const cookies = await page.context().cookies()
  await page.context().clearCookies()
  await page.context().addCookies(cookies.filter(({ name }) => !/session|browser/.test(name)))
}

test('made on the page of the account; then a press of the button signs in', async () => {
  const { page, complaints } = await enrolled()
  expect(await page.textContent('.notice')).toContain('Passkey added')
  expect(await page.textContent('.entry h2')).toContain('Chrome')
  await signOut({ page })
  await withoutAutofill({ page })
  await page.goto(here('/login'))
  expect(await page.textContent('.passkey button')).toBe('Sign in with a passkey')
  await page.click('.passkey button')
  await page.waitForURL(here('/account'))
  expect(complaints).toEqual([])
})

test('autofill: whoever picks the passkey in the field of the username is signed in without a press', async () => {
  const { page, complaints } = await enrolled()
  await signOut({ page })
  const asked = page.waitForRequest((request) => request.url().endsWith('/passkeys/sign_in/options'))
  // The virtual authenticator picks for the person: nothing on the page is pressed.
  await page.goto(here('/login'), { waitUntil: 'commit' }) // the page may leave before all of it is loaded
  await asked
  await page.waitForURL(here('/account'))
  expect(complaints).toEqual([])
})

test('a press of the button ends the request that waits in the field, and asks anew', async () => {
  const { page } = await newTab()
  await page.addInitScript(() => {
    const requests: string[] = []
    Object.assign(window, { requests })
    // The browser allows one request at a time: the second would be refused while the first waits.
    CredentialsContainer.prototype.get = ({ mediation = 'a press', signal } = {}) => {
      requests.push(mediation)
      signal?.addEventListener('abort', () => requests.push(`${mediation} ended`))
      return new Promise(() => {})
    }
  })
  const requests = () => page.evaluate(() => Reflect.get(window, 'requests') as string[])
  await page.goto(here('/login'))
  await page.waitForFunction(() => Reflect.get(window, 'requests').length === 1)
  await page.click('.passkey button')
  await page.waitForFunction(() => Reflect.get(window, 'requests').length === 3)
  expect(await requests()).toEqual(['conditional', 'conditional ended', 'a press'])
})

test('nobody there, or somebody else: the page says so, and the password still works', async () => {
  const tab = await enrolled()
  const { page, device } = tab
  await signOut({ page })
  await verify(device, false)
  await withoutAutofill({ page })
  await page.goto(here('/login'))
  await page.click('.passkey button')
  await page.waitForSelector('.passkey .alert:not([hidden])')
  expect(await page.textContent('.passkey .alert')).toContain('No passkey was used')
  expect(new URL(page.url()).pathname).toBe('/login')
  await fillLogin(page)
  await finishSignIn(tab)
  expect(page.url()).toBe(here('/account'))
})

test('offered after a password where the device can keep one: "Not now", or a press and it is there', async () => {
  const tab = await newTab()
  const { page, complaints } = tab
  await addAuthenticator(tab)
  await page.goto(here('/login'))
  await page.waitForFunction(() => document.cookie.includes('latchkey_passkey_able=1'))
  await fillLogin(page, bob)
  await page.waitForURL(here('/passkeys/enrol?*'))
  expect(await page.textContent('h1')).toBe('Sign in faster next time?')
  await page.click('.passkey button')
  await page.waitForURL(here('/account'))
  await page.goto(here('/account/passkeys'))
  expect(await page.locator('.entry').count()).toBe(1)
  expect(complaints).toEqual([])
})

test('renamed and removed, here and in the device', async () => {
  const { page, complaints, device } = await enrolled()
  const before = await page.locator('.entry').count()
  await page.fill('.entry:last-child input[name=name]', 'My <laptop>')
  await page.click('.entry:last-child button[name=rename]')
  await page.waitForURL(here('/account/passkeys?done=renamed'))
  expect(await page.textContent('.entry:last-child h2')).toContain('My <laptop>')
  await page.click('.entry:last-child a[aria-label="Remove: My <laptop>"]')
  await page.waitForURL(here('/passkeys/second_factor?*'))
  await page.click('.passkey button')
  await page.waitForURL(here('/account/passkeys/remove?*'))
  expect(await page.textContent('.account_part')).toContain('sign in with My <laptop>')
  expect(await credentialsIn(device)).toBe(1)
  await page.click('button[name=remove]')
  await page.waitForURL(here('/account/passkeys?done=removed'))
  expect(await page.locator('.entry').count()).toBe(before - 1)
  for (let tries = 0; (await credentialsIn(device)) > 0 && tries < 100; tries++) await page.waitForTimeout(50)
  expect(await credentialsIn(device)).toBe(0) // the browser was told, and forgot it
  expect(complaints).toEqual([])
})

test('without JavaScript the sign-in page is as if there were none, and the password works', async () => {
  const { page, complaints } = await newTab({ javaScriptEnabled: false })
  await page.goto(here('/login'))
  expect(await page.getByRole('button', { name: 'Sign in with a passkey' }).count()).toBe(0)
  expect(await page.locator('.or').isVisible()).toBe(false)
  await fillLogin(page)
  expect(page.url()).toBe(here('/account'))
  await page.goto(here('/account/passkeys/add'))
  expect(await page.textContent('.passkey')).toContain('Passkeys need JavaScript')
  await page.click('button[name=later]')
  expect(page.url()).toBe(here('/account/passkeys'))
  expect(complaints).toEqual([])
})

test('after the password, where a second factor must be: that of the person, in the browser', async () => {
  const tab = await newTab()
  const { page, complaints } = tab
  await addAuthenticator(tab)
  await page.goto(`${strict.issuer}/login`)
  await fillLogin(page)
  await page.waitForURL(`${strict.issuer}/second-factor/set-up?*`)
  await page.click('a[href*="/passkeys/enrol"]')
  await page.click('.passkey button')
  await page.waitForURL(`${strict.issuer}/passkeys/second_factor?*`)
  await page.click('.passkey button')
  await page.waitForURL(`${strict.issuer}/account`)
  expect(complaints).toEqual([])
})

test('a browser before 2023 reads no options by itself: the script does', async () => {
  const tab = await newTab()
  await addAuthenticator(tab)
  await tab.page.addInitScript(() => {
    for (const name of [
      'parseCreationOptionsFromJSON',
      'parseRequestOptionsFromJSON',
      'isConditionalMediationAvailable',
    ])
      Reflect.deleteProperty(PublicKeyCredential, name)
    Reflect.deleteProperty(PublicKeyCredential.prototype, 'toJSON')
  })
  const { page, complaints } = tab
  await page.goto(here('/account/passkeys/add'))
  await fillLogin(page)
  await finishSignIn(tab)
  await page.click('.passkey button')
  await page.waitForURL(here('/account/passkeys?done=added'))
  await signOut({ page })
  await page.goto(here('/login'))
  await page.click('.passkey button')
  await page.waitForURL(here('/account'))
  expect(complaints).toEqual([])
})
