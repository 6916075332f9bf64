/** What a command that fails says, and its exit code: 2 for what was asked wrongly, 1 for what did not work. */
import { RefusedError } from '../auth/refusal.ts'
import { ConfigError } from '../config.ts'
import { KeyRingError } from '../models/signing_keys.ts'
import { StoreUnavailable } from '../store/store.ts'

/** The command line is not as expected: says what was expected and what came. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** The command cannot do what was asked; the message says why and what to do. */
export class Refusal extends Error {
  override name = 'Refusal'
}

/** Ctrl-C at a prompt: the shell's own exit code for it, and no words. */
export class Interrupted extends Error {
  override name = 'Interrupted'
}

function wordsOf(error: Error): string {
  if (error instanceof RefusedError) return error.publicDescription
  if (error instanceof StoreUnavailable)
    return `${error.message}; is what STORE_URL or REDIS_URL names running, and may this machine reach it?`
  return error.message
}

/** Errors whose message is written for whoever reads it; the stack of any other helps to find the bug. */
const isExpected = (error: Error): boolean =>
  [UsageError, Refusal, ConfigError, RefusedError, KeyRingError, StoreUnavailable].some(
    (kind) => error instanceof kind,
  ) ||
  ('code' in error && typeof error.code === 'string') // the operating system's: ENOENT, EADDRINUSE

/** Writes it to stderr and returns the exit code. */
export function reportFailure(thrown: unknown): number {
  if (thrown instanceof Interrupted) return 130
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  process.stderr.write(`latchkey: ${isExpected(error) ? wordsOf(error) : (error.stack ?? error.message)}\n`)
  return error instanceof UsageError || error instanceof ConfigError ? 2 : 1
}
