/** Single logout in a real Chromium: frames that reach the clients, and the frame that says whether the sign-in changed. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { type Certificate, makeCertificate } from '../support/certificate.ts'
import {
  goThrough,
  launchChromium,
  openLenientTab,
  openSibling,
  openTab,
  type Tab,
} from '../support/chromium.ts'
import { claimsOf, type TestClient } from '../support/client.ts'
import { type Listener, listener } from '../support/listener.ts'
import { until } from '../support/until.ts'
import { freePort } from '../support/free_port.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'
import { ask, registerClient, type RelyingParty, relyingParty } from './relying_party.ts'

setDefaultTimeout(60_000)

let provider: SpawnedProvider
let browser: Browser
/** Where the browser comes back to, and where its frames load. */
let party: RelyingParty
/** Where the provider itself calls. */
let server: Listener
const framesSeen: URL[] = []
const tabs: Tab[] = []

const html = (body: string) =>
  new Response(`<!doctype html><title>Client</title><link rel="icon" href="data:,">${body}`, {
    headers: { 'content-type': 'text/html' },
  })

beforeAll(async () => {
  server = listener()
  party = relyingParty()
  ;[provider, browser] = await Promise.all([
    spawnProvider({ OUTBOUND_ALLOW_HOSTS: server.hostPort }),
    launchChromium(),
  ])
})
afterEach(async () => {
  framesSeen.splice(0)
  await Promise.all(tabs.splice(0).map((tab) => tab.close()))
})
afterAll(async () => {
  await Promise.all([browser.close(), provider.stop()])
  party.stop()
  server.stop()
})

async function newTab(options = {}): Promise<Tab> {
  const tab = await openTab(browser, options)
  tabs.push(tab)
  tab.page.on('request', (request) => {
    if (request.isNavigationRequest() && request.frame() !== tab.page.mainFrame())
      framesSeen.push(new URL(request.url()))
  })
  return tab
}

describe('signing out', () => {
  const signedIn = async (page: Page, metadata: Record<string, unknown>) => {
    const client = await registerClient(provider.issuer, {
      redirect_uris: [party.callback],
      post_logout_redirect_uris: [`${party.origin}/bye`],
      ...metadata,
    })
    await goThrough(page, ask(provider.issuer, client), party.callback)
    return client
  }
  const logoutUrl = ({ client_id }: TestClient) =>
    `${provider.issuer}/logout?client_id=${client_id}&post_logout_redirect_uri=${party.origin}/bye&state=s`

  test('loads the frames of the clients and then goes on by itself, without a script of ours', async () => {
    const { page, complaints } = await newTab({ javaScriptEnabled: false })
    const client = await signedIn(page, { frontchannel_logout_uri: `${party.origin}/forget?x=1` })
    await page.goto(logoutUrl(client))
    await page.click('button[name=logout]')
    await page.waitForSelector('h1:has-text("You’re signed out")')
    expect(await page.textContent('.told')).toContain('Photo book')
    await page.waitForURL(`${party.origin}/bye?state=s`)
    expect(framesSeen.map(({ origin, pathname }) => origin + pathname)).toEqual([`${party.origin}/forget`])
    const query = Object.fromEntries(framesSeen[0]!.searchParams)
    expect(query).toEqual({ x: '1', iss: provider.issuer, sid: expect.stringMatching(/^[\w-]{20}$/) })
    expect(complaints).toEqual([])
  })

  test('a client page that would rather lead the window elsewhere stays in its frame', async () => {
    const hostile = relyingParty({
      '/forget': () => html('<script>top.location = "https://evil.example/"</script>'),
    })
    const { page, complaints } = await newTab()
    const client = await signedIn(page, {
      redirect_uris: [party.callback, `${hostile.origin}/callback`],
      frontchannel_logout_uri: `${hostile.origin}/forget`,
    })
    // Without the script that goes on once the frames are there: this test is about what the frame does until then.
    await page.route('**/assets/signed_out*', (route) => route.abort())
    await page.goto(logoutUrl(client))
    await page.click('button[name=logout]')
    await page.waitForSelector('h1:has-text("You’re signed out")')
    await until(() => complaints.some((each) => /sandbox/i.test(each)), 'Chromium to say that it refused')
    expect(new URL(page.url()).origin).toBe(provider.issuer)
    hostile.stop()
  })

  test('tells a server at once, without the browser having to wait for it', async () => {
    const { page, complaints } = await newTab()
    const client = await signedIn(page, { backchannel_logout_uri: `${server.origin}/told` })
    server.answerWith('hang')
    await page.goto(logoutUrl(client))
    await page.click('button[name=logout]')
    await page.waitForURL(`${party.origin}/bye?state=s`)
    await until(() => server.heard.length > 0, 'the logout token')
    expect(claimsOf(server.heard[0]!.form.logout_token)).toMatchObject({
      iss: provider.issuer,
      aud: client.client_id,
    })
    expect(complaints).toEqual([])
  })
})

