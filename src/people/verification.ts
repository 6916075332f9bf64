/** Verification of a mail address: a link in a mail to it, which the End-User confirms while signed in. OWASP ASVS 5.0 V6.4 */
import type { Context } from '../contracts/context.ts'
import { typedEmail } from '../lib/spelling.ts'
import { say } from '../lib/say.ts'
import { OneTime } from '../models/one_time.ts'
import { PendingEmail } from '../models/pending_email.ts'
import { User } from '../models/user.ts'
import { greeting, isProvenBy, languageOfUser, sendMail } from './mail.ts'
import { countTry } from './rate_limit.ts'
import { seconds } from '../lib/clock.ts'

/** Where the link leads; the feature `email_address` serves it. */
export const verifyEmailPath = '/verify_email'

const purpose = 'verify_email'
/** Seconds a link is valid. */
const lifetimeSeconds = 86_400

/**
 * At most `most` mails in `window` seconds: for one account, for one account and one address, and for one address in all.
 * So no mailbox is flooded, and no single account can keep the owner of an address from verifying it.
 */
const limits = {
  account: { most: 5, window: 3_600 },
  pair: { most: 5, window: 86_400 },
  address: { most: 20, window: 86_400 },
}

const emailOf = ({ claims }: Pick<User, 'claims'>): string =>
  typeof claims.email === 'string' ? claims.email : ''

/**
 * Mails a link to `address`, which becomes the verified address of `user` once confirmed. The link invalidates earlier
 * ones. `address` must come from `readMailAddress`. Throws `too_many_requests`, whether or not an account has the
 * address. Reveals nothing about other accounts: a conflict shows only after the address has been verified.
 */
export async function sendVerification(context: Context, user: User, address: string): Promise<void> {
  const { account, pair, address: each } = limits
  const to = typedEmail(address)
  await countTry(context, 'verification_account', user.sub, account.most, account.window, { sub: user.sub })
  await countTry(context, 'verification_pair', `${user.sub}\n${to}`, pair.most, pair.window, {
    sub: user.sub,
  })
  await countTry(context, 'verification_address', to, each.most, each.window, { sub: user.sub })
  const stamp = context.random(9)
  const exp = seconds(context.clock) + lifetimeSeconds
  await PendingEmail.put(context, user.sub, { address, stamp, before: emailOf(user), exp })
  const about = { sub: user.sub, address, stamp }
  const token = await OneTime.issue(context, context.random, purpose, about, lifetimeSeconds)
  await sendMail(context, {
    to: address,
    language: languageOfUser(user, context),
    subject: say('verification.subject'),
    lines: [
      greeting(user, address),
      isProvenBy(user, address)
        ? say('verification.line', { email: address, username: user.username })
        : say('verification.mail_line', { email: address }),
    ],
    link: {
      url: `${context.config.issuer}${verifyEmailPath}?token=${token}`,
      label: say('verification.confirm'),
    },
    after: [say('verification.good_for', { n: lifetimeSeconds / 3_600 }), say('verification.not_you')],
  })
}

/** Invalidates the link that was sent last. */
export const withdrawVerification = (context: Context, sub: string): Promise<unknown> =>
  PendingEmail.take(context, sub)

/** What a link verifies. */
export interface Verification {
  user: User
  address: string
  /** The address that the account had when the mail was sent, '' for none. */
  before: string
}

async function stillWanted(
  context: Context,
  about: Readonly<Record<string, unknown>> | undefined,
): Promise<Verification | undefined> {
  if (!about) return undefined
  const { sub, address, stamp } = about as Record<string, string>
  const [user, pending] = await Promise.all([User.find(context, sub!), PendingEmail.find(context, sub!)])
  if (!user || user.disabled || !pending || pending.stamp !== stamp || pending.address !== address)
    return undefined
  // The account has the address already when the verification stopped before the link was used up.
  const isCurrent = pending.before === emailOf(user) || emailOf(user) === address
  return isCurrent ? { user, address: address!, before: pending.before } : undefined
}

/** What the link verifies. The link stays valid, since mail scanners open links too. */
export const findVerification = async (context: Context, token: string): Promise<Verification | undefined> =>
  stillWanted(context, await OneTime.peek(context, purpose, token))

/** Whether the link has verified an address of this account. */
export const isVerificationDone = async (context: Context, token: string, sub: string): Promise<boolean> =>
  (await OneTime.doneFor(context, purpose, token)) === sub

/**
 * Makes the address the account's verified one and uses the link up. `taken` when another account verified it first;
 * undefined when the link is no longer valid, and for all but one of concurrent callers. The link is used up last, after
 * `proven`: when the store fails before that, the same link finishes what is left.
 */
export async function spendVerification(
  context: Context,
  token: string,
  proven: (verification: Verification) => Promise<void> = async () => {},
): Promise<'changed' | 'taken' | undefined> {
  const wanted = await findVerification(context, token)
  if (!wanted) return undefined
  const { sub } = wanted.user
  const isProven = await User.proveEmail(context, sub, wanted.address)
  if (isProven) await proven(wanted)
  if (!(await PendingEmail.take(context, sub))) return undefined
  if (isProven)
    await OneTime.noteDone(context, purpose, token, { sub, lifetime: lifetimeSeconds }).catch(() => undefined)
  await OneTime.take(context, purpose, token).catch(() => undefined) // it is no longer valid
  return isProven ? 'changed' : 'taken'
}
