/** Proof that an address is somebody's: a link in a mail to it, confirmed by whoever is signed in to the account. OWASP ASVS 5.0 V6.4 */
import type { Context } from '../contracts/context.ts'
import { say } from '../lib/say.ts'
import { OneTime } from '../models/one_time.ts'
import { PendingEmail } from '../models/pending_email.ts'
import { canonicalEmail, User } from '../models/user.ts'
import { languageOfUser, sendMail } from './mail.ts'
import { countTry } from './rate_limit.ts'

/** Where the link leads; the feature `email_address` serves it. */
export const verifyEmailPath = '/verify_email'

const purpose = 'verify_email'
/** Seconds a link is good. */
const lifetimeSeconds = 86_400

/**
 * Mails in so many seconds: for one account, from it to one address, and to that whoever asks. So nobody is flooded, and
 * no single stranger can keep the owner of an address from proving it.
 */
const limits = {
  account: { most: 5, window: 3_600 },
  pair: { most: 5, window: 86_400 },
  address: { most: 20, window: 86_400 },
}

const emailOf = ({ claims }: Pick<User, 'claims'>): string =>
  typeof claims.email === 'string' ? claims.email : ''

/**
 * Mails `address` a link that makes it the verified address of `user`, once confirmed; the links before it are worthless
 * from then on. `address` came through `readMailAddress`. Throws `too_many_requests`, whether or not the address is
 * anybody's. Says nothing about other accounts: that the address is taken shows when it has been proven.
 */
export async function sendVerification(context: Context, user: User, address: string): Promise<void> {
  const { account, pair, address: each } = limits
  const to = canonicalEmail(address)
  await countTry(context, 'verification_account', user.sub, account.most, account.window)
  await countTry(context, 'verification_pair', `${user.sub}\n${to}`, pair.most, pair.window)
  await countTry(context, 'verification_address', to, each.most, each.window)
  const stamp = context.random(9)
  const exp = Math.floor(context.clock.now() / 1000) + lifetimeSeconds
  await PendingEmail.put(context, user.sub, { address, stamp, before: emailOf(user), exp })
  const about = { sub: user.sub, address, stamp }
  const token = await OneTime.issue(context, context.random, purpose, about, lifetimeSeconds)
  await sendMail(context, {
    to: address,
    language: languageOfUser(user, context),
    subject: say('verification.subject'),
    lines: [
      say('mail.hello', { username: user.username }),
      say('verification.line', { email: address, username: user.username }),
    ],
    link: {
      url: `${context.config.issuer}${verifyEmailPath}?token=${token}`,
      label: say('verification.confirm'),
    },
    after: [say('verification.good_for', { n: lifetimeSeconds / 3_600 }), say('verification.not_you')],
  })
}

/** Whoever has the link no longer changes anything with it. */
export const withdrawVerification = (context: Context, sub: string): Promise<unknown> =>
  PendingEmail.take(context, sub)

/** What a link asks for. */
export interface Verification {
  user: User
  address: string
}

async function stillWanted(
  context: Context,
  about: Readonly<Record<string, unknown>> | undefined,
): Promise<Verification | undefined> {
  if (!about) return undefined
  const { sub, address, stamp } = about as Record<string, string>
  const [user, pending] = await Promise.all([User.find(context, sub!), PendingEmail.find(context, sub!)])
  return user &&
    !user.disabled &&
    pending?.stamp === stamp &&
    pending?.address === address &&
    pending?.before === emailOf(user)
    ? { user, address: address! }
    : undefined
}

/** What the link is about, leaving it good: scanners of mail open links too. */
export const findVerification = async (context: Context, token: string): Promise<Verification | undefined> =>
  stillWanted(context, await OneTime.peek(context, purpose, token))

/**
 * The address becomes the account's, for the one caller that spends the link. `taken` when another account proved it
 * first; undefined when the link is no longer good.
 */
export async function spendVerification(
  context: Context,
  token: string,
): Promise<'changed' | 'taken' | undefined> {
  const wanted = await stillWanted(context, await OneTime.take(context, purpose, token))
  if (!wanted) return undefined
  const { user, address } = wanted
  await PendingEmail.take(context, user.sub)
  return (await User.proveEmail(context, user.sub, address)) ? 'changed' : 'taken'
}
