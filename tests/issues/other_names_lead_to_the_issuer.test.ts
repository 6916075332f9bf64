/** A page that is opened at another name of the host leads to the issuer, and nowhere else. Issue 9, 50 */
import { describe, expect, test } from 'bun:test'
import { pageOf } from '../support/authenticator.ts'
import { browser } from '../support/flow.ts'
import { provider, type Provider } from '../support/provider.ts'

const local = await provider({ env: { ISSUER_URL: 'http://localhost:9400/op' } })
const real = await provider({ env: { ISSUER_URL: 'https://id.example' } })

const at = (op: Provider, url: string, headers: Record<string, string> = {}) => op.fetch(url, { headers })

describe('two names of this machine', () => {
  test('a page goes to the issuer, with its path and query', async () => {
    for (const host of ['127.0.0.1', '[::1]', '127.0.0.2', 'op.localhost']) {
      const answer = await at(local, `http://${host}:9400/op/account?a=1&b=%2F`)
      expect([answer.status, answer.headers.get('location')]).toEqual([
        303,
        'http://localhost:9400/op/account?a=1&b=%2F',
      ])
      expect(answer.headers.getSetCookie()).toEqual([])
    }
    const page = pageOf(await browser(local).open('http://127.0.0.1:9400/op/login'))
    expect(page.url).toStartWith('http://localhost:9400/op/login?interaction=')
  })

  test('not an API, a frame, or another port, behind which a proxy may be', async () => {
    const urls = ['http://127.0.0.1:9400/op/jwks.json', 'http://127.0.0.1:9401/op/account']
    for (const url of urls) {
      const location = (await at(local, url)).headers.get('location')
      expect(location ?? '').not.toStartWith('http')
    }
    const framed = await at(local, 'http://127.0.0.1:9400/op/login', { 'sec-fetch-dest': 'iframe' })
    expect(framed.headers.get('location')).not.toStartWith('http')
  })
})

test('no Host leads away, and no page repeats it', async () => {
  for (const [op, base] of [
    [local, '/op'],
    [real, ''],
  ] as const)
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'inner-7:9400'])
      for (const path of ['/account', '/login?interaction=x', '//evil.example', '/authorize?client_id=x']) {
        const answer = await at(op, `http://${host}${base}${path}`, { 'x-forwarded-host': 'evil.example' })
        expect(answer.headers.get('location') ?? '/').toMatch(/^\/(?!\/)/)
        const text = await answer.text()
        if (!path.includes('evil')) expect(text).not.toContain('evil.example')
        expect(text).not.toContain('inner-7')
      }
})

describe('a form of a page at another name', () => {
  const sent = (op: Provider, host: string, headers: Record<string, string>) =>
    op.fetch(`https://${host}/forgot_password`, {
      method: 'POST',
      body: 'username=a',
      headers: { 'content-type': 'application/x-www-form-urlencoded', host, ...headers },
    })

  test('leads to the page at the issuer', async () => {
    for (const headers of [
      { origin: 'https://10.0.0.7', 'sec-fetch-site': 'same-origin' },
      { origin: 'https://10.0.0.7' }, // a browser that knows no Sec-Fetch-Site
    ]) {
      const answer = await sent(real, '10.0.0.7', headers)
      expect(answer.status).toBe(403)
      const html = await answer.text()
      expect(html).toContain('where signing in doesn’t work')
      expect(html).toContain('href="https://id.example/forgot_password"')
      expect(html).not.toContain('10.0.0.7')
    }
  })

  test('a form of another site is refused as before', async () => {
    for (const headers of [
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
      { origin: 'https://other.id.example', 'sec-fetch-site': 'same-site' },
    ]) {
      const answer = await sent(real, 'id.example', headers)
      expect(answer.status).toBe(403)
      expect(await answer.text()).not.toContain('where signing in doesn’t work')
    }
  })
})
