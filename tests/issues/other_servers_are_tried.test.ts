/** `config check --deep` connects to each other server that a setting names, asks what may be asked, and sends nothing. Issue 9, 45. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificate, makeCertificate } from '../support/certificate.ts'
import { commandLine, type Ran } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { type Relay, smtpRelay } from '../support/smtp_relay.ts'
import { type Server, server } from '../support/upstream.ts'

// Each test runs the command.
setDefaultTimeout(240_000)

const folder = mkdtempSync(join(tmpdir(), 'latchkey-others-'))
let relay: Relay
let other: Server
let certificate: Certificate
let encrypted: ReturnType<typeof Bun.serve>
const dead = freePort()

beforeAll(async () => {
  relay = await smtpRelay({ plain: true, login: { user: 'latchkey', pass: 'right' } })
  certificate = makeCertificate()
  encrypted = Bun.serve({
    port: 0,
    tls: { cert: Bun.file(certificate.certPath), key: Bun.file(certificate.keyPath) },
    fetch: () => new Response('nothing here', { status: 404 }),
  })
  other = server({
    '/jwks': () => ({ keys: [] }),
    '/none': () => ({ hello: 'world' }),
    '/right/.well-known/openid-configuration': () => ({
      issuer: `${other.origin}/right`,
      authorization_endpoint: `${other.origin}/authorize`,
      token_endpoint: `${other.origin}/token`,
      jwks_uri: `${other.origin}/jwks`,
    }),
    '/wrong/.well-known/openid-configuration': () => ({
      issuer: 'https://another.example',
      authorization_endpoint: `${other.origin}/authorize`,
      token_endpoint: `${other.origin}/token`,
      jwks_uri: `${other.origin}/jwks`,
    }),
    '/elsewhere/.well-known/openid-configuration': () => ({
      issuer: `${other.origin}/elsewhere`,
      authorization_endpoint: `${other.origin}/authorize`,
      token_endpoint: `http://localhost:${dead}/token`,
      jwks_uri: `${other.origin}/jwks`,
    }),
  })
})
afterAll(async () => {
  await relay.stop()
  other.stop()
  await encrypted.stop(true)
  certificate.remove()
  rmSync(folder, { recursive: true, force: true })
})

async function check(env: Record<string, string>): Promise<Ran> {
  const line = commandLine({
    NODE_ENV: 'production',
    ISSUER_URL: 'https://localhost',
    PORT: '0', // others check port 5000 at the same time
    SECRET_KEY: 'Zk9vQ2h1bXBTdGF0aWM3NDEyOTgzNkxhdGNoa2V5RGVlcENoZWNr',
    STORE_URL: `sqlite:${join(folder, 'x.db')}`,
    OUTBOUND_ALLOW_HOSTS: `${other.hostPort},localhost:${dead},localhost:${encrypted.port}`,
    ...env,
  })
  const ran = await line.latchkey(['config', 'check', '--deep'])
  line.remove()
  return ran
}

/** The only line with a problem. */
async function problemOf(env: Record<string, string>): Promise<string> {
  const { code, stderr } = await check(env)
  expect(stderr).not.toContain('    at ')
  const lines = stderr.split('\n').filter((each) => /^[A-Z0-9_]+: /.test(each))
  expect([code, lines.length]).toEqual([2, 1])
  return lines[0]!
}

const works = async (env: Record<string, string>): Promise<void> => {
  const { code, stderr } = await check(env)
  expect([code, stderr.includes('latchkey:')]).toEqual([0, false])
}

const mail = (url: string) => ({ SMTP_URL: url, MAIL_FROM: 'accounts@example.com' })

test('the mail relay: the sign-in works, and no mail is sent', async () => {
  await works(mail(`smtp://latchkey:right@127.0.0.1:${relay.port}`))
  expect(relay.taken).toEqual([])
})

