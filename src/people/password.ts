/** The password check: attempts are counted, hashing is queued, and unknown and known usernames take the same time. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
import type { Call } from '../contracts/call.ts'
import { note } from '../models/audit/note.ts'
import { HttpError } from '../auth/errors.ts'
import { asTyped, hashPassword, needsUpgrade, readPasswordHash } from '../auth/password_hash.ts'
import type { Context } from '../contracts/context.ts'
import { say } from '../lib/say.ts'
import { Event } from '../models/event.ts'
import { typedEmail } from '../lib/spelling.ts'
import { canonicalUsername, provenEmail, User } from '../models/user.ts'
import {
  countAddress,
  countTry,
  forgetTries,
  isFirstRefusal,
  takeBack,
  takeBackAddress,
} from './rate_limit.ts'

export { hashPassword } from '../auth/password_hash.ts'

/** The hash of a discarded password. Comparing with it makes an unknown username take as long as a known one. */
const dummyHash =
  '$argon2id$v=19$m=19456,t=2,p=1$zSVJVrOaombJ9Q3QltBlVuyf6NeSA9CGaJUbEqgcoMA$LNYZQQ9cOeKcYBseQWFW65Gq/NEqnIlbkdjK1rqmNb0'

/** Characters. A longer password is never right: hashing it would take too long, and none could be set. */
const maxLength = 1024

/** The refusal when more than SIGN_IN_QUEUE sign-ins wait. */
export const signInBusy = () =>
  new HttpError('temporarily_unavailable', {
    expected: 'a place in the queue of passwords to be checked',
    problem: 'many people are signing in right now; please try again in a few seconds',
    retryAfter: 5,
    say: say('login.busy'),
  })

export interface PasswordTry {
  username: string
  password: string
  address: string
  /** The request that it came with, for the log and the audit trail. */
  call?: Call
  /**
   * The name of this browser if this account signed in with it before. Its tries are counted separately, so that an
   * attacker on another browser cannot lock the End-User out.
   */
  knownTo?: (username: string) => string | undefined
  /** The fields of the log line of a refusal that name the request. */
  request?: () => Record<string, unknown>
}

/**
 * The account, or undefined when there is none, it is disabled or the password is wrong. Each try is counted by name
 * and by network address before the comparison, so that concurrent requests cannot pass the limit. Throws `too_many_requests`,
 * or `temporarily_unavailable` when too many sign-ins wait, both with Retry-After.
 */
export async function checkPassword(
  context: Context,
  { username, password, address, call, knownTo, request }: PasswordTry,
): Promise<User | undefined> {
  const { signInAttemptsPerAccount, signInAttemptsPerAddress, signInWindow } = context.config
  const found = await User.findByLogin(context, username)
  const knownBrowser = knownTo?.(canonicalUsername(found?.username ?? username))
  // Counted by the name or address that was typed: a common count would tell that both are of one account.
  const typed = typedEmail(username)
  const counted = knownBrowser === undefined ? typed : `${typed}\n${knownBrowser}`
  const named = { sub: found?.sub, address }
  await Promise.all([
    countTry(context, 'account', counted, signInAttemptsPerAccount, signInWindow, named).catch(
      (error: unknown) => {
        if (found && error instanceof HttpError && isFirstRefusal(error, signInAttemptsPerAccount))
          noteLock(context, found, address)
        throw error
      },
    ),
    countAddress(context, 'sign_in', address, signInAttemptsPerAddress, signInWindow),
  ])
  const verified = context.signInQueue
    .run(() => compare(context, password, found?.password_hash ?? dummyHash))
    .catch(async (error: unknown) => {
      // No comparison happened, so the try does not count. Otherwise a flood of sign-ins would lock End-Users out.
      if (error instanceof HttpError)
        await Promise.all([
          takeBack(context, 'account', counted),
          takeBackAddress(context, 'sign_in', address),
        ])
      throw error
    })
  // An account without a password is refused even if the password matches `dummyHash`.
  const { same, early } = await verified
  if (!same || found?.password_hash === undefined || found.disabled) {
    await Bun.sleep(early)
    context.metrics.count('sign_ins', 'result', 'failure')
    note(
      call,
      context,
      'sign_in_failed',
      { sub: found?.sub, address },
      { known: found !== undefined, ...request?.() },
    )
    return undefined
  }
  await clearTries(context, counted, address)
  return needsUpgrade(found.password_hash) ? upgraded(context, found, password) : found
}

