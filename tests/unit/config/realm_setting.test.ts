/** Which variables a realm may set: none that belongs to the server, none that is a secret, none that names a file. */
import { describe, expect, test } from 'bun:test'
import * as v from 'valibot'
import { defineEntries } from '../../../src/config.ts'
import { configurationMarkdown } from '../../../src/config/describe.ts'
import type { Entry } from '../../../src/config/entry.ts'
import { realmSettingProblem } from '../../../src/config/realm_setting.ts'
import { entries, sections } from '../../../src/config/variables.ts'
import { featureEntries } from '../../../src/table.ts'

const all: readonly Entry[] = [...entries, ...Object.values(featureEntries).flat()]
const ofRealms = all.filter(({ realm }) => realm !== undefined)
const problem = (name: string, way: 'command' | 'administration' = 'command') =>
  realmSettingProblem(all, name, way)

test('an entry that says nothing is not for realms', () => {
  const [entry] = defineEntries([{ name: 'WIDGET_MODE', schema: v.string(), help: 'Which.' }])
  expect(realmSettingProblem([entry], 'WIDGET_MODE', 'command')).toContain('which all realms share')
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
  const changed = all.filter(({ profiles, realm }) => profiles && realm === undefined)
  expect(changed.map(({ name }) => name)).toEqual([])
})

test('what needs a variable of the server is not for realms by itself', () => {
  const audit = 'AUDIT_SIGNING_KEY' // alerts of a realm: the trail of the server is on, or there is none
  for (const { name, needs } of ofRealms)
    if (needs !== undefined && needs !== audit) expect(problem(needs), name).toBeUndefined()
})

test('the documentation shows the mark', () => {
  const text = configurationMarkdown(featureEntries)
  for (const { name, realm } of all) {
    const [, mark = ''] = new RegExp(`^\\| \`${name}\` (?:🔒 ?)?([◆◇]?)`, 'm').exec(text) ?? []
    expect(mark, name).toBe(realm === true ? '◆' : realm === 'by_command' ? '◇' : '')
  }
})

test('an unknown name is told', () => {
  expect(problem('ACCESS_TOKEN_TLT')).toContain('unknown variable')
})
