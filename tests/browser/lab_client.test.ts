/** The playground in Chromium: the code flow from the first page to the sign-out, and each of its pages for everyone. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Locator, Page } from 'playwright-core'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { accessibilityProblems } from './accessibility.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(120_000)

let op: ServedProvider
let browser: Browser
beforeAll(async () => {
  ;[op, browser] = await Promise.all([serveProvider({ LAB: 'true' }), launchChromium()])
})
afterAll(() => Promise.all([browser.close(), op.stop()]))

/** Waits for the page that follows: the former one is marked, and may be loaded for long when the click returns. */
async function follow(button: Locator): Promise<void> {
  const page = button.page()
  await button.evaluate(({ ownerDocument }) => ownerDocument.documentElement.setAttribute('data-former', ''))
  await button.click()
  await page.waitForSelector('html:not([data-former])', { state: 'attached' })
  await page.waitForLoadState()
}
const press = (page: Page, name: string): Promise<void> =>
  follow(page.locator(`button[name=${name}]`).first())

test('the code flow', async () => {
  const { page, complaints, close } = await openTab(browser)
  const isGood = async (title: string) => {
    expect(await page.locator('h1').textContent()).toBe(title)
    expect([title, ...(await accessibilityProblems(page))]).toEqual([title])
  }
  const failed = () => page.locator('section:has(#answer) .findings .failed').count()
  await page.goto(`${op.issuer}/lab/client`)
  await isGood('Playground')
  await press(page, 'start')
  await isGood('Authorization code with PKCE')
  await press(page, 'send') // the metadata
  expect(await failed()).toBe(0)
  await press(page, 'send') // to the provider
  await fillLogin(page)
  await press(page, 'allow')
  await isGood('The browser is back')
  await press(page, 'take')
  await page.fill('[name="p.code_verifier"]', 'x'.repeat(43))
  await press(page, 'send')
  expect(await failed()).toBe(1)
  await isGood('Authorization code with PKCE')
  for (const step of ['token', 'userinfo', 'refresh', 'revoke']) {
    await press(page, 'send')
    expect([step, await failed()]).toEqual([step, 0])
  }
  await press(page, 'send') // signs out
  await press(page, 'take')
  expect(await failed()).toBe(0)
  await isGood('Authorization code with PKCE')
  expect(complaints).toEqual([])
  await close()
})

test('the form of a JWT that the client signs', async () => {
  const { page, complaints, close } = await openTab(browser)
  await page.goto(`${op.issuer}/lab/client`)
  await follow(page.locator('li:has([value=private_key_jwt]) button'))
  expect(await accessibilityProblems(page)).toEqual([])
  const claims = page.getByLabel('Claims of client_assertion')
  await claims.fill(
    (await claims.inputValue()).replace(`"aud": "${op.issuer}"`, '"aud": "https://another.example"'),
  )
  await press(page, 'send')
  expect(await page.locator('section:has(#answer)').textContent()).toContain('invalid_client')
  await page.getByLabel('Key of client_assertion').selectOption('other')
  await press(page, 'send')
  expect(await page.locator('section:has(#answer)').textContent()).toContain('invalid_client')
  await press(page, 'send')
  expect(await page.locator('section:has(#answer) .findings .failed').count()).toBe(0)
  expect(complaints).toEqual([])
  await close()
})
