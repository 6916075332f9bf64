/** Signing in with an account elsewhere, in a real browser: cookies, redirects and policies as Chromium has them. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { exportPKCS8 } from 'jose'
import type { Browser } from 'playwright-core'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { freePort } from '../support/free_port.ts'
import { bob } from '../support/person.ts'
import { type Second, secondLatchkey, type Server, server, signer, upstreamEnv } from '../support/upstream.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(60_000)

let browser: Browser
let corp: Second
let apple: Server
let op: ServedProvider

/** On another site than ours, so that its POST has none of our cookies. */
async function orchard(): Promise<{ origin: string; hostPort: string }> {
  const keys = await signer('RS256')
  apple = server()
  const hostPort = apple.hostPort.replace('localhost', '127.0.0.1')
  const origin = `http://${hostPort}`
  let nonce = ''
  apple.routes['/.well-known/openid-configuration'] = () => ({
    issuer: origin,
    authorization_endpoint: `${origin}/auth/authorize`,
    token_endpoint: `${origin}/auth/token`,
    jwks_uri: `${origin}/auth/keys`,
  })
  apple.routes['/favicon.ico'] = () => new Response(null, { status: 204 })
  apple.routes['/auth/keys'] = () => ({ keys: [keys.jwk] })
  apple.routes['/auth/authorize'] = ({ query }) => {
    nonce = query.nonce ?? ''
    const page = `<!doctype html><title>Apple</title><form method="post" action="${query.redirect_uri}"><input type="hidden" name="state" value="${query.state}"><input type="hidden" name="code" value="c"><button>Continue</button></form>`
    return new Response(page, { headers: { 'content-type': 'text/html' } })
  }
  apple.routes['/auth/token'] = async () => {
    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: '000792.x', email: 'ada@private.example', email_verified: 'true' }
    const id_token = await keys.sign({
      iss: origin,
      aud: 'our-id',
      iat: now,
      exp: now + 300,
      nonce,
      ...claims,
    })
    return { access_token: 'a', token_type: 'Bearer', id_token }
  }
  return { origin, hostPort }
}

beforeAll(async () => {
  const port = freePort()
  corp = await secondLatchkey(`http://localhost:${port}/upstream/callback/corp`)
  const tree = await orchard()
  const key = await signer('ES256')
  const members = [
    { id: 'corp', provider: 'oidc', label: 'Corp', base_url: corp.issuer, ...corp.client },
    {
      id: 'apple',
      provider: 'apple',
      base_url: tree.origin,
      team_id: 'TEAM123456',
      key_id: 'KEY1234567',
      private_key: await exportPKCS8(key.privateKey),
    },
  ]
  ;[op, browser] = await Promise.all([
    serveProvider(upstreamEnv(members, [corp, tree]), port),
    launchChromium(),
  ])
})
afterAll(async () => {
  await browser.close()
  await op.stop()
  corp.stop()
  apple.stop()
})

test('a button leads to the provider and back, signed in; nothing is refused by a policy', async () => {
  const { page, complaints, close } = await openTab(browser)
  await page.goto(`${op.issuer}/login`)
  await page.getByRole('button', { name: 'Continue with Corp' }).click()
  await page.waitForURL(`${corp.issuer}/**`)
  await fillLogin(page, bob)
  await page.getByRole('button', { name: /allow/i }).click()
  await page.waitForURL(`${op.issuer}/account`)
  expect(await page.textContent('main')).toContain('bob2')
  await page.getByRole('link', { name: 'Connected accounts' }).first().click()
  expect(await page.textContent('main')).toContain('Account: bob@example.com')
  await page.getByRole('button', { name: /^Remove/ }).click()
  expect(await page.textContent('[role=alert]')).toContain('your only way')
  expect(complaints).toEqual([])
  await close()
})

test('a provider that answers by a POST from its own site finds the browser that began', async () => {
  const { page, complaints, close } = await openTab(browser)
  await page.goto(`${op.issuer}/login`)
  await page.getByRole('button', { name: 'Continue with Apple' }).click()
  await page.waitForURL(`${new URL(page.url()).protocol}//127.0.0.1:*/**`)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.waitForURL(`${op.issuer}/account`)
  expect(await page.textContent('main')).toContain('ada')
  expect(complaints).toEqual([])
  await close()
})
