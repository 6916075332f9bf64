/** examples/single_page_app in Chromium: at work, and attacked by other sites, other tabs, and scripts that steal what is stored. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { clientAt } from '../../examples/single_page_app/client.ts'
import { startWithApi, type Surroundings } from '../../examples/start/with_api.ts'
import { relyingParty } from '../browser/relying_party.ts'
import { fillLogin, launchChromium, openSibling, openTab, type Tab } from '../support/chromium.ts'
import { freePort } from '../support/free_port.ts'
import { bob, person } from '../support/person.ts'
import { until } from '../support/until.ts'
import { type Example, startExample } from './example.ts'

setDefaultTimeout(90_000)

let browser: Browser
let around: Surroundings
let app: Example
beforeAll(async () => {
  const PORT = `${freePort()}`
  const origin = `http://localhost:${PORT}`
  const ports = { provider: freePort(), api: freePort() }
  const env = { ACCESS_TOKEN_TTL: '20', REFRESH_TOKEN_GRACE: '0', CORS_ALLOWED_ORIGINS: origin }
  const apiEnv = { ALLOWED_ORIGIN: origin, MAX_AGE: '2' }
  around = await startWithApi(ports, clientAt(origin), env, apiEnv)
  const { issuer: ISSUER, api: API } = around
  app = await startExample('single_page_app', { PORT, ISSUER, API, CLIENT_ID: 'single-page-app' })
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  await app.stop()
  await around.stop()
})

const status = (page: Page, text: string) => page.waitForSelector(`#status:has-text("${text}")`)
const said = (page: Page, text: string) => page.waitForSelector(`#said:has-text("${text}")`)

/** Consent comes once for each person. */
async function passProvider(page: Page, who?: typeof bob): Promise<void> {
  await fillLogin(page, who)
  await page.waitForURL((url) => url.origin === app.origin || url.pathname.includes('consent'))
  if (page.url().startsWith(around.issuer)) await page.click('button[name=allow]')
}

async function signedIn(who?: typeof bob): Promise<Tab> {
  const tab = await openTab(browser)
  await tab.page.goto(`${app.origin}/`)
  await status(tab.page, 'Signed out')
  await tab.page.click('#sign_in')
  await passProvider(tab.page, who)
  await status(tab.page, 'Signed in as')
  return tab
}

/** Everything that a script of this origin finds in the storages of the browser. */
const stored = (page: Page): Promise<string> =>
  page.evaluate(async () => {
    const databases = await Promise.all(
      (await indexedDB.databases()).map(async ({ name }) => {
        const database = await new Promise<IDBDatabase>((resolve) => {
          const opening = indexedDB.open(name!)
          opening.onsuccess = () => resolve(opening.result)
        })
        const all = await Promise.all(
          [...database.objectStoreNames].map(
            (each) =>
              new Promise((resolve) => {
                const request = database.transaction(each).objectStore(each).getAll()
                request.onsuccess = () => resolve(request.result)
              }),
          ),
        )
        database.close()
        return all
      }),
    )
    const plain = { ...localStorage, ...sessionStorage }
    return JSON.stringify([plain, Object.keys(localStorage).length, document.cookie, databases])
  })

