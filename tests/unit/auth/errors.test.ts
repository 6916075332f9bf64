/** Refusals: status, rule, and a description that always fits on the wire. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
import { expect, test } from 'bun:test'
import { Glob } from 'bun'
import { HttpError, httpRefusals, OAuthError, statusOf } from '../../../src/auth/errors.ts'
import { describe, type Grounds, secret, shown } from '../../../src/auth/refusal.ts'
import { readRule, type Rule } from '../../../src/auth/rule.ts'

const grounds = (expected: string, more: Partial<Grounds> = {}): Grounds => ({
  rule: 'RFC 6749 §5.2',
  expected,
  ...more,
})
const oauth = (code: string, more?: Partial<Grounds>) => new OAuthError(code, grounds('', more))

test('each code has the status its specification gives it', () => {
  expect(oauth('invalid_client').status).toBe(401)
  expect(oauth('invalid_token').status).toBe(401)
  expect(oauth('insufficient_scope').status).toBe(403)
  expect(oauth('invalid_grant').status).toBe(400)
  expect(new HttpError('temporarily_unavailable', { expected: '' }).status).toBe(503)
  expect(new HttpError('too_many_requests', { expected: '' }).status).toBe(429)
  for (const status of Object.values(statusOf)) expect(status).toBeWithin(400, 600)
})

test('a code that a feature brings is 400 unless it says otherwise', () => {
  expect(oauth('authorization_pending').status).toBe(400)
  expect(oauth('use_dpop_nonce', { status: 401 }).status).toBe(401)
})

test('a refusal of HTTP has the rule of its status', () => {
  const error = new HttpError('method_not_allowed', { expected: '/token accepts POST', came: 'GET' })
  expect(error.refusal).toEqual({
    code: 'method_not_allowed',
    rule: 'RFC 9110 §15.5.6',
    expected: '/token accepts POST',
    came: 'GET',
  })
  expect(error.publicDescription).toBe("/token accepts POST, got 'GET'")
})

test('a refusal without a rule, or with one that is no citation, does not compile', () => {
  // @ts-expect-error the rule is missing
  void (() => new OAuthError('invalid_request', { expected: 'code is required' }))
  // @ts-expect-error no such specification
  const unknown: Rule = 'RFC 1 §2'
  // @ts-expect-error no section
  const bare: Rule = 'RFC 6749'
  expect([unknown, bare]).toHaveLength(2)
})

test('a description is what was expected, what came and what to do, or the problem in its own words', () => {
  expect(describe(grounds('a is b'))).toBe('a is b')
  expect(describe(grounds('a is b', { came: 'c' }))).toBe("a is b, got 'c'")
  expect(describe(grounds('a is b', { came: 'c', next: 'send b' }))).toBe("a is b, got 'c': send b")
  expect(describe(grounds('a is b', { came: 'c', problem: 'no b' }))).toBe('no b')
})

test('a description holds only the characters RFC 6749 allows, whatever came', () => {
  const hostile = `"quoted" back\\slash \r\nSet-Cookie: a=b \u0000 ä 😀 </script>`
  for (const each of [grounds(hostile), grounds('x', { came: hostile }), grounds('x', { problem: hostile })])
    expect(describe(each)).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
  expect(describe(grounds(hostile))).toStartWith("'quoted' back'slash ??Set-Cookie")
})

test('a description ends somewhere', () => {
  expect(describe(grounds('x'.repeat(10_000)))).toHaveLength(400)
  expect(shown('x'.repeat(10_000)).length).toBeLessThan(100)
})

test('what came is shown whatever it is', () => {
  expect(shown('a')).toBe("'a'")
  expect(shown({ a: 1 })).toBe(`'{"a":1}'`)
  expect(shown(undefined)).toBe("'nothing'")
})

test('a secret is in no view: not in the description, the message, the stack, JSON or an inspection', () => {
  const error = oauth('invalid_grant', { expected: 'a code', came: secret('hunter2') })
  const views = [
    error.publicDescription,
    error.message,
    error.stack,
    JSON.stringify(error.refusal),
    Bun.inspect(error),
    Bun.inspect(error.refusal, { depth: 9 }),
    shown(secret('hunter2')),
  ]
  for (const view of views) expect(view).not.toContain('hunter2')
})

test('a detail is for the log and not in the description', () => {
  const error = oauth('access_denied', { detail: 'the detail' })
  expect(error.refusal.detail).toBe('the detail')
  expect(error.publicDescription).not.toContain('detail')
})

test('each rule that is cited leads to the section of its specification', async () => {
  expect(readRule('RFC 7636 §4.6')).toEqual({
    title: 'Proof Key for Code Exchange',
    url: 'https://www.rfc-editor.org/rfc/rfc7636#section-4.6',
  })
  const cited = new Set<string>(Object.values(httpRefusals).map(([, rule]) => rule))
  for await (const path of new Glob('src/**/*.ts').scan())
    for (const [, rule] of (await Bun.file(path).text()).matchAll(/'([A-Z][\w. -]+ §[\d.]+)'/g))
      cited.add(rule!)
  expect(cited.size).toBeGreaterThan(50)
  for (const rule of cited) {
    expect(rule).toMatch(/ §\d+(\.\d+)*$/)
    const { url } = readRule(rule as Rule)
    expect(url).toMatch(/^https:\/\/[^ ]+#(section-|rfc\.section\.)[\d.]+$/)
  }
})

test.each([
  [{ expected: 'a code', next: 'send one' }, 'a code: send one'],
  [
    { expected: 'scope is among: openid', came: 'read', next: 'add it' },
    "scope is among: openid, got 'read'; add it",
  ],
  [
    { expected: 'x', problem: 'scope is not among: openid', next: 'add it' },
    'scope is not among: openid; add it',
  ],
])('a sentence has one colon: %j', (grounds, words) => {
  expect(describe({ rule: 'RFC 6749 §3.3', ...grounds })).toBe(words)
})
