/** The definition of a command. Parsing of its arguments and its usage text follow from it. https://nodejs.org/api/util.html#utilparseargsconfig */
import { parseArgs } from 'node:util'
import { nearest } from '../lib/nearest.ts'
import { UsageError } from './failure.ts'
import { printable, printFacts, printJson } from './output.ts'

export interface Option {
  readonly type: 'string' | 'boolean'
  /** One letter that stands for it, as in `-f`. */
  readonly short?: string
  readonly multiple?: true
  /** The option replaces the arguments: `run` gets empty ones. */
  readonly instead?: true
  /** The placeholder of the value in the usage line. */
  readonly value?: string
  readonly help: string
}
export type Options = Readonly<Record<string, Option>>

type ValueOf<O extends Option> = O['type'] extends 'boolean'
  ? boolean
  : O extends { multiple: true }
    ? readonly string[]
    : string
export type Values<O extends Options> = { readonly [Name in keyof O]?: ValueOf<O[Name]> }

export interface Command {
  readonly takes: readonly string[]
  readonly options: Options
  /** The exit code of each failure is 1, because 2 says something else. */
  readonly failsWithOne?: boolean
  /** `name` is the command as it was typed. Throws UsageError when `args` do not match the definition. */
  start(name: string, args: readonly string[]): Promise<void>
}

/** A command in the list of all (commands.ts). Its modules are loaded when it is called. */
export interface CommandEntry {
  readonly name: string
  readonly help: string
  load(): Promise<Command>
}

/** What a command found or did. It is printed here alone: as JSON with `--json`, else in words. */
export interface Answer {
  /** With `--json` all that is printed. */
  readonly facts: unknown
  /** Prints the words. Without it, each member of `facts` is a line. */
  show?(): void
  /** The exit code of a command that did what it should, where that is not 0. */
  readonly exit?: number
  /** Thrown after the answer is printed: the command did not succeed. */
  readonly failure?: Error | undefined
}

const jsonOption = { type: 'boolean', help: 'Print JSON' } as const
type WithJson<O extends Options> = O & { json: typeof jsonOption }

/** `takes` names the arguments. One in brackets may be left out and is then ''; all others are required, unless an `instead` option replaces them. Every command has `--json`. */
export function defineCommand<const O extends Options, const T extends readonly string[]>(definition: {
  takes: T
  options: O
  failsWithOne?: true
  run: (options: Values<WithJson<O>>, args: { readonly [I in keyof T]: string }) => Promise<Answer> | Answer
}): Command {
  const { takes, run, failsWithOne = false } = definition
  const options: WithJson<O> = { ...definition.options, json: jsonOption }
  return {
    takes,
    options,
    failsWithOne,
    async start(name, args) {
      const { values, positionals } = read(name, { takes, options }, args)
      const given = values as Values<WithJson<O>>
      const answer = await run(given, positionals as unknown as { readonly [I in keyof T]: string })
      if (given.json) printJson(answer.facts)
      else if (answer.show) answer.show()
      else printFacts(answer.facts as Readonly<Record<string, unknown>>)
      if (answer.failure) throw answer.failure
      if (answer.exit !== undefined) process.exitCode = answer.exit
    },
  }
}

/** A command that shows its steps while it runs, and so has no answer: the server, the test client. */
export function defineProcess<const O extends Options>({
  options,
  run,
}: {
  options: O
  run: (options: Values<O>) => Promise<void>
}): Command {
  const form = { takes: [], options }
  return { ...form, start: async (name, args) => run(read(name, form, args).values as Values<O>) }
}

/** A word that begins with a dash, of which only the name is quoted: a value may be a secret. */
interface OptionToken {
  name: string
  rawName: string
  value?: string | undefined
  inlineValue?: boolean | undefined
}

