/** Rate limits, counted in the store so that all instances share them. https://www.rfc-editor.org/rfc/rfc6585#section-4 */
import { HttpError } from '../auth/errors.ts'
import type { RefusedError } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import { clientRangeOf } from '../lib/address.ts'
import { sha256 } from '../lib/hash.ts'
import type { Fields } from '../lib/log.ts'
import { say, type Said } from '../lib/say.ts'
import type { Counted } from '../store/store.ts'

const keyOf = (what: string, subject: string) => `tries:${what}:${sha256(subject)}`

/**
 * Counts one try of `what` by `subject`, such as an account or an address. Throws `too_many_requests` with Retry-After
 * once there are more than `limit` in `window` seconds. `named` says in the log whose limit was reached.
 */
export async function countTry(
  context: Context,
  what: string,
  subject: string,
  limit: number,
  window: number,
  named: Fields = {},
): Promise<void> {
  const { count, ttl } = await context.store.increment(keyOf(what, subject), window * 1000)
  if (count <= limit) return
  // Of all tries that race, one is the first beyond the limit, so a window has one line and not one for each try.
  if (isFirstBeyond(count, limit)) context.log.warn('limit_reached', { what, ...named, limit, window })
  throw tooMany(context, what, { count, ttl }, limit, window)
}

/** Throws as the next `countTry` would, and counts nothing. It is one increment by 0: `get` does not read a counter. */
export async function requireTriesLeft(
  context: Context,
  what: string,
  subject: string,
  limit: number,
  window: number,
): Promise<void> {
  const { count, ttl } = await context.store.increment(keyOf(what, subject), window * 1000, 0)
  if (count >= limit) throw tooMany(context, what, { count, ttl }, limit, window)
}

function tooMany(
  context: Context,
  what: string,
  { count, ttl }: Counted,
  limit: number,
  window: number,
): HttpError {
  const retryAfter = Math.max(1, Math.ceil(ttl / 1000))
  context.metrics.count('rate_limited', 'what', what)
  return new HttpError('too_many_requests', {
    expected: `at most ${limit} requests in ${window} seconds`,
    came: count,
    problem: `too many requests; at most ${limit} in ${window} seconds. Try again in ${retryAfter} seconds`,
    detail: what,
    retryAfter,
    say: say('error_page.too_many', { wait: waiting(retryAfter) }),
  })
}

const isFirstBeyond = (count: number, limit: number): boolean => count === limit + 1

/** Whether the refusal of `countTry` is the first of its window. */
export const isFirstRefusal = ({ refusal }: RefusedError, limit: number): boolean =>
  typeof refusal.came === 'number' && isFirstBeyond(refusal.came, limit)

/** As `countTry`, but answers false in place of throwing. */
export async function isWithinLimit(
  context: Context,
  what: string,
  subject: string,
  limit: number,
  window: number,
): Promise<boolean> {
  return (await context.store.increment(keyOf(what, subject), window * 1000)).count <= limit
}

export interface Keeping {
  /** Each kind is counted by itself, over its own lifetime. */
  what: string
  bytes: number
  /** Seconds. */
  lifetime: number
}

/** Throws `too_many_requests` when an address has made this provider keep more than KEPT_BYTES_PER_ADDRESS at a time. */
export async function countKept(
  context: Context,
  address: string,
  { what, bytes, lifetime }: Keeping,
): Promise<void> {
  const { rateLimitingEnabled, keptBytesPerAddress } = context.config
  if (!rateLimitingEnabled) return
  const kept = `kept_${what}`
  const { count, ttl } = await context.store.increment(
    keyOf(kept, clientRangeOf(address)),
    lifetime * 1000,
    bytes,
  )
  if (count <= keptBytesPerAddress) return
  if (count - bytes <= keptBytesPerAddress)
    context.log.warn('limit_reached', { what: kept, address, limit: keptBytesPerAddress, window: lifetime })
  const retryAfter = Math.max(1, Math.ceil(ttl / 1000))
  context.metrics.count('rate_limited', 'what', kept)
  throw new HttpError('too_many_requests', {
    expected: `at most ${keptBytesPerAddress} bytes of pending requests in ${lifetime} seconds from one address (KEPT_BYTES_PER_ADDRESS)`,
    came: count,
    problem: `too many or too long requests from this address wait for their answer; the operator may raise KEPT_BYTES_PER_ADDRESS. Try again in ${retryAfter} seconds`,
    detail: kept,
    retryAfter,
    say: say('error_page.too_many', { wait: waiting(retryAfter) }),
  })
}

/** Counts and writes in one round trip. What is beyond the bound is removed again. */
export async function keepWithin(
  context: Context,
  address: string,
  { write, undo, ...keeping }: Keeping & { write(): Promise<unknown>; undo(): Promise<unknown> },
): Promise<void> {
  const [counted, written] = await Promise.allSettled([countKept(context, address, keeping), write()])
  if (counted.status === 'rejected') {
    await undo().catch(() => undefined)
    throw counted.reason
  }
  if (written.status === 'rejected') throw written.reason
}

/** A duration as a text: seconds below a minute, else minutes. */
const waiting = (seconds: number): Said =>
  seconds < 60 ? say('common.seconds', { n: seconds }) : say('common.minutes', { n: Math.ceil(seconds / 60) })

export const countAddress = (
  context: Context,
  what: string,
  address: string,
  limit: number,
  window: number,
): Promise<void> => countTry(context, what, clientRangeOf(address), limit, window, { address })

/** Removes the count. */
export const forgetTries = (context: Context, what: string, subject: string): Promise<unknown> =>
  context.store.take(keyOf(what, subject))

/** Takes back one counted try. */
export const takeBack = (context: Context, what: string, subject: string): Promise<unknown> =>
  context.store.increment(keyOf(what, subject), 1000, -1)

export const takeBackAddress = (context: Context, what: string, address: string): Promise<unknown> =>
  takeBack(context, what, clientRangeOf(address))
