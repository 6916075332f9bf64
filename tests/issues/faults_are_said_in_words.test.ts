/** Found by new users: a fault of a setting or an option is named in words of ours, and not accepted in silence. */
import { afterAll, expect, test } from 'bun:test'
import { loadConfig } from '../../src/config.ts'
import { warningsAbout } from '../../src/cli/config_warnings.ts'
import { coreMetadata } from '../../src/auth/registration.ts'
import { admitMetadata, operatorPolicy } from '../../src/endpoints/registration.ts'
import { featureEntries, featuresFor } from '../../src/table.ts'
import { commandLine } from '../support/command.ts'
import { provider } from '../support/provider.ts'

const op = await provider()
const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
afterAll(line.remove)

const refusalOf = (metadata: object): Promise<string> =>
  admitMetadata(
    { redirect_uris: ['https://a.example/cb'], ...metadata },
    operatorPolicy(op.context),
    { by: 'operator' },
    op.context,
  ).then(
    () => 'accepted',
    (error: Error) => error.message,
  )

test.each<[object, string]>([
  [{ id_token_signed_response_alg: 'none' }, 'expected one of RS256, PS256, ES256, EdDSA, got none'],
  [{ application_type: 'desktop' }, 'expected one of web, native, got desktop'],
  [{ access_token_format: 5 }, 'expected one of jwt, opaque, got 5'],
  [{ redirect_uris: 'https://a.example/cb' }, 'expected a list'],
  [{ require_auth_time: 'yes' }, 'expected true or false, got yes'],
  [{ default_max_age: -1 }, 'expected at least 0'],
  [{ client_name: '' }, 'expected a value that is not empty'],
  [{ client_uri: 'foo' }, 'expected a URL'],
])('%j: %s', async (metadata, words) => {
  expect(await refusalOf(metadata)).toContain(words)
})

test('no member is refused in the words of a library', async () => {
  const odd = [5, 'text', true, [], [5], {}, { a: 1 }, '', -1, 'x'.repeat(3000)]
  for (const member of [...Object.keys(coreMetadata), ...Object.keys(op.context.table.clientMetadata)])
    for (const value of odd)
      expect(await refusalOf({ [member]: value })).not.toMatch(/Invalid |Expected |!|[<>]=?\d|" \|/)
})

test.each(['api', 'https://api.example/#part', 'https://api.example/ö'])(
  'RESOURCES=%s: no request could name it',
  (uri) => {
    expect(() => featuresFor(loadConfig({ RESOURCES: uri }, { featureEntries }))).toThrow(/RESOURCES: /)
  },
)

test('RESOURCES may be URIs, and * for any', () => {
  featuresFor(loadConfig({ RESOURCES: 'https://api.example urn:example:api' }, { featureEntries }))
  featuresFor(loadConfig({ RESOURCES: '*' }, { featureEntries }))
})

test('--allow-resource refuses what no request could name', async () => {
  const { code, stderr } = await line.latchkey([
    'client',
    'add',
    'App',
    '--redirect-uri',
    'https://a.example/cb',
    '--allow-resource',
    'api',
  ])
  expect([code, stderr.includes('--allow-resource')]).toEqual([2, true])
})

test('an http ISSUER_URL beside TLS: a warning, in production a problem', () => {
  const env = { ISSUER_URL: 'http://localhost:5000', TLS_CERT_PATH: 'c', TLS_KEY_PATH: 'k' }
  const about = (more: Record<string, string>) =>
    warningsAbout(loadConfig({ ...env, ...more })).filter((text) => text.includes('answers https alone'))
  expect(about({})).toHaveLength(1)
  expect(about({ ISSUER_URL: 'https://localhost:5000' })).toEqual([])
  const production = {
    NODE_ENV: 'production',
    SECRET_KEY: 'q8vN2kP5xW9zR4tY7uB1mC6dF3gH0jLs',
    STORE_URL: 'sqlite:./x.db',
  }
  expect(() => loadConfig({ ...env, ...production })).toThrow(
    /ISSUER_URL: expected https where TLS_CERT_PATH is set/,
  )
})
