/** What CORS lets pages of other origins read, in Chromium. https://fetch.spec.whatwg.org/#http-cors-protocol */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { type RelyingParty, relyingParty } from '../browser/relying_party.ts'
import { launchChromium, openTab } from '../support/chromium.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider } from '../support/provider.ts'
import { spawnOpenProvider } from './relying_party.ts'

setDefaultTimeout(60_000)

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser.close())

test('in development any origin may read answers', async () => {
  const provider = await spawnOpenProvider()
  const party = relyingParty()
  try {
    expect(await readable(party, provider.issuer)).toEqual(all)
  } finally {
    party.stop()
    await provider.stop()
  }
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