test('signs in, calls the API with a bound token, renews, survives a reload, signs out', async () => {
  const tab = await openTab(browser)
  const { page } = tab
  const tokens: Record<string, string>[] = []
  const schemes = new Set<string>()
  page.on('response', (response) => {
    if (response.url().endsWith('/token') && response.request().method() === 'POST')
      void response.json().then((json) => tokens.push(json as Record<string, string>))
  })
  page.on('request', (request) => {
    const [scheme] = (request.headers().authorization ?? '').split(' ')
    if (scheme) schemes.add(scheme)
  })
  await page.goto(`${app.origin}/`)
  await status(page, 'Signed out')
  await page.click('#sign_in')
  await passProvider(page)
  await status(page, 'Signed in as Alice Adams')
  expect(page.url()).toBe(`${app.origin}/`) // no code left in the address
  await said(page, 'There are no notes')
  await page.fill('#text', '<img src=x onerror=alert(1)>')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#notes li:has-text("onerror")')
  expect([...schemes]).toEqual(['DPoP'])

  await page.click('#renew')
  await status(page, 'Renewed')
  const seen = await page.innerText('main')
  for (const title of ['POST /token, authorization_code', 'POST /token, refresh_token', 'POST /notes'])
    expect(seen).toContain(title)

  // No token is in a storage, or on the page: neither of this page nor of those that it renewed.
  await until(() => tokens.length >= 3, 'the answers of the token endpoint')
  const secrets = tokens.flatMap(({ access_token, refresh_token, id_token }) =>
    [access_token, refresh_token, id_token].filter((each) => each !== undefined),
  )
  const kept = (await stored(page)) + (await page.innerHTML('body'))
  for (const secret of secrets) expect(kept).not.toContain(secret.slice(0, 24))
  expect(await page.evaluate(() => localStorage.length)).toBe(0)

  // A token alone is of no use to a thief.
  for (const { access_token } of tokens)
    for (const url of [`${around.issuer}/userinfo`, `${around.api}/notes`]) {
      const stolen = await fetch(url, { headers: { authorization: `Bearer ${access_token}` } })
      expect(stolen.status).toBe(401)
    }
  const stolenRefresh = await fetch(`${around.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: tokens.at(-1)!.refresh_token!,
      client_id: 'single-page-app',
    }),
  })
  expect(stolenRefresh.status).toBe(400)

  await page.reload()
  await status(page, 'Signed in as Alice Adams') // by the session at the provider
  await page.click('#sign_out')
  await status(page, 'Signed out')
  expect(page.url()).toBe(`${app.origin}/`)
  expect(await stored(page)).not.toContain('alice')
  await page.click('#sign_in')
  await page.waitForSelector('input[name=username]')
  expect(tab.complaints.filter((each) => !/status of 401/.test(each))).toEqual([])
  await tab.close()
})

test('a person who denies comes back to an application that says so', async () => {
  const tab = await openTab(browser)
  await tab.page.goto(`${app.origin}/`)
  await tab.page.click('#sign_in')
  await fillLogin(tab.page, bob)
  await tab.page.click('button[name=deny]')
  await status(tab.page, 'access_denied: the End-User denied the request')
  expect(await tab.page.innerText('#exchanges')).toContain('The browser comes back') // to look at what came
  await tab.close()
})

test('step-up: the API asks for a recent sign-in, and the person gives the password again', async () => {
  const { page, close } = await signedIn()
  const add = async () => {
    await page.fill('#text', 'to be deleted')
    await page.click('#add button')
    await page.waitForSelector('#remove:visible')
  }
  const isRefused = async () => {
    await page.click('#remove')
    await page.waitForSelector('#step_up:visible, #remove[hidden]', { state: 'attached' })
    if (await page.isVisible('#step_up')) return true
    await add()
    return false
  }
  await add()
  // The provider counts whole seconds: it may take a sign-in as recent that the API does not.
  await until(async () => {
    await until(isRefused, 'the sign-in to be older than the API wants')
    // The page that is being left has the same button.
    await page.evaluate(() => document.documentElement.setAttribute('data-left', ''))
    await page.click('#step_up')
    await page.waitForSelector('input[name=password], html:not([data-left]) #remove:visible')
    return page.isVisible('input[name=password]')
  }, 'the provider to ask for the password')
  await page.fill('input[name=password]', 'alicepassword')
  await page.click('button[name=login]')
  await status(page, 'Signed in as Alice Adams')
  await close()
})

test('the end of the session at the provider is seen without a request of the application', async () => {
  const tab = await signedIn()
  const elsewhere = await openSibling(tab)
  await elsewhere.goto(`${around.issuer}/logout`)
  await elsewhere.locator('main form button').first().click()
  await status(tab.page, 'Signed out')
  await tab.close()
})

test('two tabs have sign-ins of their own, and neither takes the token of the other', async () => {
  const tab = await signedIn()
  const second = await openSibling(tab)
  await second.goto(`${app.origin}/`)
  await status(second, 'Signed out')
  await second.click('#sign_in')
  await status(second, 'Signed in as Alice Adams')
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(
      [tab.page, second].map(async (page) => {
        const isToken = (answer: { url(): string; request(): { method(): string } }) =>
          answer.url() === `${around.issuer}/token` && answer.request().method() === 'POST'
        const [answer] = await Promise.all([page.waitForResponse(isToken), page.click('#renew')])
        return answer.status()
      }),
    )
    expect(answers).toEqual([200, 200])
  }
  await tab.close()
})

test("an attacker's answer, an answer without a sign-in, and one that was used sign nobody in", async () => {
  const attacker = await openTab(browser)
  let asked = ''
  const authorize = `${around.issuer}/authorize*`
  await attacker.page.route(authorize, async (route) => {
    asked = route.request().url()
    await route.abort()
  })
  await attacker.page.goto(`${app.origin}/`)
  await attacker.page.click('#sign_in')
  await until(() => asked !== '', 'the request')
  const { href: answer } = await person(around.issuer, fetch).goThrough(asked, bob)

  const victim = await openTab(browser)
  await victim.page.goto(`${app.origin}/`)
  await status(victim.page, 'Signed out')
  await victim.page.goto(answer)
  await status(victim.page, 'belongs to no sign-in of this browser')
  await attacker.page.goto(answer)
  await status(attacker.page, 'Signed in as Bob Brown')
  await attacker.page.goto(answer)
  await status(attacker.page, 'was used already')
  await attacker.close()
  await victim.close()
})

test('a tab that is loaded again is of the person before, or of nobody', async () => {
  const tab = await signedIn()
  // Bob signs in at the provider in the same browser.
  const other = await openSibling(tab)
  await tab.page.goto('about:blank')
  await other.goto(`${around.issuer}/logout`)
  await other.locator('main form button').first().click()
  await other.goto(`${app.origin}/`)
  await other.click('#sign_in')
  await passProvider(other, bob)
  await status(other, 'Signed in as Bob Brown')
  await tab.page.goBack()
  await status(tab.page, 'another person is signed in at the provider')
  expect(await tab.page.isVisible('#sign_in')).toBe(true)
  expect(await stored(tab.page)).not.toMatch(/alice|bob/i)
  await tab.close()
})

test('other sites can neither frame the page nor speak for the frame of the provider', async () => {
  const party = relyingParty({
    '/frame': () =>
      new Response(`<!doctype html><title>Attacker</title><iframe src="${app.origin}/"></iframe>`, {
        headers: { 'content-type': 'text/html' },
      }),
  })
  const framing = await openTab(browser)
  await framing.page.goto(`${party.origin}/frame`)
  await until(() => framing.complaints.join().includes('frame-ancestors'), 'the refusal of the browser')
  await framing.close()

  const tab = await signedIn()
  await tab.page.evaluate(() => {
    for (const data of ['unchanged', 'changed']) postMessage(data, '*')
  })
  await tab.page.click('#renew')
  await status(tab.page, 'Renewed') // no message led it away
  // A script that was smuggled in can make no HTML of a text, and can send nothing to another site.
  const hindered = await tab.page.evaluate(async (elsewhere) => {
    const made = (() => {
      try {
        document.body.insertAdjacentHTML('beforeend', '<b>x</b>')
        return 'made'
      } catch (error) {
        return (error as Error).name
      }
    })()
    const sent = await fetch(elsewhere).then(
      () => 'sent',
      () => 'not sent',
    )
    return [made, sent]
  }, `${party.origin}/`)
  expect(hindered).toEqual(['TypeError', 'not sent'])
  await tab.close()
  party.stop()
})
