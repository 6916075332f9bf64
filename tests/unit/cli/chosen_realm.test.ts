/** `--realm NAME`: where it may stand, what is a name, and which commands take it. */
import { expect, test } from 'bun:test'
import { requireInRealm, takeRealm } from '../../../src/cli/chosen_realm.ts'
import { inChosenRealm, withRealm, worksInRealm } from '../../../src/cli/in_realm.ts'
import { commands } from '../../../src/cli/commands.ts'
import { UsageError } from '../../../src/cli/failure.ts'
import { run } from '../../../src/cli/run.ts'

test('it stands before the command, in it, or after it', () => {
  const expected = { name: 'demo', args: ['user', 'list', '--json'] }
  for (const args of [
    ['--realm', 'demo', 'user', 'list', '--json'],
    ['user', '--realm=demo', 'list', '--json'],
    ['user', 'list', '--json', '--realm', 'demo'],
  ])
    expect(takeRealm(args)).toEqual(expected)
})

test('what follows -- is no option', () => {
  const args = ['user', 'show', '--', '--realm', 'demo']
  expect(takeRealm(args)).toEqual({ name: undefined, args })
  expect(takeRealm(['user', 'show', '--realm', 'demo', '--', '--realm=other'])).toEqual({
    name: 'demo',
    args: ['user', 'show', '--', '--realm=other'],
  })
})

test.each([
  [['--realm', 'one', '--realm', 'two'], '--realm came twice'],
  [['user', 'list', '--realm'], '--realm needs a value'],
  [['--realm=', 'user', 'list'], '--realm needs a value'],
  [['--realm', '--json', 'user', 'list'], '--realm needs a value'],
  [['user', 'show', '--realm', '--', 'x'], '--realm needs a value'],
  [['--realm', 'Demo', 'user', 'list'], 'lower-case letters'],
  [['--realm', 'a/../b', 'user', 'list'], 'lower-case letters'],
  [['--realm', 'a:b', 'user', 'list'], 'lower-case letters'],
  [['--realm', 'demo-', 'user', 'list'], 'lower-case letters'],
])('%p is refused', (args, words) => {
  expect(() => takeRealm(args)).toThrow(UsageError)
  expect(() => takeRealm(args)).toThrow(words)
})

test('each command either works in a realm or says why not', () => {
  for (const { name } of commands) {
    if (worksInRealm(name)) continue
    expect(() => requireInRealm(name), name).toThrow(/takes no --realm: (?!it does not know realms)/)
  }
  expect(() => requireInRealm('a new command')).toThrow('it does not know realms')
})

test('a command that has nothing to do in a realm does nothing', async () => {
  const failure = await run(['--realm', 'demo', 'backup', '--to', '/nowhere']).catch(
    (error: unknown) => error,
  )
  expect(failure).toBeInstanceOf(UsageError)
  expect((failure as Error).message).toContain('the whole store, with all realms')
})

test('a hint of a command in a realm names that realm', () => {
  const text = 'latchkey user list shows all accounts; latchkey serve; a latchkey user lists'
  expect(inChosenRealm(text)).toBe(text)
  expect(withRealm('team', () => inChosenRealm(text))).toBe(
    'latchkey --realm team user list shows all accounts; latchkey serve; a latchkey user lists',
  )
  const already = 'latchkey --realm team user list'
  expect(withRealm('team', () => inChosenRealm(already))).toBe(already)
})
