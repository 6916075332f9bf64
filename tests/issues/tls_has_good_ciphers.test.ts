/** TLS 1.2 took suites with CBC and with RSA key exchange, in the order of the client. Issue 8, B.25 and 67; RFC 9325 §4.2, FAPI 1.0 Part 2 §8.5 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { notesOn } from '../../src/cli/config_notes.ts'
import { loadConfig } from '../../src/config.ts'
import { goodCiphers, oldCiphers } from '../../src/config/tls_ciphers.ts'
import { type Certificate, makeCertificate } from '../support/certificate.ts'
import { freePort } from '../support/free_port.ts'
import { type Nginx, runNginx } from '../support/nginx.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'

const certificates = { ecdsa: makeCertificate(), rsa: makeCertificate('rsa') }
const running: (SpawnedProvider | Nginx)[] = []
const ports: Record<string, number> = {}

async function ourOwn(name: string, { certPath, keyPath }: Certificate, env: Record<string, string> = {}) {
  const port = (ports[name] = freePort())
  const files = { TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath }
  running.push(
    await spawnProvider({
      PORT: `${port}`,
      HOST: '127.0.0.1',
      SIGNING_ALGS: 'ES256',
      ACCESS_TOKEN_ALG: 'ES256',
      ...files,
      ...env,
    }),
  )
}

/** examples/mutual_tls/nginx.conf, which needs no provider to shake hands. */
async function example(name: string, { certPath, keyPath, pem }: Certificate) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-ciphers-'))
  const [pages, clients] = [freePort(), freePort()]
  const text = readFileSync(join(import.meta.dir, '../../examples/mutual_tls/nginx.conf'), 'utf8')
  writeFileSync(
    join(folder, 'nginx.conf'),
    text
      .replaceAll('127.0.0.1:8443', `127.0.0.1:${pages}`)
      .replaceAll('127.0.0.1:8444', `127.0.0.1:${clients}`),
  )
  copyFileSync(certPath, join(folder, 'server.pem'))
  copyFileSync(keyPath, join(folder, 'server.key'))
  copyFileSync(certPath, join(folder, 'clients.pem'))
  const tls = { ca: pem }
  running.push(
    await runNginx(folder, async () => (await fetch(`https://localhost:${pages}/`, { tls })).status === 502),
  )
  ports[`${name}, pages`] = pages
  ports[`${name}, clients`] = clients
}

beforeAll(async () => {
  for (const [kind, certificate] of Object.entries(certificates)) {
    await ourOwn(`ours, ${kind}`, certificate)
    await example(`nginx, ${kind}`, certificate)
  }
  await ourOwn('fapi2', certificates.rsa, {
    PROFILE: 'fapi2',
    ACCESS_TOKEN_ALG: 'ES256',
    SIGNING_ALGS: 'ES256',
  })
  await ourOwn('old', certificates.rsa, { TLS_CIPHERS: 'AES128-GCM-SHA256' })
}, 60_000)
afterAll(async () => {
  await Promise.all(running.map((each) => each.stop()))
  for (const each of Object.values(certificates)) each.remove()
})

/** The suite that openssl and the server agree on; undefined when they do not. */
async function agreed(name: string, ...args: string[]): Promise<string | undefined> {
  const child = Bun.spawn(['openssl', 's_client', '-connect', `127.0.0.1:${ports[name]}`, ...args], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: 20_000,
  })
  const found = /Cipher is (\S+)/.exec(await new Response(child.stdout).text())?.[1]
  return found === '(NONE)' || found === '0000' ? undefined : found
}
const suite = (name: string, ciphers: string) => agreed(name, '-tls1_2', '-cipher', `${ciphers}@SECLEVEL=0`)

const servers = [
  'ours, ecdsa',
  'ours, rsa',
  'nginx, ecdsa, pages',
  'nginx, ecdsa, clients',
  'nginx, rsa, pages',
  'nginx, rsa, clients',
  'fapi2',
]
describe.each(servers)('%s', (name) => {
  const kind = name.includes('ecdsa') ? '-ECDSA-' : '-RSA-'

  test('each good suite, and the best first whatever the client prefers', async () => {
    const good = goodCiphers.filter((cipher) => cipher.includes(kind))
    for (const cipher of good) expect(await suite(name, cipher)).toBe(cipher)
    expect(await suite(name, good.toReversed().join(':'))).toBe(good[0]!)
  })

  test('no other suite of TLS 1.2, and no older version', async () => {
    expect(await suite(name, ['ALL', ...goodCiphers.map((cipher) => `!${cipher}`)].join(':'))).toBeUndefined()
    for (const cipher of [
      ...oldCiphers,
      'ECDHE-RSA-AES256-SHA384',
      'DHE-RSA-AES128-GCM-SHA256',
      'AES256-SHA',
    ])
      expect(await suite(name, cipher)).toBeUndefined()
    for (const version of ['-tls1', '-tls1_1'])
      expect(await agreed(name, version, '-cipher', 'ALL@SECLEVEL=0')).toBeUndefined()
  })

  test('TLS 1.3', async () => {
    expect(await agreed(name, '-tls1_3')).toStartWith('TLS_')
  })
})

test('TLS_CIPHERS chooses others for old clients; an unknown suite is a problem of the configuration', async () => {
  expect(await suite('old', 'AES128-GCM-SHA256')).toBe('AES128-GCM-SHA256')
  expect(await suite('old', goodCiphers[1])).toBeUndefined()
  for (const TLS_CIPHERS of ['RC4-SHA', 'ALL', `${goodCiphers[0]}:NULL`, ' '])
    expect(() => loadConfig({ TLS_CIPHERS })).toThrow(/^TLS_CIPHERS: /m)
})

test('`config check` says what a proxy must do, and is silent where there is none', () => {
  const said = (env: Record<string, string>) =>
    notesOn(loadConfig({ ACCESS_TOKEN_ALG: 'ES256', ...env })).join('\n')
  for (const PROFILE of ['fapi2', 'oauth21', 'classic']) {
    const text = said({ PROFILE, ISSUER_URL: 'https://id.example.com' })
    for (const part of ['TLS 1.3', 'X-Forwarded-For', ...goodCiphers]) expect(text).toContain(part)
  }
  expect(said({})).toBe('')
  expect(said({ TLS_CERT_PATH: 'c', TLS_KEY_PATH: 'k' })).toBe('')
})
