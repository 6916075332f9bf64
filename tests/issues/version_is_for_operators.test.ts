/** /health and /openapi.json told every caller the version. Issue 8, 70; ASVS 13.4.6 */
import { expect, test } from 'bun:test'
import manifest from '../../package.json'
import { provider, type Provider } from '../support/provider.ts'

const paths = ['/health', '/', '/openapi.json', '/.well-known/openid-configuration', '/nothing', '/account']

async function told(
  op: Provider,
  headers: Record<string, string> = {},
  peer = '192.0.2.1',
): Promise<string[]> {
  const answers = await Promise.all(
    paths.map(async (path) => {
      const answer = await op.fetch(path, { headers }, peer)
      return [path, JSON.stringify([...answer.headers]) + (await answer.text())] as const
    }),
  )
  return answers
    .filter(
      ([, text]) => text.includes(`"${manifest.version}"`) || text.includes(`latchkey ${manifest.version}`),
    )
    .map(([path]) => path)
}

test('other machines, and callers behind a proxy of this machine, learn no version', async () => {
  const op = await provider()
  expect(await told(op)).toEqual([])
  expect(await told(op, { 'x-forwarded-for': '127.0.0.1' }, '127.0.0.1')).toEqual([])
  expect(await told(op, { forwarded: 'for=127.0.0.1' }, '127.0.0.1')).toEqual([])
  // Proxies that name the caller in another header, or only that they forward.
  for (const name of ['x-real-ip', 'via', 'x-forwarded-host', 'x-forwarded-proto', 'cf-connecting-ip'])
    expect([name, await told(op, { [name]: '127.0.0.1' }, '127.0.0.1')]).toEqual([name, []])
})

test('a page of another site, whose name was pointed to this machine, learns nothing (DNS rebinding)', async () => {
  const op = await provider()
  const statusAt = async (host: string) => {
    const call = (path: string) => op.fetch(`http://${host}${path}`, {}, '127.0.0.1')
    const health = (await (await call('/health')).json()) as object
    return [(await call('/metrics')).status, 'details' in health]
  }
  for (const host of ['evil.example:3000', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil'])
    expect([host, await statusAt(host)]).toEqual([host, [404, false]])
  for (const host of ['localhost:3000', '127.0.0.1:3000', '[::1]:3000', '10.0.0.5', 'op.localhost'])
    expect([host, await statusAt(host)]).toEqual([host, [200, true]])
})

test('the name of the issuer is that of a proxy where the proxy has the certificate', async () => {
  const statusAt = async (issuer: string) => {
    const op = await provider({ env: { ISSUER_URL: issuer } })
    return (await op.fetch(`http://login.example.com/metrics`, {}, '127.0.0.1')).status
  }
  expect(await statusAt('https://login.example.com')).toBe(404)
  expect(await statusAt('http://login.example.com')).toBe(200)
})

test('this machine reads it at /health, and with METRICS_TOKEN the holder of the token alone', async () => {
  expect(await told(await provider(), {}, '127.0.0.1')).toEqual(['/health'])
  const token = 'a-token-of-at-least-sixteen'
  const op = await provider({ env: { METRICS_TOKEN: token } })
  expect(await told(op, {}, '127.0.0.1')).toEqual([])
  expect(await told(op, { authorization: 'Bearer another-token-of-length' })).toEqual([])
  expect(await told(op, { authorization: `Bearer ${token}` })).toEqual(['/health'])
})
