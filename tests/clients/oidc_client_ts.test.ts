/** oidc-client-ts in Chromium, as examples/single_page_app uses it, and what CORS lets pages of other origins read. https://authts.github.io/oidc-client-ts/ */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { registerClient, type RelyingParty, relyingParty } from '../browser/relying_party.ts'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { freePort } from '../support/free_port.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'
import { type Example, startExample } from './example.ts'
import { spawnOpenProvider } from './relying_party.ts'

setDefaultTimeout(60_000)

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser.close())

describe('examples/single_page_app in development', () => {
  let provider: SpawnedProvider
  let app: Example
  beforeAll(async () => {
    provider = await spawnOpenProvider()
    const PORT = `${freePort()}`
    const origin = `http://localhost:${PORT}`
    const { client_id } = await registerClient(provider.issuer, {
      redirect_uris: [`${origin}/callback`],
      post_logout_redirect_uris: [`${origin}/`],
    })
    app = await startExample('single_page_app', { PORT, ISSUER: provider.issuer, CLIENT_ID: client_id })
  })
  afterAll(() => Promise.all([app.stop(), provider.stop()]))

  const status = (page: Page, text: string) => page.waitForSelector(`#status:has-text("${text}")`)
  const tokens = (page: Page) =>
    page.evaluate(() => {
      const key = Object.keys(sessionStorage).find((each) => each.startsWith('oidc.user:'))
      return key === undefined
        ? undefined
        : (JSON.parse(sessionStorage[key]) as Record<'access_token' | 'refresh_token' | 'id_token', string>)
    })

  test('signinRedirect, signinCallback, userinfo, renewal by refresh token, signoutRedirect', async () => {
    const tab = await openTab(browser)
    const { page } = tab
    await page.goto(`${app.origin}/`)
    await status(page, 'Signed out')
    await page.click('#sign_in')
    await fillLogin(page)
    await page.click('button[name=allow]')
    await status(page, 'Signed in as Alice Adams')
    expect(page.url()).toBe(`${app.origin}/`) // no code left in the URL
    expect(JSON.parse((await page.textContent('#user'))!)).toMatchObject({
      profile: { sub: 'user-alice', email: 'alice@example.com' },
    })

    const first = await tokens(page)
    const seen = await page.innerText('main')
    expect(seen).toContain('POST /token, authorization_code')
    expect(await page.locator('#tokens pre').nth(3).textContent()).toContain('"sub": "user-alice"')
    const kept =
      (await page.innerHTML('body')) + (await page.evaluate(() => sessionStorage.getItem('exchanges')))
    for (const token of Object.values(first!).filter((each) => /^(eyJ|lk)/.test(String(each))))
      expect(kept).not.toContain(String(token).slice(0, 20))
    await page.click('#renew')
    await status(page, 'Renewed')
    const second = await tokens(page)
    expect(second!.access_token).not.toBe(first!.access_token)
    expect(second!.refresh_token).not.toBe(first!.refresh_token)

    await page.reload()
    await status(page, 'Signed in as Alice Adams')
    await page.click('#sign_out')
    await status(page, 'Signed out')
    expect(new URL(page.url()).origin).toBe(app.origin) // an id_token_hint of this session needs no question
    expect(await tokens(page)).toBeUndefined()
    const info = await fetch(`${provider.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${second!.access_token}` },
    })
    expect(info.status).toBe(401)
    await page.click('#sign_in')
    await page.waitForSelector('input[name=username]')
    expect(tab.complaints).toEqual([])
    await tab.close()
  })

  test('a person who denies comes back to an application that says so', async () => {
    const tab = await openTab(browser)
    await tab.page.goto(`${app.origin}/`)
    await tab.page.click('#sign_in')
    await fillLogin(tab.page, { username: 'bob', password: 'bobpassword' })
    await tab.page.click('button[name=deny]')
    await status(tab.page, 'the End-User denied the request')
    await tab.close()
  })

  test('any origin may read answers', async () => {
    const party = relyingParty()
    expect(await readable(party, provider.issuer)).toEqual(all)
    party.stop()
  })
})

