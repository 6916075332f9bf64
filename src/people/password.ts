/** Passwords: counted, queued, and compared in the same time whoever it is. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
import { HttpError } from '../auth/errors.ts'
import { asTyped, hashPassword, needsUpgrade, readPasswordHash } from '../auth/password_hash.ts'
import type { Context } from '../contracts/context.ts'
import { say } from '../lib/say.ts'
import { canonicalUsername, User } from '../models/user.ts'
import { countAddress, countTry, forgetTries, takeBack, takeBackAddress } from './rate_limit.ts'

export { hashPassword } from '../auth/password_hash.ts'

/** Of a password nobody has: an unknown person costs what a known one does. */
const nobody =
  '$argon2id$v=19$m=19456,t=2,p=1$zSVJVrOaombJ9Q3QltBlVuyf6NeSA9CGaJUbEqgcoMA$LNYZQQ9cOeKcYBseQWFW65Gq/NEqnIlbkdjK1rqmNb0'

/** Longer ones cost time; those that were set before there was a limit are shorter too. */
const maxLength = 1024

/** More sign-ins wait than SIGN_IN_QUEUE. */
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
  /**
   * The browser, when the account of this username signed in with it before: its tries are counted apart, so that a
   * stranger cannot lock it out.
   */
  knownTo?: (username: string) => string | undefined
}

/**
 * The person, or undefined when there is none or the password is wrong. Each try is counted by account and by
 * address before anything is compared, so that a race gains nothing. Throws `too_many_requests`, or
 * `temporarily_unavailable` when too many sign-ins wait, both with Retry-After.
 */
export async function checkPassword(
  context: Context,
  { username, password, address, knownTo }: PasswordTry,
): Promise<User | undefined> {
  const { signInAttemptsPerAccount, signInAttemptsPerAddress, signInWindow } = context.config
  // By whatever name the person goes, the account has one count.
  const found = await User.findByLogin(context, username)
  const account = canonicalUsername(found?.username ?? username)
  const knownBrowser = knownTo?.(account)
  const counted = knownBrowser === undefined ? account : `${account}\n${knownBrowser}`
  await Promise.all([
    countTry(context, 'account', counted, signInAttemptsPerAccount, signInWindow),
    countAddress(context, 'sign_in', address, signInAttemptsPerAddress, signInWindow),
  ])
  const verified = context.signInQueue
    .run(() => compare(context, password, found?.password_hash ?? nobody))
    .catch(async (error: unknown) => {
      // Nothing was compared, so the try does not count: otherwise a flood of sign-ins would lock out real people.
      if (error instanceof HttpError)
        await Promise.all([
          takeBack(context, 'account', counted),
          takeBackAddress(context, 'sign_in', address),
        ])
      throw error
    })
  // Who has no password has none that could be right, whatever `nobody` was made of.
  const { same, early } = await verified
  if (!same || found?.password_hash === undefined || found.disabled) {
    await Bun.sleep(early)
    context.metrics.count('sign_ins', 'result', 'failure')
    context.log.info('sign_in_failed', { known: found !== undefined, address })
    return undefined
  }
  await forgive(context, counted, address)
  return needsUpgrade(found.password_hash) ? upgraded(context, found, password) : found
}

/** Milliseconds; a check that took longer met a busy machine, and nobody need wait for that again. */
const longestCheck = 2_000

/**
 * Whether it is the password, and how many milliseconds too early a refusal would be: an old hash takes another time than
 * ours, which is also that of nobody, so it would tell who has an account. It is made no faster than ours, and all others
 * wait for as long as the slowest has taken here; where there are none nobody waits.
 */
async function compare(
  { oldHashes }: Context,
  password: string,
  text: string,
): Promise<{ same: boolean; early: number }> {
  const began = performance.now()
  const isOld = needsUpgrade(text)
  const same = await matches(password, text)
  if (isOld && !same) await matches(password, nobody)
  const took = performance.now() - began
  if (isOld && !same) oldHashes.slowest = Math.min(Math.max(oldHashes.slowest, took), longestCheck)
  return { same, early: Math.max(0, oldHashes.slowest - took) }
}

/** Hashes from elsewhere, or from before, may be of what the keyboard sent as it came, so both spellings count. */
async function matches(password: string, text: string): Promise<boolean> {
  const plausible = password !== '' && password.length <= maxLength
  const typed = plausible ? asTyped(password) : 'implausible'
  const hash = readPasswordHash(text)
  const fits = (spelling: string) => hash?.verify(spelling).catch(() => false) ?? false
  const same = (await fits(typed)) || (plausible && typed !== password && (await fits(password)))
  return same && plausible
}

/** A success clears the account's count and takes its own try off the address's: an office is no attacker. */
const forgive = (context: Context, account: string, address: string) =>
  Promise.all([forgetTries(context, 'account', account), takeBackAddress(context, 'sign_in', address)])

/** The person with argon2id in place of an old hash, now that the password is at hand. */
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
    context.log.info('password_hash_upgraded', { sub: user.sub })
    return now
  }
  // Somebody was quicker: another sign-in with the same password, or a change to another one.
  return now?.password_hash !== undefined && (await matches(password, now.password_hash)) ? now : undefined
}
