/** Finds and runs the command that the arguments name; also answers `help`, `--help` and `version`. */
import { build, commit, version } from '../version.ts'
import { optionsHelp, usage } from './command.ts'
import { type CommandEntry, commands } from './commands.ts'
import { UsageError } from './failure.ts'
import { print, printJson } from './output.ts'

/** `args` without the program. Throws UsageError, or what the command throws. */
export async function run(args: readonly string[]): Promise<void> {
  const [first = '', ...rest] = args
  if (['version', '--version', '-v'].includes(first))
    return rest.includes('--json') ? printJson({ version, commit }) : print(`latchkey ${build}`)
  if (['help', '--help', '-h'].includes(first)) return help(rest)
  const found = findCommand(args)
  if (!found && namedBy([first]).length > 0 && ['help', '--help', '-h'].includes(rest[0] ?? ''))
    return help([first])
  if (!found) throw unknown(args)
  if (found.rest.some((arg) => arg === '--help' || arg === '-h')) return helpOn([found.entry])
  const command = await found.entry.load()
  return command.start(`latchkey ${found.entry.name}`, found.rest)
}

const startsWith = (args: readonly string[], words: readonly string[]): boolean =>
  words.every((word, i) => args[i] === word)

function findCommand(args: readonly string[]): { entry: CommandEntry; rest: string[] } | undefined {
  for (const entry of commands) {
    const words = entry.name.split(' ')
    if (startsWith(args, words)) return { entry, rest: args.slice(words.length) }
  }
  return undefined
}

/** The command that the words name, or all that begin with them: `help keys`. */
const namedBy = (words: readonly string[]): CommandEntry[] =>
  commands.filter((entry) => startsWith(entry.name.split(' '), words))

async function help(words: readonly string[]): Promise<void> {
  const named = namedBy(words)
  if (named.length === 0) throw unknown(words)
  return words.length === 0 ? print(overview()) : helpOn(named)
}

async function helpOn(entries: readonly CommandEntry[]): Promise<void> {
  const parts = await Promise.all(
    entries.map(async ({ name, help, load }) => {
      const command = await load()
      return [`${usage(`latchkey ${name}`, command)}\n  ${help}.`, optionsHelp(command)]
        .filter(Boolean)
        .join('\n\n')
    }),
  )
  print(parts.join('\n\n'))
}

/** The longest name, and a space. */
const nameWidth = 20

const listing = (entries: readonly CommandEntry[]): string =>
  entries.map(({ name, help }) => `  ${name.padEnd(nameWidth)}${help}`).join('\n')

const overview = (): string => `latchkey ${build}, an OpenID Connect provider

Usage: latchkey COMMAND

${listing(commands)}
  ${'help COMMAND'.padEnd(nameWidth)}Show the usage of a command
  ${'version'.padEnd(nameWidth)}Print the version and the commit

Commands use the store that the environment and .env configure. All variables: docs/configuration.md`

function unknown(words: readonly string[]): UsageError {
  const [group = ''] = words
  const near = namedBy([group])
  const expected = near.length > 0 ? near : commands
  return new UsageError(
    `${near.length > 0 && words.length === 1 ? `${group} needs a subcommand` : `unknown command ${JSON.stringify(words.slice(0, 2).join(' '))}`}\nexpected one of:\n${listing(expected)}\nlatchkey help COMMAND describes its arguments`,
  )
}