describe('in production', () => {
  test('listed origins may read what every client is answered, others what concerns no client', async () => {
    const listed = relyingParty()
    const other = relyingParty()
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-cors-'))
    const PORT = `${freePort()}`
    const provider = await spawnProvider({
      PORT,
      ISSUER_URL: `http://localhost:${PORT}`,
      NODE_ENV: 'production',
      SECRET_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString('base64url'),
      STORE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
      CORS_ALLOWED_ORIGINS: `https://app.example,${listed.origin}`,
    })
    try {
      expect(await readable(listed, provider.issuer)).toEqual(all)
      expect(await readable(other, provider.issuer)).toEqual(all.filter((each) => each !== 'register'))
    } finally {
      listed.stop()
      other.stop()
      await provider.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('PROFILE=mcp in production', () => {
  test('a page registers itself and reads its answers; a page of another host does not', async () => {
    const [own, other] = [relyingParty(), relyingParty()]
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-mcp-cors-'))
    const PORT = `${freePort()}`
    const provider = await spawnProvider({
      PORT,
      ISSUER_URL: `http://localhost:${PORT}`,
      NODE_ENV: 'production',
      PROFILE: 'mcp',
      SECRET_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString('base64url'),
      STORE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
    })
    try {
      const tab = await openTab(browser)
      await tab.page.goto(`${own.origin}/`)
      const client_id = await tab.page.evaluate(async (issuer) => {
        const headers = { 'mcp-protocol-version': '2025-11-25' }
        const found = await fetch(`${issuer}/.well-known/oauth-authorization-server`, { headers })
        const { registration_endpoint } = (await found.json()) as { registration_endpoint: string }
        const answer = await fetch(registration_endpoint, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({
            client_name: 'MCP Inspector',
            redirect_uris: [`${location.origin}/oauth/callback`],
            token_endpoint_auth_method: 'none',
            scope: '',
          }),
        })
        return ((await answer.json()) as { client_id: string }).client_id
      }, provider.issuer)
      expect(client_id).toBeString()
      // The port of localhost may differ, the host may not.
      for (const [origin, expected] of [
        [own.origin, 'unauthorized_client'],
        [other.origin, 'unauthorized_client'],
        [other.origin.replace('localhost', '127.0.0.1'), 'hidden'],
      ] as const) {
        await tab.page.goto(`${origin}/`)
        const read = await tab.page.evaluate(
          async ({ issuer, client_id }) => {
            const body = new URLSearchParams({ client_id, grant_type: 'refresh_token', refresh_token: 'x' })
            const headers = { 'mcp-protocol-version': '2025-11-25' }
            const answer = await fetch(`${issuer}/token`, { method: 'POST', headers, body }).catch(
              () => undefined,
            )
            return answer ? ((await answer.json()) as { error: string }).error : 'hidden'
          },
          { issuer: provider.issuer, client_id },
        )
        expect([origin, read]).toEqual([origin, expected])
      }
      await tab.close()
    } finally {
      own.stop()
      other.stop()
      await provider.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

const all = ['discovery', 'jwks', 'token', 'userinfo', 'revoke', 'register']

/** Which answers, errors included, a script of that origin gets to see; some of the requests need a preflight. */
async function readable({ origin }: RelyingParty, issuer: string): Promise<string[]> {
  const tab = await openTab(browser)
  await tab.page.goto(`${origin}/`)
  const names = await tab.page.evaluate(async (issuer) => {
    const body = new URLSearchParams({ client_id: 'nobody', token: 'x', grant_type: 'authorization_code' })
    const authorization = 'Bearer x'
    const requests: Record<string, () => Promise<Response>> = {
      discovery: () => fetch(`${issuer}/.well-known/openid-configuration`),
      jwks: () => fetch(`${issuer}/jwks.json`),
      token: () => fetch(`${issuer}/token`, { method: 'POST', body }),
      userinfo: () => fetch(`${issuer}/userinfo`, { headers: { authorization } }),
      revoke: () =>
        fetch(`${issuer}/revoke`, { method: 'POST', body, headers: { authorization: 'Basic eDp5' } }),
      register: () =>
        fetch(`${issuer}/register`, {
          method: 'POST',
          body: '{}',
          headers: { 'content-type': 'application/json' },
        }),
      // Pages and introspection are not for scripts of other origins, whoever they are.
      login: () => fetch(`${issuer}/login`, { redirect: 'follow' }),
      start: () => fetch(`${issuer}/`),
      introspect: () => fetch(`${issuer}/introspect`, { method: 'POST', body }),
    }
    const read: string[] = []
    for (const [name, request] of Object.entries(requests)) {
      const text = await request().then(
        (response) => response.text(),
        () => undefined,
      )
      if (text !== undefined) read.push(name)
    }
    return read
  }, issuer)
  await tab.close()
  return names
}
