/** https: spoken by the server itself, and by a real nginx before it. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { makeCertificate, type Certificate } from '../support/certificate.ts'
import { codeFor, good, redeem, visitor, type Fetch } from '../support/journey.ts'
import { startNginx, type Nginx } from '../support/nginx.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'

let certificate: Certificate
let trusting: Fetch
let alone: SpawnedProvider
let behind: SpawnedProvider
let nginx: Nginx
/** Where the provider behind nginx listens itself. */
let inner: string

beforeAll(async () => {
  certificate = makeCertificate()
  trusting = (url, init) => fetch(url, { ...init, tls: { ca: certificate.pem } })
  const [port, innerPort, outerPort] = [freePort(), freePort(), freePort()]
  inner = `127.0.0.1:${innerPort}`
  nginx = await startNginx(outerPort, inner, certificate)
  const { certPath, keyPath } = certificate
  ;[alone, behind] = await Promise.all([
    spawnProvider({
      PORT: `${port}`,
      ISSUER_URL: `https://localhost:${port}`,
      TLS_CERT_PATH: certPath,
      TLS_KEY_PATH: keyPath,
    }),
    startBehind(innerPort, `https://localhost:${outerPort}`),
  ])
}, 60_000)

/** spawnProvider asks the issuer's scheme; this one listens in plain HTTP for an https issuer. */
const startBehind = (port: number, issuer: string) =>
  spawnProvider({
    PORT: `${port}`,
    HOST: '127.0.0.1',
    ISSUER_URL: issuer,
    TRUSTED_PROXIES: '127.0.0.1',
    RATE_LIMITING_ENABLED: 'true',
    RATE_LIMIT_PER_MINUTE: '40',
  })

afterAll(async () => {
  await Promise.all([alone?.stop(), behind?.stop(), nginx?.stop()])
  certificate?.remove()
})

const served = [
  ['the server itself', () => alone],
  ['nginx', () => behind],
] as const

for (const [who, provider] of served)
  test(`over TLS of ${who}: the whole path, __Host- cookies and HSTS`, async () => {
    const { issuer } = provider()
    const journey = { issuer, fetch: trusting }
    const alice = visitor(journey)
    const tokens = await good(redeem(journey, await codeFor(journey, alice)))
    expect(tokens.id_token).toBeString()
    expect([...alice.cookies.keys()].filter((name) => !name.startsWith('__Host-latchkey_'))).toEqual([])
    expect(alice.cookies.size).toBeGreaterThan(0)

    const page = await trusting(`${issuer}/authorize`)
    expect(page.headers.get('strict-transport-security')).toMatch(/^max-age=\d{7,}/)
    const discovery = await good(trusting(`${issuer}/.well-known/openid-configuration`))
    expect(discovery.issuer).toBe(issuer)
    expect(String(discovery.token_endpoint)).toStartWith(`${issuer}/`)
  })

test('cookies over TLS are Secure, HttpOnly, and of this host alone', async () => {
  const { issuer } = alone
  const start = await trusting(
    `${issuer}/authorize?response_type=code&client_id=client123&redirect_uri=${encodeURIComponent('http://localhost:8080/callback')}&scope=openid&code_challenge=${'a'.repeat(43)}&code_challenge_method=S256`,
    { redirect: 'manual' },
  )
  const cookies = start.headers.getSetCookie()
  expect(cookies.length).toBeGreaterThan(0)
  for (const cookie of cookies) {
    expect(cookie).toMatch(/^__Host-/)
    for (const attribute of ['; Path=/', '; Secure', '; HttpOnly', '; SameSite=Lax'])
      expect(cookie).toContain(attribute)
    expect(cookie).not.toMatch(/; Domain=/i)
  }
})

test('plain HTTP on the TLS port gets nothing', async () => {
  const answer = await fetch(`${alone.issuer.replace('https:', 'http:')}/health`).catch(() => undefined)
  expect(answer?.status === 200).toBe(false)
})

/** curl can choose the address it comes from; fetch cannot. */
function statusFrom(source: string, url: string, ...headers: string[]): number {
  const asked = Bun.spawnSync([
    ...['curl', '--silent', '--cacert', certificate.certPath, '--interface', source, '--max-time', '5'],
    ...['--output', '/dev/null', '--write-out', '%{http_code}', '-X', 'POST', '-d', 'token=x'],
    ...headers.flatMap((header) => ['-H', header]),
    url,
  ])
  return Number(asked.stdout.toString())
}

test('behind nginx the limit counts the real client, whatever it writes into X-Forwarded-For', async () => {
  const url = `${behind.issuer.replace('localhost', '127.0.0.1')}/introspect`
  const attacker = Array.from({ length: 45 }, (_, i) =>
    statusFrom('127.0.0.2', url, `X-Forwarded-For: 198.51.100.${i}`),
  )
  expect(attacker[0]).toBe(401)
  expect(attacker.at(-1)).toBe(429)
  expect(attacker.indexOf(429)).toBe(40)
  expect(statusFrom('127.0.0.3', url)).toBe(401) // somebody else is served
  // Naming the victim does not spend the victim's share, nor does it buy a fresh one.
  expect(statusFrom('127.0.0.2', url, 'X-Forwarded-For: 127.0.0.3')).toBe(429)

  // Past the proxy, straight to the port: a peer that is no proxy is not believed.
  const direct = Array.from({ length: 45 }, (_, i) =>
    statusFrom('127.0.0.4', `http://${inner}/introspect`, `X-Forwarded-For: 198.51.100.${i}`),
  )
  expect(direct.indexOf(429)).toBe(40)
}, 60_000)
