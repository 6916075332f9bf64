/** Which variables a realm may set: none that belongs to the server, none that is a secret, none that names a file. */
import { describe, expect, test } from 'bun:test'
import * as v from 'valibot'
import { configurationMarkdown } from '../../../src/config/describe.ts'
import type { Entry } from '../../../src/config/entry.ts'
import { inheritedEnv, maySet, realmMark, realmSettingProblem } from '../../../src/config/realm_setting.ts'
import { entries, sections } from '../../../src/config/variables.ts'
import { featureEntries } from '../../../src/table.ts'

const all: readonly Entry[] = [...entries, ...Object.values(featureEntries).flat()]
const ofRealms = all.filter(maySet)
const problem = (name: string, way: 'command' | 'administration' = 'command') =>
  realmSettingProblem(all, name, way)

test('an entry that does not say what realms have of it does not compile', () => {
  // @ts-expect-error: a variable that is forgotten would be inherited, whatever it opens
  const forgotten: Entry = { name: 'WIDGET_TOKEN', schema: v.string(), help: 'What opens it.' }
  expect(forgotten.name).toBe('WIDGET_TOKEN')
})

test.each([
  ['own_or_server', undefined, true],
  ['own_or_default', undefined, false],
  ['own_or_server_by_command', undefined, true],
  ['server', 'which all realms share', true],
  ['default', 'which all realms share', false],
] as const)('%s: whether it is set, and inherited', (realm, refused, isInherited) => {
  const own = [{ name: 'WIDGET_FILE', realm, schema: v.string(), secret: true, help: 'Which.' }] as const
  const { secret: _, ...open } = own[0]
  const said = realmSettingProblem([open], 'WIDGET_FILE', 'command')
  if (refused === undefined) expect(said).toBeUndefined()
  else expect(said).toContain(refused)
  const env = { WIDGET_FILE: '1', WIDGET_FILE_FILE: '2', OTHER: '3' }
  expect(inheritedEnv(own, env)).toEqual(isInherited ? env : { OTHER: '3' })
})

describe('never a variable of the server and its process', () => {
  const { Store, Traces, 'Outbound requests': outbound, 'Error reports': reports } = sections
  const places = sections['Where secrets are']
  const process =
    `NODE_ENV PORT HOST ISSUER_URL SECRET_KEY TLS_CERT_PATH TLS_KEY_PATH TLS_CIPHERS HSTS PLAIN_HTTP_FROM
    TRUSTED_PROXIES MAX_BODY_BYTES SHUTDOWN_TIMEOUT SHUTDOWN_DELAY LOG_LEVEL LOG_LEVELS LOG_FORMAT LOG_FILE METRICS_TOKEN
    KEYS_PATH PRIVATE_KEY_PATH PUBLIC_KEY_PATH SIGNING_KEY_SOURCES PKCS11_PIN SIGN_IN_CONCURRENCY SIGN_IN_QUEUE SMTP_URL
    AUDIT_SIGNING_KEY AUDIT_CHAIN AUDIT_FILE AUDIT_SYSLOG_URL LAB_SEED ADMIN_HOST MUTUAL_TLS`.split(/\s+/)
  const whole = [Store, Traces, outbound, reports, places].flatMap((list: readonly Entry[]) => list)
  test.each([...process, ...whole.map(({ name }) => name)])('%s', (name) => {
    expect(problem(name)).toMatch(/got (one of the server|a secret)/)
  })
})

test('never a secret: the record of a realm would have it', () => {
  expect(ofRealms.filter(({ secret }) => secret).map(({ name }) => name)).toEqual([])
})

test('a variable that names a file is set at the command line alone', () => {
  const named = ofRealms.filter(({ schema }) => /\bpath\b/.test(v.getDescription(schema) ?? ''))
  expect(named.map(({ name }) => name).toSorted()).toEqual(
    ['AUDIT_ALERTS', 'AUTHORIZATION_DETAILS_TYPES', 'CUSTOM_SCOPES', 'THEME_PATH'].toSorted(),
  )
  for (const { name } of named) {
    expect(problem(name, 'command')).toBeUndefined()
    expect(problem(name, 'administration')).toContain('latchkey realm set')
  }
})

test('a default that PROFILE changes belongs to the realm, as PROFILE does', () => {
  const changed = all.filter((entry) => entry.profiles && !maySet(entry))
  expect(changed.map(({ name }) => name)).toEqual([])
})

test('what needs a variable of the server is not for realms by itself', () => {
  const audit = 'AUDIT_SIGNING_KEY' // alerts of a realm: the trail of the server is on, or there is none
  for (const { name, needs } of ofRealms)
    if (needs !== undefined && needs !== audit) expect(problem(needs), name).toBeUndefined()
})

test('the documentation shows the mark', () => {
  const text = configurationMarkdown(featureEntries)
  for (const entry of all) {
    const { name } = entry
    const [, mark = ''] = new RegExp(`^\\| \`${name}\` (?:🔒 ?)?([◆◇]?)`, 'm').exec(text) ?? []
    expect(mark, name).toBe(realmMark(entry) ?? '')
  }
})

test('an unknown name is told', () => {
  expect(problem('ACCESS_TOKEN_TLT')).toContain('unknown variable')
})