function read(name: string, { takes, options }: Pick<Command, 'takes' | 'options'>, args: readonly string[]) {
  const refuse = (problem: string) => new UsageError(`${problem}\n${name} --help shows what it takes`)
  // Not `strict`: its messages neither name what is near nor can be told apart.
  const { values, positionals, tokens } = parseArgs({
    ...{ args: [...args], options, allowPositionals: true, strict: false, tokens: true },
  })
  const seen = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const problem = problemOf(token, options)
    if (problem !== undefined) throw refuse(problem)
    if (seen.has(token.name) && !options[token.name]?.multiple) throw refuse(`--${token.name} came twice`)
    seen.add(token.name)
  }
  // The message counts the arguments and does not quote them: one of them may be a password.
  const instead = insteadOptions(options).find((option) => values[option] !== undefined)
  const expected = instead === undefined ? takes.length : 0
  const least = instead === undefined ? takes.filter((name) => !isOptional(name)).length : 0
  if (positionals.length > expected || positionals.length < least) {
    const called = instead === undefined ? name : `${name} --${instead}`
    const came = `${called} takes ${count(expected)} and got ${positionals.length || 'none'}`
    throw refuse(`${came}\nexpected: ${usage(name, { takes, options: briefly(options) })}`)
  }
  return { values, positionals: takes.map((_, i) => (instead === undefined && positionals[i]) || '') }
}

const isOptional = (name: string): boolean => name.startsWith('[')

/** What is wrong with one option; undefined when nothing is. */
function problemOf(token: OptionToken, options: Options): string | undefined {
  const { name, rawName, value, inlineValue } = token
  const known = Object.hasOwn(options, name) ? options[name] : undefined
  const option = [`--${name}`, `-${known?.short}`].includes(rawName) ? known : undefined
  if (!option) return unknownOption(rawName, options)
  const example = `${rawName} ${option.value ?? 'TEXT'}`
  if (option.type === 'boolean') return value === undefined ? undefined : `${rawName} takes no value`
  if (value === undefined) return `${rawName} needs a value: ${example}`
  if (value === '') return `${rawName} came with an empty value: ${example}`
  return value.startsWith('-') && !inlineValue
    ? `${rawName} needs a value: ${example}. A value that begins with - is written ${rawName}=VALUE`
    : undefined
}

function unknownOption(rawName: string, options: Options): string {
  const name = rawName.replace(/^-+/, '')
  const near = nearest(name.toLowerCase(), Object.keys(options)).map(
    (each) => `--${each}${valueOf(options[each]!)}`,
  )
  const next =
    Object.keys(options).length === 0
      ? ': settings are variables of the environment, such as PORT=5001 (docs/configuration.md)'
      : near.length > 0
        ? `; the nearest is ${near.join(' or ')}`
        : ''
  return `${printable(rawName)} is no option${next}`
}

const insteadOptions = (options: Options): string[] =>
  Object.keys(options).filter((option) => options[option]?.instead)

const count = (arguments_: number): string =>
  arguments_ === 0 ? 'no arguments' : arguments_ === 1 ? '1 argument' : `${arguments_} arguments`

const valueOf = ({ type, value, multiple }: Option): string =>
  type === 'string' ? ` ${value ?? 'TEXT'}${multiple ? ' …' : ''}` : ''

/** Those that replace the arguments: all others are for `--help`. */
const briefly = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).filter(([, { instead }]) => instead))

/** `latchkey keys rotate [--alg ALG …]`, for the name `latchkey keys rotate`. */
export function usage(name: string, { takes, options }: Pick<Command, 'takes' | 'options'>): string {
  const shown = Object.entries(options).map(([option, each]) => {
    return { text: `--${option}${valueOf(each)}`, instead: each.instead }
  })
  const flags = shown.filter((each) => !each.instead).map(({ text }) => `[${text}]`)
  const instead = shown.filter((each) => each.instead).map(({ text }) => text)
  const wanted = instead.length > 0 ? [[takes.join(' '), ...instead].join('|')] : takes
  return [name, ...wanted, ...flags].join(' ')
}

/** One line for each option. */
export function optionsHelp({ options }: Pick<Command, 'options'>): string {
  const lines = Object.entries(options).map(([option, { type, value, help }]) => {
    const left = `--${option}${type === 'string' ? ` ${value ?? 'TEXT'}` : ''}`
    return `  ${left.padEnd(32)}${help}`
  })
  return lines.join('\n')
}
