/** `latchkey serve --` listened and then ended with an exception, and `--help` after `--` was still an option. */
import { afterAll, describe, expect, test } from 'bun:test'
import { UsageError } from '../../src/cli/failure.ts'
import { run } from '../../src/cli/run.ts'
import { commandLine } from '../support/command.ts'
import { spawnProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

const line = commandLine()
afterAll(() => line.remove())

/** The runtime takes the first of two; those of the binary arrive whole. */
const hyphens = latchkeyCommand[0] === 'bun' ? ['--', '--'] : ['--']

test.each([[['serve', '--']], [[...hyphens, 'serve']]])('%p serves, and a hang-up reloads', async (args) => {
  const op = await spawnProvider({ LOG_FORMAT: 'json' }, [...latchkeyCommand, ...args])
  try {
    expect((await fetch(`${op.issuer}/health`)).status).toBe(200)
    process.kill(op.pid, 'SIGHUP')
    await until(() => op.output().includes('"event":"reloaded"'), 'an answer to SIGHUP')
    expect((await fetch(`${op.issuer}/health`)).status).toBe(200)
  } finally {
    await op.stop()
  }
})

test.each([
  [['serve', '--', '--help'], 'takes no arguments and got 1'],
  [['serve', '--', '--'], 'takes no arguments and got 1'],
  [['serve', '--', 'now'], 'takes no arguments and got 1'],
  [['user', 'show', '--', '-h', 'x'], 'takes 1 argument and got 2'],
])('%p: what follows is an argument', async (args, words) => {
  const { code, stdout, stderr } = await line.latchkey(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(words)
})

describe('before or between the words of a command', () => {
  const wrong: [words: string, ...args: string[]][] = [
    ['unknown command "--help"', '--', '--help'],
    ['unknown command "--version"', '--', '--version'],
    ['unknown command "keys --help"', 'keys', '--', '--help'],
    ['takes no arguments and got 1', 'keys', '--', 'list', '--help'],
    ['keys needs a subcommand', 'keys', '--'],
  ]
  test.each(wrong)('%s: %p %p %p %p', async (words, ...args) => {
    const failure = await run(args).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UsageError)
    expect((failure as Error).message).toContain(words)
  })

  test.each([[['pkce', '--']], [[...hyphens, 'pkce']]])('%p runs the command', async (args) => {
    const { code, stdout } = await line.latchkey(args)
    expect(code).toBe(0)
    expect(stdout).toContain('code_challenge')
  })

  test('help and version', async () => {
    expect((await line.latchkey(['help', '--', 'pkce'])).stdout).toStartWith('latchkey pkce')
    expect((await line.latchkey(['help', '--'])).stdout).toContain('Usage: latchkey COMMAND')
    expect((await line.latchkey(['version', '--'])).stdout).toStartWith('latchkey ')
  })
})