test.each<[string, () => Record<string, string>, says: string, and: string]>([
  [
    'a relay that refuses the password',
    () => mail(`smtp://latchkey:secret-wrong@127.0.0.1:${relay.port}`),
    'SMTP_URL: the relay 127.0.0.1 takes no mail: ',
    '535',
  ],
  [
    'a relay that does not listen',
    () => mail(`smtp://127.0.0.1:${dead}`),
    'SMTP_URL: the relay 127.0.0.1 takes no mail: ',
    'ECONNREFUSED',
  ],
  [
    'TLS to a relay without',
    () => mail(`smtps://127.0.0.1:${relay.port}`),
    'SMTP_URL: the relay 127.0.0.1 takes no mail: ',
    '',
  ],
  [
    'a service that does not listen',
    () => ({ CIBA_NOTIFY_URL: `http://localhost:${dead}/notify`, CIBA_NOTIFY_SECRET: 'x'.repeat(32) }),
    `CIBA_NOTIFY_URL: localhost:${dead} could not be reached (ECONNREFUSED)`,
    '',
  ],
  [
    'a gateway without an address',
    () => ({ SMS_GATEWAY_URL: 'https://nosuch.invalid/send' }),
    'SMS_GATEWAY_URL: nosuch.invalid could not be reached',
    '',
  ],
  [
    'a certificate of an unknown authority',
    () => ({ PASSWORD_BREACH_URL: `https://localhost:${encrypted.port}/range/` }),
    'PASSWORD_BREACH_URL: localhost:',
    'could not be reached (DEPTH_ZERO_SELF_SIGNED_CERT)',
  ],
  [
    'an issuer without keys',
    () => ({
      JWT_BEARER_ISSUERS: `https://a.example=https://localhost:${encrypted.port}/jwks`,
      OUTBOUND_CA_PATH: certificate.certPath,
    }),
    'JWT_BEARER_ISSUERS: localhost:',
    'answered with status 404',
  ],
  [
    'an upstream provider of another issuer',
    () => upstream('wrong'),
    'UPSTREAM_OIDC_ISSUER: oidc: its document says issuer https://another.example',
    '',
  ],
  [
    'an upstream provider without metadata',
    () => upstream('nothing'),
    'UPSTREAM_OIDC_ISSUER: oidc: ',
    'status 404',
  ],
  [
    'an upstream provider whose token endpoint does not listen',
    () => upstream('elsewhere'),
    `UPSTREAM_OIDC_ISSUER: oidc: localhost:${dead} could not be reached (ECONNREFUSED)`,
    '',
  ],
  [
    'an upstream provider of the list',
    () => ({
      UPSTREAM_PROVIDERS: JSON.stringify([
        {
          id: 'corp',
          provider: 'oidc',
          client_id: 'c',
          client_secret: 'secret-c',
          base_url: `http://localhost:${dead}`,
        },
      ]),
    }),
    `UPSTREAM_PROVIDERS: corp: localhost:${dead} could not be reached (ECONNREFUSED)`,
    '',
  ],
])('%s', async (_, env, says, and) => {
  const found = await problemOf(env())
  expect(found).toStartWith(says)
  expect(found).toContain(and)
  expect(found).not.toContain('secret-')
})

const upstream = (path: string) => ({
  UPSTREAM_OIDC_CLIENT_ID: 'c',
  UPSTREAM_OIDC_CLIENT_SECRET: 'secret-c',
  UPSTREAM_OIDC_ISSUER: `${other.origin}/${path}`,
})

test('what works is ok; a notification, a message and a password are not sent', async () => {
  await works({
    ...upstream('right'),
    CIBA_NOTIFY_URL: `${other.origin}/notify`,
    CIBA_NOTIFY_SECRET: 'x'.repeat(32),
    SMS_GATEWAY_URL: `${other.origin}/send?to={to}&text={text}`,
    PASSWORD_BREACH_URL: `${other.origin}/range/`,
  })
  expect(other.asked.map(({ path }) => path)).not.toContain('/notify')
  expect(other.asked.map(({ path }) => path)).not.toContain('/send')
  expect(other.asked.every(({ method }) => method === 'GET')).toBe(true)
})

test('the authority of OUTBOUND_CA_PATH vouches for the service', () =>
  works({
    PASSWORD_BREACH_URL: `https://localhost:${encrypted.port}/range/`,
    OUTBOUND_CA_PATH: certificate.certPath,
  }))

test('without --deep no other server is asked', async () => {
  const before = other.asked.length
  const line = commandLine({
    NODE_ENV: 'development',
    ...upstream('wrong'),
    OUTBOUND_ALLOW_HOSTS: other.hostPort,
  })
  expect((await line.latchkey(['config', 'check'])).code).toBe(0)
  line.remove()
  expect(other.asked.length).toBe(before)
})
