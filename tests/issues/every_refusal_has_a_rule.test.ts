/** The recorder shows each check with its rule. In every test a refusal without one fails (tests/support/every_refusal.ts); here are the rules that the source cites. */
import { expect, test } from 'bun:test'
import { Glob } from 'bun'
import { check } from '../../src/auth/check.ts'
import { readRule, type Rule } from '../../src/auth/rule.ts'
import { requireRule } from '../support/every_refusal.ts'
import { provider } from '../support/provider.ts'

const root = `${import.meta.dir}/../../src`
const cited = /rule: '([^']+ §\d[^']*)'/g

test('each rule that the source cites names a specification and a section', async () => {
  let rules = 0
  for await (const path of new Glob('**/*.ts').scan(root)) {
    const text = await Bun.file(`${root}/${path}`).text()
    for (const [, rule = ''] of text.matchAll(cited)) {
      rules += 1
      expect([path, rule, /^https:\/\/\S+\d/.test(readRule(rule as Rule).url)]).toEqual([path, rule, true])
    }
  }
  expect(rules).toBeGreaterThan(300)
})

test.each([
  ['no rule', { code: 'invalid_grant', expected: 'a code' }],
  ['an unknown specification', { code: 'invalid_grant', rule: 'RFC 1 §1', expected: 'a code' }],
  ['nothing that it expects', { code: 'invalid_grant', rule: 'RFC 6749 §5.2', expected: '' }],
  [
    'an expectation with a hole',
    { code: 'invalid_grant', rule: 'RFC 6749 §5.2', expected: 'a code of undefined' },
  ],
])('a refusal with %s fails the test that makes it', (_, refusal) => {
  expect(() => requireRule(refusal)).toThrow()
})

test('a refusal of a provider is looked at, declared or not', async () => {
  const op = await provider()
  expect((await op.fetch('/token', { method: 'POST', body: 'x' })).status).toBe(400)
  expect(() => check(false, 'invalid_grant', () => ({ rule: 'RFC 6749 §5.2', expected: 'a code' }))).toThrow()
})
