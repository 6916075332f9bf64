/** Finds and runs the command that the arguments name; also answers `help`, `--help` and `version`. */
import { RefusedError } from '../auth/refusal.ts'
import { nearest } from '../lib/nearest.ts'
import { build, commit, version } from '../version.ts'
import { type CommandEntry, optionsHelp, usage } from './command.ts'
import { commands } from './commands.ts'
import { realmOptionHelp, requireInRealm, takeRealm } from './chosen_realm.ts'
import { ManagedByFile } from '../models/managed_by.ts'
import { chosenRealm, inChosenRealm, withRealm, worksInRealm } from './in_realm.ts'
import { ExitOne, Refusal, UsageError } from './failure.ts'
import { print, printJson } from './output.ts'

/**
 * `args` without the program. The first `--` ends the options: each argument after it is a word, whatever it looks like.
 * Throws UsageError, or what the command throws.
 */
export async function run(typed: readonly string[]): Promise<void> {
  outliveTheReader()
  const { name: realm, args } = takeRealm(typed)
  const end = args.includes('--') ? args.indexOf('--') : args.length
  const options = args.slice(0, end)
  const words = args.toSpliced(end, 1)
  const [first = '', ...rest] = words
  if (first === 'version' || ['--version', '-v'].includes(options[0] ?? ''))
    return options.includes('--json') ? printJson({ version, commit }) : print(`latchkey ${build}`)
  if (first === 'help' || isHelp(options[0])) return help(rest)
  const found = findCommand(words)
  if (!found && namedBy([first]).length > 0 && (rest[0] === 'help' || isHelp(options[1])))
    return help([first])
  if (!found) throw unknown(words)
  if (options.some(isHelp)) return helpOn([found])
  if (realm !== undefined) requireInRealm(found.name)
  const command = await found.load()
  const name = found.name.split(' ')
  const given = name.length > end ? ['--', ...words.slice(name.length)] : args.slice(name.length)
  const started = withRealm(realm, () => command.start(`latchkey ${found.name}`, given).catch(failedInRealm))
  return command.failsWithOne
    ? started.catch((error: unknown) => Promise.reject(new ExitOne(error)))
    : started
}

function failedInRealm(error: unknown): never {
  if (error instanceof Error) error.message = inChosenRealm(error.message)
  if (error instanceof ManagedByFile) error.told = inChosenRealm(error.told)
  else if (error instanceof RefusedError && chosenRealm() !== undefined)
    throw new Refusal(inChosenRealm(error.publicDescription))
  throw error
}

/** A command does its work to the end, also when the program that reads its output has ended, as in `client list | head`. */
function outliveTheReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
}

const isHelp = (option?: string): boolean => option === '--help' || option === '-h'

const startsWith = (args: readonly string[], words: readonly string[]): boolean =>
  words.every((word, i) => args[i] === word)

const findCommand = (words: readonly string[]): CommandEntry | undefined =>
  commands.find((entry) => startsWith(words, entry.name.split(' ')))

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
      const options = [optionsHelp(command), worksInRealm(name) ? realmOptionHelp : '']
      return [`${usage(`latchkey ${name}`, command)}\n  ${help}.`, options.filter(Boolean).join('\n')]
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

Commands use the store that the environment and .env configure, and with --realm NAME that of a realm (docs/realms.md). All variables: docs/configuration.md`

function unknown(words: readonly string[]): UsageError {
  const [group = ''] = words
  const ofGroup = namedBy([group])
  if (ofGroup.length > 0 && words.length === 1) return refusal(`${group} needs a subcommand`, ofGroup)
  const typed = words.slice(0, 2).join(' ')
  const near = ofGroup.length > 0 ? ofGroup : nearestTo(typed, group)
  return refusal(`unknown command ${JSON.stringify(typed)}`, near.length > 0 ? near : commands)
}

/** The commands that look like both words, or else those whose first word looks like the first. */
function nearestTo(typed: string, group: string): CommandEntry[] {
  const names = nearest(
    typed,
    commands.map(({ name }) => name),
  )
  const groups = names.length > 0 ? [] : nearest(group, commands.map(groupOf))
  return commands.filter((each) => names.includes(each.name) || groups.includes(groupOf(each)))
}

const groupOf = ({ name }: CommandEntry): string => name.split(' ', 1)[0]!

const refusal = (problem: string, expected: readonly CommandEntry[]): UsageError =>
  new UsageError(
    `${problem}\nexpected one of:\n${listing(expected)}\nlatchkey help lists all commands, latchkey help COMMAND the arguments of one`,
  )
