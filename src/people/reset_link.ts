/** The password reset link: valid until a password is set with it, and only while it is the newest and the account has not changed. OWASP ASVS 5.0 V6.4.3 */
import * as v from 'valibot'
import type { Context } from '../contracts/context.ts'
import { sha256 } from '../lib/hash.ts'
import { type Said, say } from '../lib/say.ts'
import { defineRecord } from '../models/define_record.ts'
import { OneTime } from '../models/one_time.ts'
import { canonicalEmail, provenEmail, User } from '../models/user.ts'
import { greeting, languageOfUser, sendMail } from './mail.ts'
import { isPasswordOf } from './password.ts'
import { seconds } from '../lib/clock.ts'

export const resetPath = '/reset_password'

const purpose = 'reset_password'
/** Seconds. */
export const linkLifetime = 1_800

/** The stamp of the newest link of an account, by `sub`. */
const newest = defineRecord('recovery_newest', v.object({ stamp: v.string(), exp: v.number() }))

/** What a link is bound to: it is no longer valid when the proven address or the password has changed. */
const stateOf = (user: User) => ({
  email: canonicalEmail(provenEmail(user) ?? ''),
  password: sha256(user.password_hash ?? ''),
})

/** The token of a new link. It invalidates all older links of the account. */
async function issueLink(context: Context, user: User): Promise<string> {
  const stamp = context.random(9)
  const exp = seconds(context.clock) + linkLifetime
  await newest.put(context, user.sub, { stamp, exp })
  const about = { sub: user.sub, stamp, ...stateOf(user) }
  return OneTime.issue(context, context.random, purpose, about, linkLifetime)
}

/**
 * `why` says who requested the link, `more` are further paragraphs. `to` must come from `provenEmail`. `interaction` is the
 * handle of the sign-in to go on with, which is of use in its own browser alone.
 */
export async function mailLink(
  context: Context,
  user: User,
  {
    to,
    why,
    more = [],
    interaction,
  }: { to: string; why: Said; more?: readonly Said[]; interaction?: string | undefined },
): Promise<void> {
  const token = await issueLink(context, user)
  await sendMail(context, {
    to,
    language: languageOfUser(user, context),
    subject: say('recovery.subject'),
    lines: [greeting(user, to), why],
    link: {
      url: `${context.config.issuer}${resetPath}?token=${token}${interaction === undefined ? '' : `&interaction=${interaction}`}`,
      label: say('recovery.mail_link'),
    },
    after: [say('recovery.good_for', { n: linkLifetime / 60 }), ...more],
  })
}

type About = Readonly<Record<string, unknown>>

async function accountOf(context: Context, about: About | undefined): Promise<User | undefined> {
  if (!about) return undefined
  const sub = String(about.sub)
  const [user, last] = await Promise.all([User.find(context, sub), newest.find(context, sub)])
  return user && !user.disabled && last?.stamp === about.stamp && isUnchanged(user, about) ? user : undefined
}

function isUnchanged(user: User, about: About): boolean {
  const { email, password } = stateOf(user)
  return user.password_hash !== undefined && about.email === email && about.password === password
}

/** The account of a link, which stays valid. */
export const findLink = async (context: Context, token: string): Promise<User | undefined> =>
  accountOf(context, await OneTime.peek(context, purpose, token))

/**
 * The account of a link whose reset stopped after the new password had been stored: the link is still the newest, and
 * `password` is that new password. So the same form finishes what is left.
 */
export async function findHalfUsedLink(
  context: Context,
  token: string,
  password: string,
): Promise<User | undefined> {
  const about = await OneTime.peek(context, purpose, token)
  if (!about) return undefined
  const sub = String(about.sub)
  const [user, last] = await Promise.all([User.find(context, sub), newest.find(context, sub)])
  if (!user || user.disabled || last?.stamp !== about.stamp || stateOf(user).email !== about.email)
    return undefined
  return (await isPasswordOf(context, user, password)) ? user : undefined
}

export const forgetLinks = (context: Context, sub: string): Promise<unknown> => newest.take(context, sub)

/** The link becomes invalid when the password changes; this forgets it, so that no repetition is expected any more. */
export async function forgetLink(context: Context, sub: string, token: string): Promise<void> {
  await OneTime.noteDone(context, purpose, token, { sub, lifetime: repeatSeconds })
  await forgetLinks(context, sub)
  await OneTime.take(context, purpose, token)
}

/** How long a form that is sent again is told that its password was set. */
const repeatSeconds = 60

/** Whether `password` was set with the link a moment ago. */
export async function isLinkDone(context: Context, token: string, password: string): Promise<boolean> {
  const sub = await OneTime.doneFor(context, purpose, token)
  const user = sub === undefined ? undefined : await User.find(context, sub)
  return user !== undefined && !user.disabled && (await isPasswordOf(context, user, password))
}

/** Replaces the password hash atomically; false when the account is disabled or its password has changed since `user` was read. */
export async function replacePassword(context: Context, user: User, password_hash: string): Promise<boolean> {
  let replaced = false
  await User.update(context, user.sub, (current) => {
    replaced = !current.disabled && current.password_hash === user.password_hash
    return replaced ? { ...current, password_hash } : current
  })
  return replaced
}
