/** What a request for a public document costs, and when the address of any other request is read. */
import { expect, test } from 'bun:test'
import { createApp } from '../../src/app.ts'
import { provider } from '../support/provider.ts'

const { context } = await provider()
const { handle } = createApp(context)
const asked: string[] = []
const ask = (path: string, init?: RequestInit) => {
  asked.length = 0
  return handle(new Request(new URL(path, context.config.issuer), init), () => {
    asked.push(path)
    return '127.0.0.1'
  })
}

test.each(['/.well-known/openid-configuration', '/jwks.json'])(
  '%s is answered without a promise, and the address is not read',
  async (path) => {
    const answer = ask(path)
    expect(answer).toBeInstanceOf(Response)
    expect(asked).toEqual([])
    expect((await answer).headers.get('access-control-allow-origin')).toBe('*')
  },
)

test.each([
  ['/userinfo', {}],
  ['/login', {}],
  ['/token', { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials' }) }],
  ['/nowhere', {}],
])('the address of a request for %s is read once, and before anything is awaited', async (path, init) => {
  const answer = ask(path, init)
  expect(asked).toEqual([path])
  await answer
  expect(asked).toEqual([path])
})

test('answers share prepared headers, and nothing that is added to one of them is in the next', async () => {
  const first = await ask('/jwks.json')
  first.headers.set('x-added', 'once')
  first.headers.append('set-cookie', 'a=b')
  const second = await ask('/jwks.json')
  const headersOf = ({ headers }: Response) =>
    Object.fromEntries([...headers].filter(([n]) => n !== 'x-request-id'))
  expect(headersOf(second)).toEqual({
    'access-control-allow-origin': '*',
    'cache-control': `public, max-age=${context.config.jwksMaxAge}`,
    'content-security-policy':
      "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    'content-type': 'application/jwk-set+json',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  })
  expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
})
