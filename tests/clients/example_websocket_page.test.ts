/** The page of examples/websocket in Chromium: connects, renews, shows text as text, ends with the session; a page of another origin gets nothing. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { accessibilityProblems } from '../browser/accessibility.ts'
import { relyingParty } from '../browser/relying_party.ts'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { freePort } from '../support/free_port.ts'
import { startByCommand } from './example_readme.ts'

setDefaultTimeout(120_000)

const port = `${freePort()}`
const [origin, providerPort] = [`http://localhost:${port}`, `${freePort()}`]
let running: Awaited<ReturnType<typeof startByCommand>>
let browser: Browser
beforeAll(async () => {
  const env = { PORT: port, PROVIDER_PORT: providerPort, ACCESS_TOKEN_TTL: '8' }
  running = await startByCommand(['bun', 'examples/websocket/start.ts'], env)
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  await running.stop()
})

async function signIn(page: Page): Promise<void> {
  await page.goto(`${origin}/login`)
  await fillLogin(page)
  const allow = page.locator('button[name=allow]')
  await allow.or(page.locator('#connection')).first().waitFor()
  if (await allow.isVisible()) await allow.click()
  await connected(page)
}
const connected = (page: Page) => page.waitForSelector('#connection:has-text("Connected")')

test('two tabs of one session: text stays text, the connection is renewed, and a sign-out ends both', async () => {
  const first = await openTab(browser)
  await first.page.goto(origin)
  expect(await accessibilityProblems(first.page)).toEqual([])
  await signIn(first.page)
  expect(await accessibilityProblems(first.page)).toEqual([])
  const second = await first.page.context().newPage()
  await second.goto(origin)
  await connected(second)
  await first.page.fill('#text', '<img src=x onerror=alert(1)>')
  await first.page.keyboard.press('Enter')
  await second.waitForSelector('#said li')
  expect(await second.textContent('#said li')).toBe('Alice Adams: <img src=x onerror=alert(1)>')
  expect(await second.locator('#said img').count()).toBe(0)
  await second.waitForSelector('#connection:has-text("renewed")')
  await second.click('button[name=sign_out]')
  await first.page.waitForSelector('#status:has-text("Your session has ended")')
  expect(await first.page.isVisible('#say')).toBe(false)
  expect(await accessibilityProblems(first.page)).toEqual([])
  expect(first.complaints).toEqual([])
  await first.close()
})

test('a page of a neighbour, to which the browser sends the cookie, gets no ticket and no connection', async () => {
  const tab = await openTab(browser)
  await signIn(tab.page)
  const neighbour = relyingParty()
  await tab.page.goto(neighbour.origin)
  const got = await tab.page.evaluate(async (at) => {
    const ask = { method: 'POST', credentials: 'include', body: '{"purpose":"connect"}' } as const
    const ticket = await fetch(`${at}/tickets`, ask).then(
      ({ status }) => `read ${status}`,
      () => 'not read',
    )
    const line = await new Promise<string>((resolve) => {
      const socket = new WebSocket(`${at.replace('http', 'ws')}/live?ticket=made-up`)
      socket.addEventListener('open', () => resolve('open'))
      socket.addEventListener('close', ({ code }) => resolve(`closed ${code}`))
    })
    return { ticket, line }
  }, origin)
  expect(got).toEqual({ ticket: 'not read', line: 'closed 1006' })
  const refused = (text: string) => running.output().includes(text)
  expect(refused('the request comes from another origin')).toBe(true)
  neighbour.stop()
  await tab.close()
})
