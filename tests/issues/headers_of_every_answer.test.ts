/** JSON, redirects, style sheets, scripts and SVG had no content security policy; SVG had no charset. Issue 8, 70; ASVS 3.4.3 */
import { expect, test } from 'bun:test'
import { logoPath, stylePath, formPostPath } from '../../src/html/assets.ts'
import { authorizationUrl, demo, formPost } from '../support/client.ts'
import { browser } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const op = await provider()
const page = (await browser(op).open(authorizationUrl(op.issuer, demo).url)).page!
const redirect = `/authorize?response_type=code&client_id=${demo.client_id}&redirect_uri=${encodeURIComponent(demo.redirect_uri)}&prompt=none`

for (const [what, path, init, status, type] of [
  ['JSON', '/.well-known/openid-configuration', {}, 200, 'application/json'],
  ['the JWKS', '/jwks.json', {}, 200, 'application/jwk-set+json'],
  ['an error in JSON', '/token', formPost(demo, {}), 400, 'application/json'],
  ['an unknown path', '/nothing', {}, 404, 'application/json'],
  ['a token', '/token', formPost(demo, { grant_type: 'client_credentials' }), 200, 'application/json'],
  ['a redirect to a client', redirect, {}, 303, null],
  ['a redirect here', '/logout', { method: 'POST', body: new URLSearchParams({ state: 's' }) }, 303, null],
  ['the answer to OPTIONS', '/token', { method: 'OPTIONS' }, 204, null],
  ['a style sheet', stylePath, {}, 200, 'text/css; charset=utf-8'],
  ['a script', formPostPath, {}, 200, 'text/javascript; charset=utf-8'],
  ['an SVG image', logoPath, {}, 200, 'image/svg+xml; charset=utf-8'],
  ['metrics', '/metrics', {}, 200, 'text/plain; version=0.0.4; charset=utf-8'],
  ['HEAD', '/jwks.json', { method: 'HEAD' }, 200, 'application/jwk-set+json'],
] as [string, string, RequestInit, number, string | null][])
  test(`${what} has the strict policy`, async () => {
    const answer = await op.fetch(path, init)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, type])
    const policy = answer.headers.get('content-security-policy')!
    for (const directive of [
      "default-src 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ])
      expect(policy.split('; ')).toContain(directive)
    expect(policy).not.toContain('script-src')
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
  })

test('a page keeps its own policy, which allows its forms', () => {
  expect(page.headers.get('content-security-policy')).toContain("form-action 'self'")
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
})
