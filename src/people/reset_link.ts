/** The link that lets a new password be chosen: bound to what the account is now, the newest alone, once. OWASP ASVS 5.0 V6.4.3 */
import * as v from 'valibot'
import type { Context } from '../contracts/context.ts'
import { sha256 } from '../lib/hash.ts'
import { type Said, say } from '../lib/say.ts'
import { defineRecord } from '../models/define_record.ts'
import { OneTime } from '../models/one_time.ts'
import { canonicalEmail, provenEmail, User } from '../models/user.ts'
import { languageOfUser, sendMail } from './mail.ts'

export const resetPath = '/reset_password'

const purpose = 'reset_password'
/** Seconds. */
export const linkLifetime = 1_800

/** The stamp of the newest link of an account, by `sub`. */
const newest = defineRecord('recovery_newest', v.object({ stamp: v.string(), exp: v.number() }))

/** What a link is bound to: as soon as one of these is another, the link is worth nothing. */
const stateOf = (user: User) => ({
  email: canonicalEmail(provenEmail(user) ?? ''),
  password: sha256(user.password_hash ?? ''),
})

/** The secret of a new link; every older one of the account is worthless from now on. */
async function issueLink(context: Context, user: User): Promise<string> {
  const stamp = context.random(9)
  const exp = Math.floor(context.clock.now() / 1000) + linkLifetime
  await newest.put(context, user.sub, { stamp, exp })
  const about = { sub: user.sub, stamp, ...stateOf(user) }
  return OneTime.issue(context, context.random, purpose, about, linkLifetime)
}

/** `why` says who wanted it, `more` what else to know. `to` is what `provenEmail` gave. */
export async function mailLink(
  context: Context,
  user: User,
  { to, why, more = [] }: { to: string; why: Said; more?: readonly Said[] },
): Promise<void> {
  const token = await issueLink(context, user)
  await sendMail(context, {
    to,
    language: languageOfUser(user, context),
    subject: say('recovery.subject'),
    lines: [say('mail.hello', { username: user.username }), why],
    link: { url: `${context.config.issuer}${resetPath}?token=${token}`, label: say('recovery.mail_link') },
    after: [say('recovery.good_for', { n: linkLifetime / 60 }), ...more],
  })
}

type About = Readonly<Record<string, unknown>>

async function holderOf(context: Context, about: About | undefined): Promise<User | undefined> {
  if (!about) return undefined
  const sub = String(about.sub)
  const [user, last] = await Promise.all([User.find(context, sub), newest.find(context, sub)])
  return user && !user.disabled && last?.stamp === about.stamp && isUnchanged(user, about) ? user : undefined
}

function isUnchanged(user: User, about: About): boolean {
  const { email, password } = stateOf(user)
  return user.password_hash !== undefined && about.email === email && about.password === password
}

/** Whose link it is, leaving it good. */
export const findLink = async (context: Context, token: string): Promise<User | undefined> =>
  holderOf(context, await OneTime.peek(context, purpose, token))

/** Whose link it is, for the one caller that spends it. */
export const spendLink = async (context: Context, token: string): Promise<User | undefined> =>
  holderOf(context, await OneTime.take(context, purpose, token))

export const forgetLinks = (context: Context, sub: string): Promise<unknown> => newest.take(context, sub)

/** The new password in place of the one that the link was made for, by one swap: false when it is another by now. */
export async function replacePassword(context: Context, user: User, password_hash: string): Promise<boolean> {
  let replaced = false
  await User.update(context, user.sub, (current) => {
    replaced = !current.disabled && current.password_hash === user.password_hash
    return replaced ? { ...current, password_hash } : current
  })
  return replaced
}
