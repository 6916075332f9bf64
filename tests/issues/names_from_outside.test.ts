/**
 * Issue 8, A.21: `?done=constructor` was a 500 on two pages, because a plain object was asked for a name from outside; a
 * content type was compared with case; fields of a log line could replace `time`, `level` and `event`.
 */
import { describe, expect, test } from 'bun:test'
import { createLog } from '../../src/lib/log.ts'
import { withFactor } from '../../src/auth/acr.ts'
import { ownMember } from '../../src/lib/own_member.ts'
import { canonicalName } from '../../src/features/mutual_tls/distinguished_name.ts'
import { authorize, browser } from '../support/flow.ts'
import { demo } from '../support/client.ts'
import { provider } from '../support/provider.ts'

/** Names that every object inherits, and one in another case. */
const inherited = [
  'constructor',
  'Constructor',
  '__proto__',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
]

const op = await provider({
  env: {
    ACCOUNT_REGISTRATION: 'open',
    REGISTRATION: 'open',
    MUTUAL_TLS: 'true',
    TRUSTED_PROXIES: 'loopback',
    UPSTREAM_GITHUB_CLIENT_ID: 'id',
    UPSTREAM_GITHUB_CLIENT_SECRET: 'secret',
  },
})
const alice = browser(op)
await authorize(op, alice, demo)

/** Names of parameters that some page or endpoint reads. */
const parameters = [
  'done',
  'problem',
  'id',
  'passkey',
  'token',
  'interaction',
  'user_code',
  'client_id',
  'provider',
  'scope',
  'prompt',
  'response_type',
  'response_mode',
  'grant_type',
  'acr_values',
  'ui_locales',
  'claims',
  'code_challenge_method',
  'token_type_hint',
  'client_assertion_type',
  'subject_token_type',
  'requested_token_type',
  'language',
  'lang',
]

const pages = op.context.table.endpoints.flatMap(({ path, get }) => (get ? [path.replace('*', '')] : []))
const takers = op.context.table.endpoints.flatMap(({ path, post }) => (post ? [path.replace('*', '')] : []))

describe('names that every object inherits', () => {
  for (const word of inherited)
    test(`${word} in a query fails at no page`, async () => {
      const cookie = [...alice.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const failed = []
      for (const path of pages)
        for (const name of parameters) {
          const { status } = await op.fetch(`${path}?${name}=${word}`, { headers: { cookie } })
          if (status === 500) failed.push(`${path}?${name}`)
        }
      for (const path of pages)
        if ((await op.fetch(`${path}?${word}=${word}`, { headers: { cookie } })).status === 500)
          failed.push(path)
      expect(failed).toEqual([])
    }, 60_000)

  for (const word of inherited)
    test(`${word} in a form or JSON fails at no endpoint`, async () => {
      const failed = []
      for (const path of takers) {
        const form = new URLSearchParams(parameters.map((name) => [name, word]))
        if ((await op.fetch(path, { method: 'POST', body: form })).status === 500) failed.push(path)
        const authorization = `Basic ${btoa('client123:secret456')}`
        for (const name of parameters) {
          const one = new URLSearchParams([[name, word]])
          if (
            (await op.fetch(path, { method: 'POST', body: one, headers: { authorization } })).status === 500
          )
            failed.push(`${path} ${name}`)
        }
      }
      for (const member of [
        'token_endpoint_auth_method',
        'scope',
        'application_type',
        'subject_type',
        'id_token_signed_response_alg',
        'tls_client_auth_subject_dn',
        'client_name',
        word,
      ]) {
        const metadata = JSON.stringify({ redirect_uris: ['https://a.example/'], [member]: `${word}` })
        const init = { method: 'POST', body: metadata, headers: { 'content-type': 'application/json' } }
        if ((await op.fetch('/register', init)).status === 500) failed.push(`/register ${member}`)
      }
      expect(failed).toEqual([])
    }, 60_000)

  for (const word of inherited)
    test(`${word} is no type of a name, no factor and no member`, () => {
      expect(canonicalName(`${word.replaceAll('_', '')}=x`)).toBeUndefined()
      expect(withFactor([word], 'unknown')).toEqual([word, 'unknown'])
      expect(ownMember({}, word)).toBeUndefined()
      expect(ownMember(JSON.parse(`{"${word}":1}`) as Record<string, number>, word)).toBe(1)
    })
})

describe('media types are compared without regard to case', () => {
  const written = [
    'application/x-www-form-urlencoded',
    'Application/X-WWW-Form-URLencoded',
    'APPLICATION/X-WWW-FORM-URLENCODED; charset=UTF-8',
    'application/x-www-form-urlencoded\t;charset=utf-8',
  ]
  for (const type of written)
    test(`a form as ${JSON.stringify(type)}`, async () => {
      const issued = await op.fetch('/token', {
        method: 'POST',
        headers: { 'content-type': type, authorization: `Basic ${btoa('client123:secret456')}` },
        body: 'grant_type=client_credentials',
      })
      expect(issued.status).toBe(200)
      const body = `access_token=${((await issued.json()) as { access_token: string }).access_token}`
      const asked = await op.fetch('/userinfo', { method: 'POST', headers: { 'content-type': type }, body })
      // A client's own token has no End-User: it was read, and is refused for that.
      expect(asked.headers.get('www-authenticate')).toContain('error=')
      const wrong = await op.fetch('/userinfo', {
        method: 'POST',
        headers: { 'content-type': `x${type}` },
        body,
      })
      expect(wrong.headers.get('www-authenticate')).not.toContain('error=')
    })

  test('JSON, and a page for a browser', async () => {
    const registered = await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'Application/JSON\t; charset=utf-8' },
      body: JSON.stringify({ redirect_uris: ['https://app.example/cb'] }),
    })
    expect(registered.status).toBe(201)
    const missing = await op.fetch('/nothing-here', { headers: { accept: 'Text/HTML, */*' } })
    expect(missing.headers.get('content-type')).toStartWith('text/html')
  })
})

describe('a field of a log line', () => {
  const fields = { time: 'never', level: 'debug', event: 'all_well', other: 1 }

  test('replaces no name of the line in JSON', () => {
    const lines: string[] = []
    createLog('info', 'json', (line) => lines.push(line)).error('failed', fields)
    const line = JSON.parse(lines[0]!) as Record<string, unknown>
    expect(line).toMatchObject({ level: 'error', event: 'failed', other: 1 })
    expect(line).toMatchObject({ field_time: 'never', field_level: 'debug', field_event: 'all_well' })
    expect(Date.parse(line.time as string)).toBeGreaterThan(0)
  })

  test('is kept under another name in text', () => {
    const lines: string[] = []
    createLog('info', 'text', (line) => lines.push(line)).error('failed', fields)
    expect(lines.map((line) => line.replace(/^\S+Z /, ''))).toEqual([
      'error failed field_time=never field_level=debug field_event=all_well other=1',
    ])
  })
})