/** A client's page with the provider's frame on it, and what that frame answers. */
async function watch(
  page: Page,
  issuer: string,
  origin: string,
): Promise<(text: unknown) => Promise<unknown>> {
  await page.goto(`${origin}/watch`)
  await page.frames()[1]!.waitForLoadState()
  return (text) =>
    page.evaluate(
      ([text, issuer]) =>
        new Promise((resolve) => {
          addEventListener('message', ({ data, origin }) => origin === issuer && resolve(data), {
            once: true,
          })
          document.querySelector('iframe')!.contentWindow!.postMessage(text, String(issuer))
        }),
      [text, issuer] as const,
    )
}

const watcher = (issuer: () => string): RelyingParty =>
  relyingParty({ '/watch': () => html(`<iframe src="${issuer()}/check_session"></iframe>`) })

describe('check_session_iframe', () => {
  test('unchanged while the sign-in lasts, changed after it, error for what is no question', async () => {
    const app = watcher(() => provider.issuer)
    const stranger = watcher(() => provider.issuer)
    const tab = await newTab()
    const { page, complaints } = tab
    const client = await registerClient(provider.issuer, {
      redirect_uris: [`${app.origin}/callback`],
    })
    const { searchParams } = await goThrough(page, ask(provider.issuer, client), `${app.origin}/callback`)
    const state = searchParams.get('session_state')!
    const asks = await watch(page, provider.issuer, app.origin)
    expect(await asks(`${client.client_id} ${state}`)).toBe('unchanged')
    expect(await asks(`someone_else ${state}`)).toBe('changed')
    for (const odd of [
      '',
      'x',
      client.client_id,
      `${client.client_id} `,
      state,
      `${client.client_id} ${state} x`,
    ])
      expect(await asks(odd)).toBe('error')
    const sibling = await openSibling(tab)
    const elsewhere = await watch(sibling, provider.issuer, stranger.origin)
    expect(await elsewhere(`${client.client_id} ${state}`)).toBe('changed') // another origin asks
    expect(await asks(`${client.client_id} ${state}`)).toBe('unchanged')
    await sibling.goto(`${provider.issuer}/logout`)
    await sibling.click('button[name=logout]')
    await sibling.waitForSelector('h1:has-text("You’re signed out")')
    expect(await asks(`${client.client_id} ${state}`)).toBe('changed') // without a request of this page
    expect(complaints).toEqual([])
    app.stop()
    stranger.stop()
  })
})

describe('across sites, over https', () => {
  let certificate: Certificate
  let secure: SpawnedProvider
  beforeAll(async () => {
    certificate = makeCertificate()
    const port = freePort()
    secure = await spawnProvider({
      PORT: `${port}`,
      ISSUER_URL: `https://localhost:${port}`,
      TLS_CERT_PATH: certificate.certPath,
      TLS_KEY_PATH: certificate.keyPath,
    })
  })
  afterAll(async () => {
    await secure.stop()
    certificate.remove()
  })

  for (const blocked of [false, true])
    test(
      blocked
        ? 'where the browser keeps cookies from frames: error, so that nobody asks for ever'
        : 'where the browser lets frames have cookies: unchanged, then changed',
      async () => {
        // 127.0.0.1 and localhost are two sites to a browser.
        const app = watcher(() => secure.issuer)
        const origin = app.origin.replace('localhost', '127.0.0.1')
        const answer = await fetch(`${secure.issuer}/register`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            redirect_uris: [`${origin}/callback`],
            token_endpoint_auth_method: 'none',
            scope: 'openid profile email',
          }),
          tls: { ca: certificate.pem },
        })
        const { client_id } = (await answer.json()) as { client_id: string }
        const client = { client_id, redirect_uri: `${origin}/callback` }
        const options = { ignoreHTTPSErrors: true }
        const tab = blocked ? await openTab(browser, options) : await openLenientTab(options)
        tabs.push(tab)
        const { page } = tab
        const { searchParams } = await goThrough(page, ask(secure.issuer, client), client.redirect_uri)
        const question = `${client_id} ${searchParams.get('session_state')}`
        const asks = await watch(page, secure.issuer, origin)
        if (blocked) expect(await asks(question)).toBe('error')
        else {
          expect(await asks(question)).toBe('unchanged')
          const sibling = await openSibling(tab)
          await sibling.goto(`${secure.issuer}/logout`)
          await sibling.click('button[name=logout]')
          await sibling.waitForSelector('h1:has-text("You’re signed out")')
          expect(await asks(question)).toBe('changed')
        }
        app.stop()
      },
    )
})
