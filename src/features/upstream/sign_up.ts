/** A new account for an upstream identity: whether one may be created, and its first data. */
import type { Context } from '../../contracts/context.ts'
import { normalize } from '../../lib/normalize.ts'
import { canonicalEmail, canonicalUsername, type NewUser, User } from '../../models/user.ts'
import type { Identity } from './identity.ts'
import { policyOf } from './settings.ts'
import { seconds } from '../../lib/clock.ts'

const domainOf = (address: string): string => {
  const email = canonicalEmail(address)
  return email.slice(email.lastIndexOf('@') + 1)
}

/** UPSTREAM_SIGN_UP and UPSTREAM_EMAIL_DOMAINS. An unverified address does not match any domain. */
export function maySignUp({ config }: Context, { email, emailVerified }: Identity): boolean {
  const { upstreamSignUp, upstreamEmailDomains = [] } = policyOf(config)
  if (upstreamSignUp !== 'open') return false
  if (upstreamEmailDomains.length === 0) return true
  return email !== undefined && emailVerified && upstreamEmailDomains.includes(domainOf(email))
}

const shortest = 3
const longest = 30
/** Suffixes tried for a username that is taken, before a random username. */
const numbers = 9

/**
 * Only ASCII letters and digits, so that no username looks like another: accents are removed, and a name in another
 * script is replaced by a random one. No @, because a username with it is an address.
 */
function plain(text: string | undefined): string | undefined {
  const name = normalize(canonicalUsername(text ?? ''), 'NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/\s+/g, '.')
    .replace(/^[._-]+|[._-]+$/g, '')
  const fits = /^[a-z0-9._-]+$/.test(name) && name.length >= shortest
  return fits ? name.slice(0, longest).replace(/[^a-z0-9]+$/, '') : undefined
}

/** Usernames to try, best first; the last is random. */
function candidates({ username, email, name }: Identity, context: Context): string[] {
  const wished = plain(username) ?? plain(email?.split('@')[0]) ?? plain(name)
  const made = `user-${Buffer.from(context.random(6), 'base64url').toString('hex')}`
  if (wished === undefined) return [made]
  return [wished, ...Array.from({ length: numbers - 1 }, (_, i) => `${wished}${i + 2}`), made]
}

async function emailClaims(context: Context, { email, emailVerified }: Identity) {
  if (email === undefined) return {}
  if (emailVerified) return { email, email_verified: true }
  // Unverified and used by another account: mails about the new account would reach that account's owner.
  return (await User.findByEmail(context, email)) ? {} : { email, email_verified: false }
}

/** Without undefined members. */
const present = (claims: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))

/**
 * Creates the account `sub` without a password, or returns the one that an earlier, interrupted try created. Undefined if
 * another account has the verified address by now.
 */
export async function createAccount(
  context: Context,
  sub: string,
  identity: Identity,
  language: string,
): Promise<User | undefined> {
  const now = seconds(context.clock)
  const { name, givenName: given_name, familyName: family_name, locale } = identity
  const claims = present({ name, given_name, family_name, locale, ...(await emailClaims(context, identity)) })
  for (const username of candidates(identity, context)) {
    const user: NewUser = {
      sub,
      username,
      claims: { ...claims, preferred_username: username },
      language,
      created_at: now,
      updated_at: now,
    }
    const made = await User.create(context, user)
    if (identity.emailVerified && (await isTaken(context, identity.email!, sub))) return undefined
    if (made || (await User.findByUsername(context, username))?.sub === sub) return User.find(context, sub)
  }
  return undefined
}

async function isTaken(context: Context, email: string, sub: string): Promise<boolean> {
  const holder = await User.findByEmail(context, canonicalEmail(email))
  return holder !== undefined && holder.sub !== sub
}
