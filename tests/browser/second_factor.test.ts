/** Second factors in a real browser: the picture is drawn, the box can be ticked, the codes can be kept, and the way ends at a client on loopback. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { codeOf, freshCode } from '../support/authenticator.ts'
import { RecoveryCodes } from '../../src/features/second_factor/recovery.ts'
import { Totp } from '../../src/features/second_factor/totp.ts'
import { bob } from '../support/person.ts'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import type { TestClient } from '../support/client.ts'
import { operatorClient } from '../support/flow.ts'
import { ask, type RelyingParty, relyingParty } from './relying_party.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(60_000)

let op: ServedProvider
let browser: Browser
let party: RelyingParty
let client: TestClient

beforeAll(async () => {
  party = relyingParty()
  ;[op, browser] = await Promise.all([serveProvider({ PASSKEY_OFFER: 'false' }), launchChromium()])
  client = await operatorClient(op, { client_id: 'loopback', redirect_uris: [party.callback] })
})
afterAll(async () => {
  await browser.close()
  party.stop()
  await op.stop()
})

test('set up from the picture, keep recovery codes, sign in on the way to a client, and trust the device', async () => {
  const permissions = ['clipboard-read', 'clipboard-write']
  const { page, complaints, close } = await openTab(browser, { permissions })
  await page.goto(`${op.issuer}/account/factors/totp`)
  await fillLogin(page)
  await page.waitForURL((url) => url.pathname === '/account/factors/totp')
  const drawn = await page.$eval('.qr img', async (image) => {
    const picture = image as HTMLImageElement
    await picture.decode()
    return picture.naturalWidth
  })
  expect(drawn).toBeGreaterThan(100)
  const seed = (await page.textContent('.seed code'))!.replaceAll(' ', '')
  await page.fill('#code', '12')
  await page.click('button[name=verify]')
  expect(await page.getAttribute('#code', 'aria-invalid')).toBe('true')
  expect(await page.inputValue('#code')).toBe('')
  await page.fill('#code', codeOf(op, seed))
  await page.keyboard.press('Enter')
  await page.waitForSelector('.recovery_codes')
  await page.click('text=I’ve saved these codes')
  await page.waitForURL(/done=totp_added/)

  await page.click('button[name=make]') // the code that was just proven is enough
  await page.waitForSelector('.recovery_codes')
  const codes = await page.$$eval('.recovery_codes code', (all) => all.map((each) => each.textContent ?? ''))
  expect(codes).toHaveLength(10)
  await page.click('text=Copy all codes')
  await page.waitForSelector('text=Copied')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(codes.join('\n'))
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('button[name=download]')])
  expect(download.suggestedFilename()).toBe('recovery-codes.txt')
  const lines = readFileSync((await download.path())!, 'utf8').split('\n')
  expect(lines.filter((line) => codes.includes(line))).toEqual(codes)
  expect(complaints.filter((each) => !each.includes('400'))).toEqual([])
  await close()

  const later = await openTab(browser)
  await later.page.goto(ask(op.issuer, client))
  await fillLogin(later.page)
  await later.page.waitForURL((url) => url.pathname === '/second-factor/totp')
  await later.page.fill('#code', freshCode(op, seed))
  await later.page.check('[name=trust_device]')
  await later.page.click('button[name=verify]')
  await later.page.click('button[name=allow]')
  await later.page.waitForURL((url) => url.searchParams.has('code'))
  expect(later.complaints).toEqual([])
  // The next time the password is enough here.
  await later.page.goto(ask(op.issuer, client, { prompt: 'login' }))
  await fillLogin(later.page)
  await later.page.waitForURL((url) => url.searchParams.has('code'))
  await later.close()
})

for (const javaScriptEnabled of [true, false])
  test(`recovery codes in one line of a telephone each, with JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    const { page, close } = await openTab(browser, {
      javaScriptEnabled,
      viewport: { width: 360, height: 720 },
    })
    await page.goto(`${op.issuer}/account/factors/totp`)
    await fillLogin(page, bob)
    if (await page.isVisible('#code')) {
      const seed = (await page.textContent('.seed code'))!.replaceAll(' ', '')
      expect(await page.getAttribute('a[href^="otpauth:"]', 'href')).toContain(`secret=${seed}`)
      await page.fill('#code', codeOf(op, seed))
      await page.click('button[name=verify]')
    }
    await page.waitForSelector('.recovery_codes')
    const boxes = await Promise.all((await page.$$('.recovery_codes code')).map((each) => each.boundingBox()))
    const [first] = boxes
    for (const box of boxes) {
      expect(box!.height).toBe(first!.height)
      expect(box!.height).toBeLessThan(30)
      expect(box!.x + box!.width).toBeLessThanOrEqual(360)
    }
    const width = await page
      .locator('html')
      .evaluate((html) => html.scrollWidth)
      .catch(() => 360)
    expect(width).toBeLessThanOrEqual(360)
    expect(await page.isVisible('text=Copy all codes')).toBe(javaScriptEnabled)
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('button[name=download]')])
    expect(download.suggestedFilename()).toBe('recovery-codes.txt')
    await close()
    await Totp.remove(op.context, 'user-bob')
    await RecoveryCodes.remove(op.context, 'user-bob')
    op.clock.advance(60_000)
  })
