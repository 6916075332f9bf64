/** A check as a declaration: its rule and its values are known where it holds, too. The recorder of the lab listens; without a listener a check is a condition and nothing more. */
import { channel } from 'node:diagnostics_channel'
import { OAuthError, type OAuthErrorCode } from './errors.ts'
import type { Grounds, Refusal, RefusedError } from './refusal.ts'

/** A check that was made. `refusal` has what it demands and what came; where it failed, it is what the client got. */
export interface MadeCheck {
  held: boolean
  refusal: Readonly<Refusal>
}

const made = channel('latchkey.check')

/**
 * Throws the OAuthError of `code`, or the refusal of a function, unless the condition holds. While there is a listener, the
 * function is called for a check that holds, too: it must work with the values of both cases.
 */
export function check(holds: unknown, code: OAuthErrorCode, grounds: () => Grounds): asserts holds
export function check(holds: unknown, refused: () => RefusedError): asserts holds
export function check(
  holds: unknown,
  refused: OAuthErrorCode | (() => RefusedError),
  grounds?: () => Grounds,
): void {
  if (holds && !made.hasSubscribers) return
  const error = typeof refused === 'string' ? new OAuthError(refused, grounds!()) : refused()
  if (made.hasSubscribers) made.publish({ held: Boolean(holds), refusal: error.refusal } satisfies MadeCheck)
  if (!holds) throw error
}

/** Calls `listener` with each check of this process, in the asynchronous context of its request, until the returned function is called. */
export function listenToChecks(listener: (check: MadeCheck) => void): () => void {
  const heard = (message: unknown) => listener(message as MadeCheck)
  made.subscribe(heard)
  return () => made.unsubscribe(heard)
}
