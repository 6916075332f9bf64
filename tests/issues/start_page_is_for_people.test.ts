/** In production the page at `/` spoke to developers: discovery, keys, curl. An End-User who opens it wants the account or an application. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from '../../src/store/memory.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const production = (more: Record<string, string> = {}): Promise<Provider> => {
  const clock = turnableClock()
  return provider({
    clock,
    store: memoryStore(clock),
    env: {
      NODE_ENV: 'production',
      ISSUER_URL: 'https://id.example/tenant',
      SECRET_KEY: 'zKq3V9tYw2mXc7LpR4sHd8BnFj6GuTe1aQoWxEyI',
      STORE_URL: 'sqlite:unused.db',
      TRUSTED_PROXIES: 'loopback',
      ...more,
    },
  })
}

const pageOf = async (op: Provider, language = 'en') => {
  const answer = await op.fetch(op.issuer, { headers: { 'accept-language': language } })
  expect(answer.status).toBe(200)
  const html = await answer.text()
  return { html, main: /<main[^>]*>(.*)<\/main>/s.exec(html)![1]! }
}

test.each(['en', 'de', 'fr', 'es', 'pt', 'it', 'pl', 'tr', 'ja', 'zh', 'ar'])(
  'production, %s: the name of the provider, the account and the applications, and no word for developers',
  async (language) => {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-theme-'))
    writeFileSync(join(folder, 'theme.json'), JSON.stringify({ name: 'Acme & Sons' }))
    const op = await production({ THEME_PATH: folder })
    const { main, html } = await pageOf(op, language)
    expect(html).toContain(`lang="${language}"`)
    expect(main).toContain('<h1>Acme &amp; Sons</h1>')
    expect([...main.matchAll(/href="([^"]+)"/g)].map(([, url]) => url)).toEqual([
      '/tenant/account',
      '/tenant/applications',
    ])
    expect(main).not.toMatch(
      /well-known|jwks|openapi|health|curl|issuer|OpenID|OAuth|discovery|client|<code/i,
    )
    rmSync(folder, { recursive: true })
  },
)

test('development: still for developers', async () => {
  const { main } = await pageOf(await provider())
  for (const word of [
    '/.well-known/openid-configuration',
    '/jwks.json',
    '/openapi.json',
    'curl',
    'client123',
  ])
    expect(main).toContain(word)
})
