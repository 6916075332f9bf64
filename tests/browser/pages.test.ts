/** Each page as a browser renders it: labels, language, titles, contrast, room at 320 px, both colour schemes, and no refused content. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import type { TestClient } from '../support/client.ts'
import { fillLogin, launchChromium, openTab, type Tab } from '../support/chromium.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'
import { contrastProblems } from './contrast.ts'
import { ask, registerClient, type RelyingParty, relyingParty } from './relying_party.ts'

setDefaultTimeout(60_000)

let provider: SpawnedProvider
let browser: Browser
let party: RelyingParty
let client: TestClient

/** A name as long as the registration allows, without a place to break it. */
const longName = 'Fotobuch'.repeat(25)

beforeAll(async () => {
  party = relyingParty()
  ;[provider, browser] = await Promise.all([spawnProvider(), launchChromium()])
  client = await registerClient(provider.issuer, {
    client_name: longName,
    client_uri: 'https://photos.example/',
    policy_uri: 'https://photos.example/privacy',
    redirect_uris: [party.callback],
    initiate_login_uri: 'https://photos.example/begin',
  })
})
afterAll(async () => {
  await Promise.all([browser.close(), provider.stop()])
  party.stop()
})

/** In the order a person could see them, with the status that the browser reports. */
const visits: readonly [name: string, visit: (page: Page) => Promise<unknown>, status: number][] = [
  ['start', (page) => page.goto(provider.issuer), 200],
  ['login', (page) => page.goto(ask(provider.issuer, client)), 200],
  ['login after a mistake', (page) => fillLogin(page, { username: 'alice', password: 'x' }), 401],
  ['consent', (page) => fillLogin(page), 200],
  ['select_account', (page) => page.goto(ask(provider.issuer, client, { prompt: 'select_account' })), 200],
  ['applications', (page) => page.goto(`${provider.issuer}/applications`), 200],
  [
    'initiate_login',
    (page) => page.goto(`${provider.issuer}/initiate_login?client_id=${client.client_id}`),
    200,
  ],
  ['logout', (page) => page.goto(`${provider.issuer}/logout?client_id=${client.client_id}`), 200],
  ['signed out', (page) => page.click('button[name=logout]'), 200],
  [
    'error',
    (page) => page.goto(ask(provider.issuer, { ...client, redirect_uri: 'https://evil.example/' })),
    400,
  ],
  ['nothing there', (page) => page.goto(`${provider.issuer}/${'nowhere'.repeat(20)}`), 404],
]

for (const width of [320, 1280])
  for (const colorScheme of ['light', 'dark'] as const)
    test(`every page at ${width} px, ${colorScheme}`, async () => {
      const tab = await openTab(browser, { colorScheme, viewport: { width, height: 700 } })
      const problems: string[] = []
      for (const [name, visit, status] of visits) {
        let came = 0
        const listen = (response: { status(): number; request(): { isNavigationRequest(): boolean } }) => {
          if (response.request().isNavigationRequest()) came = response.status()
        }
        tab.page.on('response', listen)
        await visit(tab.page)
        await tab.page.waitForLoadState()
        tab.page.off('response', listen)
        if (came !== status) problems.push(`${name}: status ${came}, expected ${status}`)
        problems.push(...(await problemsOf(tab)).map((each) => `${name}: ${each}`))
        problems.push(...(await contrastProblems(tab.page)).map((each) => `${name}: ${each}`))
        // A status of 4xx is a console line of its own; anything else in there is a refusal or an error.
        const refused = tab.complaints.splice(0).filter((each) => !each.startsWith('Failed to load resource'))
        problems.push(...refused.map((each) => `${name}: ${each}`))
      }
      await tab.close()
      expect(problems).toEqual([])
    })

/** The rules of axe-core that matter on pages this small. */
const problemsOf = ({ page }: Tab): Promise<string[]> =>
  page.evaluate(() => {
    const found: string[] = []
    const hold = (holds: boolean, problem: string) => void (holds || found.push(problem))
    const all = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)]
    hold(document.documentElement.lang === 'en', 'no lang')
    hold(/^.+ · Latchkey$/.test(document.title), `title ${document.title}`)
    hold(all('h1').length === 1, 'not one h1')
    hold(all('main').length === 1, 'not one main')
    hold(new Set(all('[id]').map(({ id }) => id)).size === all('[id]').length, 'an id twice')
    const { scrollWidth, clientWidth } = document.documentElement
    hold(scrollWidth <= clientWidth, `scrolls sideways: ${scrollWidth} > ${clientWidth}`)
    for (const input of all('input:not([type=hidden])') as HTMLInputElement[])
      hold(
        (input.labels?.length ?? 0) === 1 && input.autocomplete !== '',
        `no label or purpose: ${input.name}`,
      )
    for (const button of all('button')) {
      hold(button.innerText.trim() !== '', `no text: ${button.outerHTML}`)
      hold(button.offsetHeight >= 44, `small target: ${button.innerText} ${button.offsetHeight}px`)
    }
    for (const image of all('img')) hold(image.hasAttribute('alt'), 'an image without alt')
    for (const named of all('[aria-describedby], [aria-labelledby]'))
      for (const name of ['aria-describedby', 'aria-labelledby'])
        for (const id of named.getAttribute(name)?.split(' ').filter(Boolean) ?? [])
          hold(document.getElementById(id) !== null, `${name} ${id} leads nowhere`)
    for (const element of all('*'))
      hold(
        !element.hasAttribute('style') && (element.tabIndex ?? 0) <= 0,
        `inline style or tabindex: ${element.tagName}`,
      )
    const levels = all('h1, h2, h3, h4').map(({ tagName }) => Number(tagName[1]))
    hold(
      levels.every((level, at) => level <= (levels[at - 1] ?? 0) + 1),
      `heading levels ${levels}`,
    )
    const style = getComputedStyle(document.body)
    hold(style.fontFamily.includes('system-ui'), 'the stylesheet did not load')
    return found
  })
