/** Warnings of `config check`: for each one a configuration that causes it alone. */
import { expect, test } from 'bun:test'
import { warningsAbout } from '../../../src/cli/config_warnings.ts'
import { loadConfig } from '../../../src/config.ts'

const production = {
  NODE_ENV: 'production',
  ISSUER_URL: 'https://id.example.com',
  SECRET_KEY: 'q8vN2kP5xW9zR4tY7uB1mC6dF3gH0jLs',
  TRUSTED_PROXIES: 'private',
}

test('the defaults of development and a correct production cause no warning', () => {
  expect(warningsAbout(loadConfig({}))).toEqual([])
  expect(warningsAbout(loadConfig(production))).toEqual([])
  for (const more of [{ HOST: '127.0.0.1' }, { TRUSTED_PROXIES: 'loopback,10.0.0.2' }])
    expect(warningsAbout(loadConfig({ ...production, TRUSTED_PROXIES: 'loopback', ...more }))).toEqual([])
})

const cases: [warning: RegExp, env: Record<string, string>][] = [
  [/ISSUER_URL is no loopback/, { ISSUER_URL: 'https://id.example.com' }],
  [/HOST lets other machines/, { HOST: '0.0.0.0' }],
  [/no other machine/, { ...production, ISSUER_URL: 'http://localhost:5000' }],
  [/one address/, { ...production, TRUSTED_PROXIES: '' }],
  [/refused/, { ...production, HOST: '0.0.0.0', TRUSTED_PROXIES: 'loopback' }],
  [/refused/, { ...production, HOST: '10.0.0.1', TRUSTED_PROXIES: '127.0.0.1,::1' }],
  [/PLAIN_HTTP_FROM/, { ...production, PLAIN_HTTP_FROM: 'anywhere' }],
  [/TLS_CIPHERS/, { TLS_CERT_PATH: 'c', TLS_KEY_PATH: 'k', TLS_CIPHERS: 'AES128-GCM-SHA256' }],
  [/RATE_LIMITING_ENABLED/, { ...production, RATE_LIMITING_ENABLED: 'false' }],
  [/REGISTRATION is open/, { ...production, REGISTRATION: 'open' }],
  [/not encrypted/, { ...production, REDIS_URL: 'redis://:p%40ss@redis.example:6379' }],
  [/not encrypted/, { ...production, STORE_URL: 'redis+cluster://127.0.0.1:7000,10.0.0.2:7000' }],
  [/KEY_ACTIVATION_DELAY/, { ...production, KEY_ACTIVATION_DELAY: '30', JWKS_MAX_AGE: '25' }],
  [/SECRET_KEY has former values/, { SECRET_KEY: '["one","other"]' }],
  [/KEY_ROTATION_INTERVAL/, { ...production, KEY_ROTATION_INTERVAL: '0' }],
  [/REFRESH_TOKEN_GRACE/, { REFRESH_TOKEN_GRACE: '0' }],
  [/SIGN_IN_ATTEMPTS_PER_ACCOUNT/, { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '1000' }],
  [/AUTHORIZATION_CODE_TTL/, { PROFILE: 'fapi2', AUTHORIZATION_CODE_TTL: '61' }],
  [/LAB is on/, { ...production, LAB: 'true' }],
  [/LOG_LEVEL/, { ...production, LOG_LEVEL: 'debug' }],
]
test.each(cases)('%p', (warning, env) => {
  const warnings = warningsAbout(loadConfig(env))
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(warning)
})

test('a Redis on this machine, or one over TLS, causes no warning', () => {
  for (const url of [
    'redis://localhost:6379',
    'redis://:x@127.0.0.1',
    'redis://[::1]:6379',
    'rediss://redis.example',
  ])
    expect(warningsAbout(loadConfig({ REDIS_URL: url }))).toEqual([])
})