/** Not waited for, so that the time of the answer does not tell whether there is such an account. */
function noteLock(context: Context, { sub }: User, address: string): void {
  note(undefined, context, 'sign_in_locked', { sub, address })
  void Event.add(context, context.random, { sub, kind: 'sign_in_locked', address }).catch((error: Error) =>
    context.log.warn('event_lost', { sub, kind: 'sign_in_locked', problem: error.message }),
  )
}

/** Milliseconds. A longer check was due to a busy machine, and refusals are not delayed further than this. */
const longestCheck = 2_000

/**
 * Whether the password is right, and how many milliseconds a refusal must still wait. An old hash takes another time than
 * ours, which `dummyHash` also takes, so the time would tell whether an account exists. Therefore a failed check of an old
 * hash also checks `dummyHash`, and every refusal waits as long as the slowest such check took. Without old hashes no
 * refusal waits.
 */
async function compare(
  { oldHashes }: Context,
  password: string,
  text: string,
): Promise<{ same: boolean; early: number }> {
  const began = performance.now()
  const isOld = needsUpgrade(text)
  const same = await matches(password, text)
  if (isOld && !same) await matches(password, dummyHash)
  const took = performance.now() - began
  if (isOld && !same) oldHashes.slowest = Math.min(Math.max(oldHashes.slowest, took), longestCheck)
  return { same, early: Math.max(0, oldHashes.slowest - took) }
}

/** Imported and old hashes may be of the password before Unicode normalisation, so both spellings are tried. */
async function matches(password: string, text: string): Promise<boolean> {
  const plausible = password !== '' && password.length <= maxLength
  const typed = plausible ? asTyped(password) : 'implausible'
  const hash = readPasswordHash(text)
  const fits = (spelling: string) => hash?.verify(spelling).catch(() => false) ?? false
  const same = (await fits(typed)) || (plausible && typed !== password && (await fits(password)))
  return same && plausible
}

/** Whether this is the password of the account. For a caller that has proven something else: the try is not counted. */
export const isPasswordOf = (context: Context, user: User, password: string): Promise<boolean> =>
  context.signInQueue.run(() =>
    user.password_hash === undefined ? false : matches(password, user.password_hash),
  )

/** After a success the account's count starts anew and the try no longer counts for the address, which many End-Users may share. */
const clearTries = (context: Context, account: string, address: string) =>
  Promise.all([forgetTries(context, 'account', account), takeBackAddress(context, 'sign_in', address)])

/** So that an End-User who was locked out can sign in at once, by username or address. */
export const forgetAccountTries = ({ username, claims }: User, context: Context): Promise<unknown> =>
  Promise.all(
    [username, provenEmail({ claims }) ?? username].map((name) =>
      forgetTries(context, 'account', typedEmail(name)),
    ),
  )

/** The account with an argon2id hash in place of the old hash, which only a sign-in can make. */
async function upgraded(context: Context, user: User, password: string): Promise<User | undefined> {
  const password_hash = await context.signInQueue
    .run(() => hashPassword(password))
    .catch((error: unknown) => {
      if (error instanceof HttpError) return undefined
      throw error
    })
  if (password_hash === undefined) return user // too many sign-ins wait: the next sign-in will do it
  const now = await User.update(context, user.sub, (current) =>
    current.password_hash === user.password_hash ? { ...current, password_hash } : current,
  )
  if (now?.password_hash === password_hash) {
    await note(undefined, context, 'password_hash_upgraded', { sub: user.sub })
    return now
  }
  // A concurrent request replaced the hash: another sign-in with the same password, or a change of password.
  return now?.password_hash !== undefined && (await matches(password, now.password_hash)) ? now : undefined
}
