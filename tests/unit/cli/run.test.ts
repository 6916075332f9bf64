/** An unknown command is refused with those that it may stand for, and not with all. */
import { expect, test } from 'bun:test'
import { commands } from '../../../src/cli/commands.ts'
import { UsageError } from '../../../src/cli/failure.ts'
import { run } from '../../../src/cli/run.ts'

const listed = async (typed: string): Promise<string[]> => {
  const failure = await run(typed.split(' ')).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(UsageError)
  return commands
    .map(({ name }) => name)
    .filter((name) => (failure as Error).message.includes(`\n  ${name} `))
}
const group = (name: string) =>
  commands.map((each) => each.name).filter((each) => each.startsWith(`${name} `))

test.each<[string, string[]]>([
  ['usr add', ['user add']],
  ['users list', ['user list']],
  ['users', group('user')],
  ['adduser', group('user')],
  ['user ad', group('user')],
  ['clients', group('client')],
  ['keys', group('keys')],
  ['frobnicate', commands.map(({ name }) => name)],
])('%s', async (typed, names) => {
  expect(await listed(typed)).toEqual(names)
})
