/** The pages of the applications in examples/: axe, a phone and a desk, dark and light, the keyboard, and what another site can do with them in a browser. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { clientAt } from '../../examples/single_page_app/client.ts'
import { client } from '../../examples/native_app/client.ts'
import { startLatchkey } from '../../examples/start/latchkey.ts'
import { startWithApi, type Surroundings } from '../../examples/start/with_api.ts'
import { type Example, startExample } from '../clients/example.ts'
import { nativeApp } from '../clients/native_app.ts'
import { startWebApp, type WebApp } from '../clients/web_app.ts'
import { fillLogin, launchChromium, openSibling, openTab } from '../support/chromium.ts'
import { freePort } from '../support/free_port.ts'
import { until } from '../support/until.ts'
import { accessibilityProblems } from './accessibility.ts'
import { relyingParty } from './relying_party.ts'

setDefaultTimeout(120_000)

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser.close())

/** With the keyboard alone. */
async function addNote(page: Page, text: string): Promise<void> {
  await page.focus('#text')
  await page.keyboard.type(text)
  await page.keyboard.press('Enter')
  await page.waitForSelector(`#notes li:has-text("${text}")`)
}

/** Never recent enough: the page offers to sign in again. */
const never = { MAX_AGE: '0' }

async function refusedDeletion(page: Page): Promise<void> {
  await page.focus('#remove')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#step_up:visible')
}

test('the single-page application', async () => {
  const PORT = `${freePort()}`
  const origin = `http://localhost:${PORT}`
  let around: Surroundings | undefined
  let app: Example | undefined
  try {
    const ports = { provider: freePort(), api: freePort() }
    around = await startWithApi(ports, clientAt(origin), {}, { ALLOWED_ORIGIN: origin, ...never })
    const { issuer: ISSUER, api: API } = around
    app = await startExample('single_page_app', { PORT, ISSUER, API, CLIENT_ID: 'single-page-app' })
    const { page, close } = await openTab(browser)
    await page.goto(`${origin}/`)
    await page.waitForSelector('#status:has-text("Signed out")')
    expect(await accessibilityProblems(page)).toEqual([])
    await page.click('#sign_in')
    await fillLogin(page)
    await page.click('button[name=allow]')
    await page.waitForSelector('#notes_card:visible')
    await addNote(page, 'Buy milk')
    await refusedDeletion(page)
    expect(await accessibilityProblems(page)).toEqual([])
    await page.goto(`${origin}/callback?error=access_denied&state=planted`)
    await page.waitForSelector('#status:has-text("belongs to no sign-in of this browser")')
    expect(await accessibilityProblems(page)).toEqual([])
    await close()
  } finally {
    await app?.stop()
    await around?.stop()
  }
})

async function signedIn(app: WebApp) {
  const tab = await openTab(browser)
  await tab.page.goto(`${app.origin}/`)
  await tab.page.click('a.button')
  await fillLogin(tab.page)
  await tab.page.waitForSelector('#add, button[name=allow]')
  if (await tab.page.isVisible('button[name=allow]')) await tab.page.click('button[name=allow]')
  await tab.page.waitForSelector('#add')
  return tab
}

test('the web application, and another site that would use its session', async () => {
  const app = await startWebApp({ apiEnv: never })
  const form = (action: string) =>
    new Response(
      `<!doctype html><title>Attacker</title><iframe src="${app.origin}/"></iframe>
<form id="f" method="post" action="${action}" enctype="text/plain"><input name='{"text":"planted' value='"}'></form>
<script>document.querySelector('#f').submit()</script>`,
      { headers: { 'content-type': 'text/html' } },
    )
  // Another port of localhost: for a browser it is the same site, so that SameSite does not keep the cookie.
  const neighbour = relyingParty({
    '/note': () => form(`${app.origin}/api/notes`),
    '/logout': () => form(`${app.origin}/logout`),
  })
  try {
    const tab = await signedIn(app)
    const { page } = tab
    await addNote(page, 'Buy milk')
    await refusedDeletion(page)
    expect(await accessibilityProblems(page)).toEqual([])

    const other = await openSibling(tab)
    for (const [path, answer] of [
      ['/note', 'another origin'],
      ['/logout', 'another origin'],
    ] as const) {
      await other.goto(`${neighbour.origin}${path}`)
      await other.waitForURL(`${app.origin}/**`)
      expect(await other.textContent('body')).toContain(answer)
    }
    await until(() => tab.complaints.join().includes('frame-ancestors'), 'the refusal of the frame')
    await page.reload()
    await page.waitForSelector('#notes li')
    expect(await page.locator('#notes li').allTextContents()).toEqual(['Buy milk'])
    expect(await page.textContent('#status')).toContain('You are Alice Adams')

    await other.goto(`${app.origin}/callback?code=planted&state=planted`)
    expect(await accessibilityProblems(other)).toEqual([])
    // A sign-out at the provider reaches the server; the page says so when the person comes back to it.
    await other.goto(`${app.provider.issuer}/logout`)
    await other.locator('main form button').first().click()
    await until(async () => {
      await page.reload()
      return (await page.textContent('#status')) === 'You are signed out'
    }, 'the logout token')
    expect(await accessibilityProblems(page)).toEqual([])
    await tab.close()
  } finally {
    neighbour.stop()
    await app.stop()
  }
})

test('the page of the native application', async () => {
  const provider = await startLatchkey(freePort(), {
    scopes: ['read:notes', 'write:notes'],
    clients: [client],
  })
  const app = nativeApp({ ISSUER: provider.issuer })
  try {
    const command = app.run('sign-in', '--no-browser')
    const { page, close } = await openTab(browser)
    await page.goto((await command.url).href)
    await fillLogin(page)
    await page.click('button[name=allow]')
    await page.waitForSelector('#status:has-text("You are signed in as Alice Adams")')
    expect(await accessibilityProblems(page)).toEqual([])
    expect(await command.said).toContain('Signed in as Alice Adams')
    await close()
  } finally {
    app.remove()
    await provider.stop()
  }
})
