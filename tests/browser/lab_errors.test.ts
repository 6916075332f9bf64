/** The pages about failed requests in a browser: what axe finds, the keyboard, and requests that the browser itself blocks. docs/lab.md */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { launchChromium, openTab } from '../support/chromium.ts'
import { authorizationUrl, basic, demo } from '../support/client.ts'
import { authorize, browser as person, redeem } from '../support/flow.ts'
import { accessibilityProblems } from './accessibility.ts'
import { type RelyingParty, relyingParty } from './relying_party.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(120_000)

let op: ServedProvider
let browser: Browser
let party: RelyingParty

beforeAll(async () => {
  party = relyingParty()
  ;[op, browser] = await Promise.all([
    serveProvider({ LAB: 'true', CORS_ALLOWED_ORIGINS: 'https://known.example' }),
    launchChromium(),
  ])
})
afterAll(async () => {
  await browser.close()
  party.stop()
  await op.stop()
})

const firstCause = (page: Page) => page.getAttribute('.causes > li', 'data-cause')

test('the pages and the link that leads to them', async () => {
  const { code, code_verifier } = await authorize(op, person(op))
  await redeem(op, demo, { code, code_verifier })
  const again = await redeem(op, demo, { code, code_verifier })
  const wrongPath = authorizationUrl(op.issuer, demo, { redirect_uri: 'http://127.0.0.1:8080/callback' }).url
  const rows: [endpoint: string, path: string, visit: (page: Page) => Promise<unknown>][] = [
    ['lab', '/lab', (page) => page.goto(`${op.issuer}/lab`)],
    ['authorization', '/authorize', (page) => page.goto(wrongPath)],
    ['lab_error', '/lab/error', (page) => page.click('.technical a')],
    ['lab_error', '/lab/error', (page) => page.goto(String(again.body.error_uri))],
    ['lab_errors', '/lab/errors', (page) => page.click('text=All failed requests')],
    ['lab_error', '/lab/error', (page) => page.goto(`${op.issuer}/lab/error?id=unknown`)],
  ]
  const tab = await openTab(browser)
  const problems: string[] = []
  for (const [, path, visit] of rows) {
    await visit(tab.page)
    await tab.page.waitForURL((url) => url.pathname === path)
    problems.push(...(await accessibilityProblems(tab.page)).map((each) => `${path}: ${each}`))
  }
  const refused = tab.complaints.filter((each) => !each.startsWith('Failed to load resource'))
  await tab.close()
  expect([...problems, ...refused]).toEqual([])
})

interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** What a script of the other origin gets: the status, or the name of the error that the browser throws. */
const fetchFrom = (page: Page, url: string, init: Sent = {}): Promise<string | number> =>
  page.evaluate(
    ([to, how]) =>
      fetch(to, how).then(
        ({ status }) => status,
        (error: Error) => error.name,
      ),
    [url, init] as const,
  )

test('what a browser blocks is in the list, and its page says why', async () => {
  const tab = await openTab(browser)
  await tab.page.goto(party.callback)
  const body = 'grant_type=client_credentials'
  const headers = { ...basic(demo), 'content-type': 'application/x-www-form-urlencoded' }
  expect(await fetchFrom(tab.page, `${op.issuer}/token`, { method: 'POST', headers, body })).toBe('TypeError')
  expect(await fetchFrom(tab.page, authorizationUrl(op.issuer, demo).url)).toBe('TypeError')
  for (const cause of ['page_by_script', 'origin_not_registered']) {
    await tab.page.goto(`${op.issuer}/lab/errors`)
    await tab.page.click(`.failures li:nth-child(${cause === 'page_by_script' ? 1 : 2}) a`)
    expect(await firstCause(tab.page)).toBe(cause)
    expect(await tab.page.textContent('.causes > li')).toContain(party.origin)
  }
  await tab.close()
})
