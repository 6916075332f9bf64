/** A declared check throws when it does not hold, and tells a listener in both cases. */
import { afterEach, expect, test } from 'bun:test'
import { join } from 'node:path'
import { check, listenToChecks, type MadeCheck } from '../../../src/auth/check.ts'
import { HttpError, OAuthError } from '../../../src/auth/errors.ts'

const stops: (() => void)[] = []
afterEach(() => stops.splice(0).forEach((stop) => stop()))

function heard(): MadeCheck[] {
  const checks: MadeCheck[] = []
  stops.push(listenToChecks((made) => checks.push(made)))
  return checks
}

const grounds = () => ({ rule: 'RFC 7636 §4.6' as const, expected: 'a verifier', came: 'a', wanted: 'b' })

/** In a process of its own: a provider with the lab, which another test has started, listens for good. */
test('a check that holds asks for no grounds without a listener', () => {
  const file = join(import.meta.dir, '../../../src/auth/check.ts')
  const script = `import { check } from ${JSON.stringify(file)}
    let asked = 0
    check(true, 'invalid_grant', () => { asked += 1 })
    check(1, () => { asked += 1 })
    console.log(asked)`
  const { stdout, stderr } = Bun.spawnSync([process.execPath, '-e', script])
  expect([stdout.toString(), stderr.toString()]).toEqual(['0\n', ''])
})

test('a check that does not hold throws the refusal', () => {
  expect(() => check(false, 'invalid_grant', grounds)).toThrow(OAuthError)
  expect(() => check(undefined, () => new HttpError('conflict', { expected: 'one' }))).toThrow(HttpError)
})

test('a listener gets both outcomes with rule and values, the failed one once', () => {
  const checks = heard()
  check(true, 'invalid_grant', grounds)
  expect(() => check('', 'invalid_grant', grounds)).toThrow('invalid_grant')
  expect(checks.map(({ held }) => held)).toEqual([true, false])
  for (const { refusal } of checks)
    expect(refusal).toEqual({
      code: 'invalid_grant',
      rule: 'RFC 7636 §4.6',
      expected: 'a verifier',
      came: 'a',
      wanted: 'b',
    })
})

test('a listener that has stopped gets nothing', () => {
  const checks = heard()
  stops.splice(0).forEach((stop) => stop())
  check(true, 'invalid_grant', grounds)
  expect(checks).toEqual([])
})

test('a check narrows the type of what it asks', () => {
  const code: string | undefined = ['a'].at(0)
  check(code !== undefined, 'invalid_grant', grounds)
  expect(code.length).toBe(1)
})
