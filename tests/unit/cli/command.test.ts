/** Parsing of arguments: valid ones reach the command, others are refused with what was expected and what came. */
import { describe, expect, test } from 'bun:test'
import { defineCommand, defineProcess, optionsHelp, usage } from '../../../src/cli/command.ts'
import { commands } from '../../../src/cli/commands.ts'
import { UsageError } from '../../../src/cli/failure.ts'

const calls: unknown[] = []
const rotate = defineCommand({
  takes: ['RING'],
  options: {
    alg: { type: 'string', multiple: true, value: 'ALG', help: 'Which' },
    at: { type: 'string', help: 'When' },
  },
  run(options, args) {
    calls.push([{ ...options }, [...args]])
    return { facts: {}, show() {} }
  },
})

test('options in any order, repeated where they may be, and -- before an argument that looks like one', async () => {
  await rotate.start('rotate', ['--alg', 'ES256', 'main', '--json', '--alg=RS256'])
  await rotate.start('rotate', ['--at', 'noon', '--', '--odd'])
  expect(calls).toEqual([
    [{ alg: ['ES256', 'RS256'], json: true }, ['main']],
    [{ at: 'noon' }, ['--odd']],
  ])
})

describe('refused, with the next step and without all options', () => {
  const wrong: [came: RegExp, ...args: string[]][] = [
    [/takes 1 argument and got none/],
    [/takes 1 argument and got 2/, 'main', 'hunter2'],
    [/^--colour is no option$/, 'main', '--colour'],
    [/^--algo is no option; the nearest is --alg ALG …$/, 'main', '--algo', 'hunter2'],
    [/^--jsn is no option; the nearest is --json$/, 'main', '--jsn=hunter2'],
    [/^--AT is no option; the nearest is --at TEXT$/, 'main', '--AT'],
    [/^-a is no option/, 'main', '-a'],
    [/^--__proto__ is no option/, 'main', '--__proto__'],
    [/^--toString is no option/, 'main', '--toString'],
    [/^--alg needs a value: --alg ALG$/, 'main', '--alg'],
    [/^--alg needs a value: --alg ALG. .* --alg=VALUE$/, 'main', '--alg', '--json'],
    [/^--alg needs a value: --alg ALG. .* --alg=VALUE$/, 'main', '--alg', '-hunter2'],
    [/^--json takes no value$/, 'main', '--json=hunter2'],
    [/--at came twice/, 'main', '--at', '1', '--at', '2'],
    [/--at came with an empty value/, 'main', '--at', ''],
    [/--alg came with an empty value/, 'main', '--alg='],
  ]
  test.each(wrong)('%p %p %p', async (came, ...args) => {
    const before = calls.length
    const failure = await rotate.start('latchkey rotate', args).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UsageError)
    const lines = (failure as Error).message.split('\n')
    expect(lines[0]).toMatch(came)
    expect(lines.at(-1)).toBe('latchkey rotate --help shows what it takes')
    expect(lines.slice(1, -1)).toEqual(
      lines[0]!.includes('argument') ? ['expected: latchkey rotate RING'] : [],
    )
    // The surplus argument may be a password.
    expect((failure as Error).message).not.toContain('hunter2')
    expect(calls).toHaveLength(before)
  })
})

test('a command without options leads to the variables', async () => {
  const serve = defineProcess({ options: {}, run: async () => {} })
  const failure = await serve.start('latchkey serve', ['--port', '80']).catch((error: unknown) => error)
  expect((failure as Error).message).toContain('--port is no option: settings are variables')
})

test('no refusal of an option is longer than a few lines, whichever command it is', async () => {
  for (const { name, load } of commands) {
    const command = await load()
    const failure = await command.start(`latchkey ${name}`, ['--colour']).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UsageError)
    expect((failure as Error).message.length, name).toBeLessThan(200)
  }
})

test('an option that replaces the arguments: they are empty, and both together are refused', async () => {
  const seen: unknown[] = []
  const end = defineCommand({
    takes: ['NAME'],
    options: { everybody: { type: 'boolean', instead: true, help: 'All' } },
    run({ everybody }, args) {
      seen.push([everybody, ...args])
      return { facts: {}, show() {} }
    },
  })
  await end.start('end', ['--everybody'])
  await end.start('end', ['eva'])
  expect(seen).toEqual([
    [true, ''],
    [undefined, 'eva'],
  ])
  expect(usage('end', end)).toBe('end NAME|--everybody [--json]')
  for (const args of [[], ['eva', '--everybody']]) {
    const failure = await end.start('end', args).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UsageError)
  }
  expect(seen).toHaveLength(2)
})

test('the table: names are distinct, every command loads, and its help has a line for every option', async () => {
  expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length)
  for (const { name, load } of commands) {
    const command = await load()
    for (const option of Object.keys(command.options)) {
      expect(usage(name, command)).toMatch(new RegExp(`[[|]--${option}\\b`))
      expect(optionsHelp(command)).toContain(`--${option}`)
    }
  }
})

/** A client secret may come so, with a warning, because scripts for other providers do it (decision 60). A file only has its name here: `secret-file FILE`, `client-secret @FILE`. */
const warned = ['secret', 'secret-file', 'client-secret', 'registration-token']

test('no command takes a password, a secret or a token as an argument', async () => {
  for (const { load } of commands) {
    const { takes, options } = await load()
    const strings = Object.entries(options).filter(([, { type }]) => type === 'string')
    for (const name of [...takes, ...strings.map(([option]) => option)])
      if (!warned.includes(name)) expect(name).not.toMatch(/password|secret|token$/i)
  }
})
