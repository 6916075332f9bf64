/** Error messages and exit codes of commands: 2 where the command line or a setting must be changed, 1 for any other failure. */
import { RefusedError } from '../auth/refusal.ts'
import { ConfigError } from '../config.ts'
import { SettingFault } from '../config/setting_fault.ts'
import { ManagedByFile } from '../models/managed_by.ts'
import { KeyRingError, WrongSecretError } from '../models/signing_keys.ts'
import { SignerUnavailable } from '../models/remote_signer.ts'
import { StoreUnavailable } from '../store/store.ts'
import { readEnvironment, storeVariable } from './environment.ts'
import { printable, printableLines } from './output.ts'

/** The command line is wrong; the message says what was expected and what came. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** The command cannot be done; the message says why and what to do. */
export class Refusal extends Error {
  override name = 'Refusal'
}

/** Any failure of a command whose exit code 2 says something else. */
export class ExitOne extends Error {
  override name = 'ExitOne'

  constructor(cause: unknown) {
    super('', { cause })
  }
}

/** Ctrl-C at a prompt: the exit code is 130, as in shells, and there is no message. */
export class Interrupted extends Error {
  override name = 'Interrupted'
}

/** The fault of a setting, as a line that begins with its variable; undefined for any other error. */
export function settingLine(error: unknown): string | undefined {
  if (error instanceof SettingFault) return error.message
  if (error instanceof WrongSecretError) return `SECRET_KEY: ${error.message}`
  if (error instanceof StoreUnavailable) return `${storeVariable(readEnvironment().env)}: ${error.message}`
  return undefined
}

function messageOf(error: Error): string {
  if (error instanceof ManagedByFile) return printable(error.told)
  if (error instanceof RefusedError) return error.publicDescription
  const line = settingLine(error)
  if (line !== undefined) return `${line}\n\`latchkey config check --deep\` tries all that the settings name`
  const { code, path } = error as NodeJS.ErrnoException
  const words = fileProblems[code ?? '']
  if (words === undefined) return error.message
  return path === undefined ? words : `${printable(path)}: ${words}`
}

/** What an operator reads of a file that an option names. */
const fileProblems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to open it',
  EISDIR: 'expected a file, got a folder',
}

/** Errors whose message is for the operator. Of any other error the stack is printed, because it is a fault of Latchkey. */
const isExpected = (error: Error): boolean =>
  [
    UsageError,
    Refusal,
    ConfigError,
    SettingFault,
    RefusedError,
    KeyRingError,
    SignerUnavailable,
    StoreUnavailable,
  ].some((kind) => error instanceof kind) ||
  ('code' in error && typeof error.code === 'string') // errors of the operating system: ENOENT, EADDRINUSE

const mustBeChanged = [UsageError, ConfigError, SettingFault, WrongSecretError]

/** Writes it to stderr and returns the exit code. */
export function reportFailure(thrown: unknown): number {
  if (thrown instanceof ExitOne) return Math.min(1, reportFailure(thrown.cause))
  if (thrown instanceof Interrupted) return 130
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const text = isExpected(error) ? messageOf(error) : (error.stack ?? error.message)
  // A message may quote what another server answered.
  process.stderr.write(`latchkey: ${printableLines(text)}\n`)
  return mustBeChanged.some((kind) => error instanceof kind) ? 2 : 1
}
