/** A production server without TLS listened on every address and authenticated clients over plain HTTP. Issue 8, 66 and A.17; ASVS 12.2.1 */
import { describe, expect, test } from 'bun:test'
import { networkInterfaces } from 'node:os'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { freePort } from '../support/free_port.ts'
import { provider, spawnProvider } from '../support/provider.ts'

const production = {
  NODE_ENV: 'production',
  ISSUER_URL: 'https://id.example.com',
  SECRET_KEY: 'q8vN2kP5xW9zR4tY7uB1mC6dF3gH0jLs',
}
const tls = { TLS_CERT_PATH: 'cert.pem', TLS_KEY_PATH: 'key.pem' }

describe('HOST', () => {
  for (const [name, env, host] of [
    ['alone', {}, '127.0.0.1'],
    ['a proxy on this machine', { TRUSTED_PROXIES: 'loopback' }, '127.0.0.1'],
    ['a proxy on another', { TRUSTED_PROXIES: '127.0.0.1,10.0.0.2' }, '0.0.0.0'],
    ['TLS of its own', tls, '0.0.0.0'],
    ['everybody by the switch', { PLAIN_HTTP_FROM: 'anywhere' }, '0.0.0.0'],
    ['named', { HOST: '10.0.0.1', TRUSTED_PROXIES: '10.0.0.2' }, '10.0.0.1'],
    ['named with TLS', { HOST: '::', ...tls }, '::'],
    ['development', { NODE_ENV: 'development' }, 'localhost'],
  ] as [string, Record<string, string>, string][])
    test(`${name}: ${host}`, () => {
      expect(loadConfig({ ...production, ...env }).host).toBe(host)
    })

  for (const HOST of ['0.0.0.0', '::', '10.0.0.1', 'id.example.com'])
    test(`${HOST} without TLS and proxy is refused, with the switch in the words`, () => {
      const load = () => loadConfig({ ...production, HOST })
      expect(load).toThrow(ConfigError)
      for (const way of ['TRUSTED_PROXIES', 'TLS_CERT_PATH', 'PLAIN_HTTP_FROM=anywhere'])
        expect(load).toThrow(new RegExp(`^HOST: .*${way}`, 'm'))
    })
})

describe('a request', () => {
  const ask = async (env: Record<string, string>, peer: string, path = '/token') => {
    const op = await provider({
      env: { ...production, STORE_URL: 'sqlite:./never-opened.db', RATE_LIMITING_ENABLED: 'false', ...env },
    })
    const method = path === '/token' ? 'POST' : 'GET'
    const answer = await op.fetch(path, { method, headers: { 'x-forwarded-for': '127.0.0.1' } }, peer)
    return [answer.status, /invalid_request|plain_http/.exec(await answer.text())?.[0], op] as const
  }
  const proxied = { TRUSTED_PROXIES: '10.0.0.2,fd00::/64' }

  test('of the proxy or of this machine is answered; of others refused, whatever they write into a header', async () => {
    for (const peer of ['10.0.0.2', '::ffff:10.0.0.2', 'fd00::1', '127.0.0.1', '::1'])
      expect((await ask(proxied, peer)).slice(0, 2)).toEqual([400, 'invalid_request'])
    for (const peer of ['10.0.0.3', '192.0.2.1', 'fd01::1', ''])
      for (const path of ['/token', '/metrics', '/.well-known/openid-configuration', '/authorize'])
        expect((await ask(proxied, peer, path))[0]).toBe(403)
    const [, , op] = await ask(proxied, '192.0.2.1')
    expect(op.lines.find((line) => line.includes('"refused"'))).toContain('plain_http')
    const text = await (await op.fetch('/token', { method: 'POST' }, '192.0.2.1')).text()
    expect(text).toContain('plain_http')
    expect(text).toContain('PLAIN_HTTP_FROM=anywhere')
  })

  test('for /health is answered to every probe', async () => {
    expect((await ask(proxied, '192.0.2.1', '/health'))[0]).toBe(200)
  })

  test('is answered with TLS, with the switch, and in development', async () => {
    for (const env of [tls, { PLAIN_HTTP_FROM: 'anywhere' }, { NODE_ENV: 'development' }])
      expect((await ask(env, '192.0.2.1')).slice(0, 2)).toEqual([400, 'invalid_request'])
  })
})

test('a process in production without TLS does not listen on the address of the network', async () => {
  const others = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
  const port = freePort()
  const served = await spawnProvider({
    ...production,
    ISSUER_URL: `http://localhost:${port}`,
    PORT: `${port}`,
    STORE_URL: 'sqlite:./store.db',
  })
  try {
    for (const { address } of others)
      expect(await fetch(`http://${address}:${port}/health`).catch(() => 'refused')).toBe('refused')
  } finally {
    await served.stop()
  }
})

test('compose.yaml trusts one address, the gateway of its own network', () => {
  const text = readFileSync(join(import.meta.dir, '../../compose.yaml'), 'utf8')
  const { services, networks } = Bun.YAML.parse(text) as {
    services: { latchkey: { environment: Record<string, string> } }
    networks: { edge: { ipam: { config: { gateway: string }[] } } }
  }
  const { TRUSTED_PROXIES } = services.latchkey.environment
  expect(TRUSTED_PROXIES).not.toContain('private')
  const address = /:-(.*)\}/
  expect(address.exec(TRUSTED_PROXIES!)![1]).toBe(address.exec(networks.edge.ipam.config[0]!.gateway)![1]!)
})
