/** The configuration of a realm: what it has from the server, what it may set, and secrets that no other has. */
import { describe, expect, test } from 'bun:test'
import { everyEntry, realmConfig } from '../../../src/cli/realms/realm_config.ts'
import { ConfigError, loadConfig } from '../../../src/config.ts'
import type { Entry } from '../../../src/config/entry.ts'
import { inheritedEnv } from '../../../src/config/realm_setting.ts'
import { featureEntries } from '../../../src/table.ts'

function root(env: Record<string, string> = {}) {
  return { env, config: loadConfig(env, { featureEntries }) }
}
/** The same reason for each of these variables. */
const of = (reason: string, names: string) =>
  Object.fromEntries(names.split(' ').map((name) => [name, reason]))
const record = (settings: Record<string, string> = {}, id = 'id-of-a') => ({ id, name: 'a', settings })

test('it is that of the server under the settings of the record, at an issuer of its own', () => {
  const server = root({
    ISSUER_URL: 'https://op.example/base/',
    ACCESS_TOKEN_TTL: '60',
    SESSION_TTL: '90000',
  })
  const config = realmConfig(server, record({ ACCESS_TOKEN_TTL: '120' }))
  expect(config.issuer).toBe('https://op.example/base/realms/a')
  expect(config.accessTokenAudience).toBe(config.issuer)
  expect([config.accessTokenTtl, config.sessionTtl]).toEqual([120, 90_000])
  expect(Object.isFrozen(config) && Object.isFrozen(config.secretKey)).toBe(true)
})

test('without a setting it differs from that of the server in what names it alone', () => {
  const server = root({ AUDIT_SIGNING_KEY: 'k'.repeat(40), SIGNING_ALGS: 'ES256 RS256' })
  const config = realmConfig(server, record())
  const differing = Object.keys(server.config).filter(
    (name) => !Bun.deepEquals(Reflect.get(config, name), Reflect.get(server.config, name)),
  )
  expect(differing.toSorted()).toEqual(
    [
      'accessTokenAudience',
      'auditSigningKey',
      'issuer',
      'privateKeyPath',
      'publicKeyPath',
      'secretKey',
    ].toSorted(),
  )
})

test('each value of SECRET_KEY gives another secret to each realm, in the order of the values', () => {
  const [one, two] = ['1'.repeat(40), '2'.repeat(40)] as const
  const both = root({ SECRET_KEY: JSON.stringify([two, one]), AUDIT_SIGNING_KEY: one })
  const before = root({ SECRET_KEY: one, AUDIT_SIGNING_KEY: one })
  const a = realmConfig(both, record())
  const b = realmConfig(both, record({}, 'id-of-b'))
  expect(a.secretKey[1]).toBe(realmConfig(before, record()).secretKey[0])
  const all = [...a.secretKey, ...b.secretKey, ...a.auditSigningKey!, ...b.auditSigningKey!, one, two]
  expect(new Set(all).size).toBe(8)
  for (const each of [...a.secretKey, ...a.auditSigningKey!]) expect(each).toMatch(/^[\w-]{43}$/)
})

describe('what is of the server alone', () => {
  test('a new secret is inherited when this list says why it leads from no realm to another', () => {
    const reasons: Readonly<Record<string, string>> = {
      SECRET_KEY: 'derived for each realm',
      AUDIT_SIGNING_KEY: 'derived for each realm',
      ...of('the store of all realms', 'STORE_URL REDIS_URL STORE_MOVE_TO BACKUP_KEY'),
      ...of(
        'of the process',
        'OTEL_EXPORTER_OTLP_HEADERS SENTRY_DSN METRICS_TOKEN VAULT_TOKEN VAULT_SECRET_ID',
      ),
      ...of('sends, and reads nothing', 'SMTP_URL SMS_GATEWAY_URL SMS_GATEWAY_BODY SMS_GATEWAY_TOKEN'),
    }
    const all: readonly Entry[] = everyEntry
    const inherited = all.filter(
      ({ name, secret, credentials }) =>
        (secret || credentials) && name in inheritedEnv(all, { [name]: 'x' }),
    )
    expect(inherited.map(({ name }) => name).toSorted()).toEqual(Object.keys(reasons).toSorted())
  })

  test('is not inherited: its credentials, its upstream providers, its collectors', () => {
    const secret = 's'.repeat(40)
    const config = realmConfig(
      root({
        REGISTRATION: 'token',
        REGISTRATION_INITIAL_ACCESS_TOKEN: secret,
        ACCESS_TOKEN_AUDIENCE: 'https://api.example',
        UPSTREAM_GOOGLE_CLIENT_ID: 'x',
        UPSTREAM_GOOGLE_CLIENT_SECRET: secret,
        CIBA_NOTIFY_URL: 'https://notify.example',
        CIBA_NOTIFY_SECRET: secret,
        AUDIT_SIGNING_KEY: 'k'.repeat(40),
        AUDIT_FILE: '/var/log/audit',
        RESOURCES: 'https://api.example',
        OUTBOUND_ALLOW_HOSTS: 'notify.example:443',
      }),
      record(),
    )
    const text = Bun.inspect(config, { depth: 10 })
    expect(text).toContain(config.secretKey[0])
    expect(text).not.toContain(secret)
    expect(text).not.toContain('api.example')
    expect([config.auditFile, config.registration]).toEqual([undefined, 'closed'])
    expect(config.outboundAllowHosts).toEqual(['notify.example:443'])
  })

  test.each([
    'PORT',
    'STORE_URL',
    'SECRET_KEY',
    'ISSUER_URL',
    'TLS_CERT_PATH',
    'LOG_LEVEL',
    'NODE_ENV',
    'METRICS_TOKEN_FILE',
  ])('%s is refused as a setting', (name) => {
    const load = () => realmConfig(root(), record({ [name]: '1' }))
    expect(load).toThrow(ConfigError)
    expect(load).toThrow(`${name}: `)
  })
})

test('a bad value is refused with the words of the server', () => {
  const settings = { ACCESS_TOKEN_TTL: 'soon' }
  const words = (load: () => unknown) => {
    try {
      return String(load())
    } catch (error) {
      return String(error)
    }
  }
  const said = words(() => realmConfig(root(), record(settings)))
  expect(said).toContain('ACCESS_TOKEN_TTL')
  expect(said).toBe(words(() => root(settings)))
})
