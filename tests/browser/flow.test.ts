/** People sign in and consent in a real Chromium: with and without scripts, by keyboard, twice, backwards, in two tabs. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import type { TestClient } from '../support/client.ts'
import { fillLogin, goThrough, launchChromium, openSibling, openTab, type Tab } from '../support/chromium.ts'
import { alice, bob } from '../support/person.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'
import { ask, registerClient, type RelyingParty, relyingParty } from './relying_party.ts'

// A browser on a busy machine takes its time; Playwright's own timeouts say more than the runner's.
setDefaultTimeout(60_000)

let provider: SpawnedProvider
let browser: Browser
let party: RelyingParty
let client: TestClient
const tabs: Tab[] = []

beforeAll(async () => {
  party = relyingParty()
  ;[provider, browser] = await Promise.all([spawnProvider(), launchChromium()])
  client = await registerClient(provider.issuer, {
    redirect_uris: [party.callback],
    post_logout_redirect_uris: [`${party.origin}/`],
  })
})
afterEach(() => Promise.all(tabs.splice(0).map((tab) => tab.close())))
afterAll(async () => {
  await Promise.all([browser.close(), provider.stop()])
  party.stop()
})

async function newTab(options?: BrowserContextOptions): Promise<Tab> {
  const tab = await openTab(browser, options)
  tabs.push(tab)
  return tab
}

const request = (more?: Record<string, string>) => ask(provider.issuer, client, more)
const arrived = () => `${party.callback}?*`

describe('from the application and back', () => {
  for (const javaScriptEnabled of [true, false])
    test(`with JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
      const { page, complaints } = await newTab({ javaScriptEnabled })
      await page.goto(request({ prompt: 'consent' }))
      await fillLogin(page)
      expect(await page.textContent('h1')).toBe('Photo book wants to access your account')
      await page.click('button[name=allow]')
      await page.waitForURL(arrived())
      const answer = new URL(page.url()).searchParams
      expect(answer.get('code')).not.toBeNull()
      expect(answer.get('iss')).toBe(provider.issuer)
      expect(complaints).toEqual([])
      // Signed in and agreed: the second time asks nothing.
      await page.goto(request())
      expect(page.url()).toStartWith(`${party.callback}?code=`)
    })

  test('by keyboard alone: the cursor is in the form, Tab goes in reading order, Enter sends', async () => {
    const { page } = await newTab()
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('name'))
    await page.goto(request({ prompt: 'consent' }))
    expect(await focused()).toBe('username')
    await page.keyboard.type(alice.username)
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('password')
    await page.keyboard.type(alice.password)
    await page.keyboard.press('Enter')
    await page.waitForURL(`${provider.issuer}/consent?*`)
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Not you?')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('allow')
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)
    expect(outline).toBe('solid')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('deny')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Enter')
    await page.waitForURL(arrived())
    expect(page.url()).toContain('code=')
  })

  test('deny goes back with access_denied, and is not remembered as consent', async () => {
    const { page } = await newTab()
    await page.goto(request({ state: 'mine' }))
    await fillLogin(page, bob)
    await page.click('button[name=deny]')
    await page.waitForURL(arrived())
    const answer = Object.fromEntries(new URL(page.url()).searchParams)
    expect(answer).toMatchObject({ error: 'access_denied', state: 'mine', iss: provider.issuer })
    await page.goto(request())
    expect(await page.isVisible('button[name=allow]')).toBe(true)
  })

  test('a wrong password keeps the username, says so, and puts the cursor where it helps', async () => {
    const { page } = await newTab()
    await page.goto(request())
    await fillLogin(page, { username: 'alice', password: 'wrong' })
    expect(await page.textContent('[role=alert]')).toContain('Incorrect username or password')
    expect(await page.inputValue('input[name=username]')).toBe('alice')
    expect(await page.inputValue('input[name=password]')).toBe('')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('password')
    expect(await page.title()).toStartWith('Error: ')
    await fillLogin(page)
    expect(await page.isVisible('button[name=allow], #arrived')).toBe(true)
  })

  test('select_account: go on as alice, or as somebody else', async () => {
    const { page } = await newTab()
    await goThrough(page, request(), party.callback)
    await page.goto(request({ prompt: 'select_account' }))
    expect(await page.textContent('button[name=continue]')).toContain('alice')
    await page.click('button[name=continue]')
    await page.waitForURL(arrived())
    await page.goto(request({ prompt: 'select_account' }))
    await page.click('button[name=other]')
    await fillLogin(page, bob)
    expect(await page.textContent('main')).toContain('Signed in as bob')
  })
})

describe('people do not read the script', () => {
  test('a double click on Allow ends at the application', async () => {
    const { page, complaints } = await newTab()
    await page.goto(request({ prompt: 'consent' }))
    await fillLogin(page)
    await page.dblclick('button[name=allow]', { noWaitAfter: true })
    await page.waitForURL(arrived())
    expect(page.url()).toContain('code=')
    expect(complaints).toEqual([])
  })

  test('back from the application and Allow again gives a fresh code', async () => {
    const { page } = await newTab()
    await page.goto(request({ prompt: 'consent' }))
    await fillLogin(page)
    await page.click('button[name=allow]')
    await page.waitForURL(arrived())
    const first = new URL(page.url()).searchParams.get('code')
    await page.goBack()
    await page.click('button[name=allow]')
    await page.waitForURL(arrived())
    const second = new URL(page.url()).searchParams.get('code')
    expect(second).not.toBeNull()
    expect(second).not.toBe(first)
  })

  test('back to the sign-in page goes on with the account, not in circles', async () => {
    const { page } = await newTab()
    await page.goto(request({ prompt: 'consent' }))
    await fillLogin(page)
    await page.waitForURL(`${provider.issuer}/consent?*`)
    await page.goBack()
    // Signed in already: no second password.
    await page.click('button[name=continue]')
    await page.click('button[name=allow]')
    await page.waitForURL(arrived())
    expect(page.url()).toContain('code=')
  })

  test('two tabs with two requests: each application gets its own answer', async () => {
    const tab = await newTab()
    const one = tab.page
    const two = await openSibling(tab)
    await one.goto(request({ prompt: 'consent', state: 'one' }))
    await two.goto(request({ prompt: 'consent', state: 'two' }))
    await fillLogin(two)
    await fillLogin(one) // replaces the session for which the other tab's consent page was made
    await two.click('button[name=allow]')
    await two.waitForURL(arrived())
    await one.click('button[name=allow]')
    await one.waitForURL(arrived())
    expect(one.url()).toContain('state=one')
    expect(two.url()).toContain('state=two')
  })
})

describe('another person in between', () => {
  test("alice's consent page does not answer for bob", async () => {
    const tab = await newTab()
    const one = tab.page
    const two = await openSibling(tab)
    await one.goto(request({ prompt: 'consent' }))
    await fillLogin(one, alice)
    await two.goto(request({ prompt: 'login consent' }))
    await fillLogin(two, bob)
    await one.click('button[name=allow]')
    expect(await one.textContent('h1')).toBe('Choose an account')
    expect(await one.textContent('button[name=continue]')).toContain('bob')
    expect(one.url()).toStartWith(provider.issuer)
  })
})

describe('signing out', () => {
  test('a bare link asks first; staying keeps the session, signing out ends it', async () => {
    const { page } = await newTab()
    await goThrough(page, request(), party.callback)
    await page.goto(`${provider.issuer}/logout`)
    expect(await page.textContent('h1')).toBe('Sign out?')
    await page.click('button[name=stay]')
    await page.goto(request({ prompt: 'none' }))
    expect(page.url()).toContain('code=')
    await page.goto(
      `${provider.issuer}/logout?client_id=${client.client_id}&post_logout_redirect_uri=${party.origin}/&state=bye`,
    )
    await page.click('button[name=logout]')
    await page.waitForURL(`${party.origin}/?state=bye`)
    await page.goto(request({ prompt: 'none' }))
    expect(page.url()).toContain('error=login_required')
  })
})

describe('what the browser is told to keep and to refuse', () => {
  test('cookies are HttpOnly, SameSite=Lax, for the whole host; the sign-in is gone with the browser', async () => {
    const { page } = await newTab()
    await goThrough(page, request(), party.callback)
    const cookies = await page.context().cookies(provider.issuer)
    const names = ['latchkey_browser', 'latchkey_browser_state', 'latchkey_known', 'latchkey_session']
    expect(cookies.map(({ name }) => name).sort()).toEqual(names)
    for (const cookie of cookies)
      expect(cookie).toMatchObject({
        httpOnly: cookie.name !== 'latchkey_browser_state', // check_session_iframe reads it; it is worth nothing
        sameSite: 'Lax',
        path: '/',
        domain: 'localhost',
        // The browser is known again later; the sign-in is gone with it.
        expires: /session|state/.test(cookie.name) ? -1 : expect.any(Number),
      })
    await page.goto(provider.issuer)
    expect(await page.evaluate(() => document.cookie)).toMatch(/^latchkey_browser_state=[\w-]{43}$/)
  })

  test('a new session cookie at every sign-in', async () => {
    const { page } = await newTab()
    await goThrough(page, request(), party.callback)
    const session = async () =>
      (await page.context().cookies(provider.issuer)).find(({ name }) => name === 'latchkey_session')?.value
    const before = await session()
    await goThrough(page, request({ prompt: 'login' }), party.callback)
    expect(await session()).not.toBe(before)
  })

  test('no other origin may frame a page', async () => {
    const framing = relyingParty({
      '/': () =>
        new Response(`<!doctype html><iframe src="${request().replaceAll('&', '&amp;')}"></iframe>`, {
          headers: { 'content-type': 'text/html' },
        }),
    })
    const { page, complaints } = await newTab()
    await page.goto(`${framing.origin}/`)
    await until(() => /frame-ancestors/.test(complaints.join()), 'the refusal')
    framing.stop()
    const inside = await page.frames()[1]!.evaluate(() => document.querySelectorAll('form').length)
    expect(inside).toBe(0)
  })

  test('a form of another origin that copies ours is refused', async () => {
    const { page } = await newTab()
    await page.goto(request())
    const fields = await page.$$eval('form:has(input[name=password]) input[type=hidden]', (all) =>
      all.map((each) => each.outerHTML).join(''),
    )
    const forging = relyingParty({
      '/': () =>
        new Response(
          `<!doctype html><form method="post" action="${provider.issuer}/login">${fields}
          <input name="username" value="bob"><input name="password" value="bobpassword"><button>Win</button></form>`,
          { headers: { 'content-type': 'text/html' } },
        ),
    })
    await page.goto(`${forging.origin}/`)
    await page.click('button')
    await page.waitForURL(`${provider.issuer}/login`)
    forging.stop()
    expect(await page.textContent('h1')).toBe('Access denied')
    const cookies = await page.context().cookies(provider.issuer)
    expect(cookies.map(({ name }) => name)).not.toContain('latchkey_session')
  })
})

describe('form-action, which Chromium applies to every redirect after a form', () => {
  test('lets the callback redirect on to another loopback origin', async () => {
    const home = relyingParty()
    const party = relyingParty({
      '/callback': () => new Response(null, { status: 302, headers: { location: `${home.origin}/home` } }),
    })
    const forwarding = await registerClient(provider.issuer, { redirect_uris: [party.callback] })
    const { page, complaints } = await newTab()
    await page.goto(ask(provider.issuer, forwarding))
    await fillLogin(page)
    await page.click('button[name=allow]')
    await page.waitForURL(`${home.origin}/home`)
    await page.context().clearCookies() // and straight from the sign-in form, with consent remembered
    await page.goto(ask(provider.issuer, forwarding))
    await fillLogin(page)
    await page.waitForURL(`${home.origin}/home`)
    expect(complaints).toEqual([])
    party.stop()
    home.stop()
  })

  test('lets a native app have its private-use scheme', async () => {
    const native = await registerClient(provider.issuer, {
      redirect_uris: ['com.example.app:/callback'],
      application_type: 'native',
    })
    const { page, complaints } = await newTab()
    await page.goto(ask(provider.issuer, native))
    await fillLogin(page)
    const handedOver = page.waitForRequest((each) => each.url().startsWith('com.example.app:/callback?code='))
    await page.click('button[name=allow]')
    await handedOver
    expect(complaints).toEqual([])
  })
})
