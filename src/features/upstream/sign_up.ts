/** A new account for somebody whom a provider brought: whether they may have one, and what it begins with. */
import type { Context } from '../../contracts/context.ts'
import { normalize } from '../../lib/normalize.ts'
import { canonicalEmail, canonicalUsername, type NewUser, User } from '../../models/user.ts'
import type { Identity } from './identity.ts'
import { policyOf } from './settings.ts'

const domainOf = (address: string): string => {
  const email = canonicalEmail(address)
  return email.slice(email.lastIndexOf('@') + 1)
}

/** UPSTREAM_SIGN_UP and UPSTREAM_EMAIL_DOMAINS; an address that nobody verified belongs to no domain. */
export function maySignUp({ config }: Context, { email, emailVerified }: Identity): boolean {
  const { upstreamSignUp, upstreamEmailDomains = [] } = policyOf(config)
  if (upstreamSignUp !== 'open') return false
  if (upstreamEmailDomains.length === 0) return true
  return email !== undefined && emailVerified && upstreamEmailDomains.includes(domainOf(email))
}

const shortest = 3
const longest = 30
/** Numbers that are tried behind a name that is taken, before a random one. */
const numbers = 9

/**
 * Plain letters, so that no name here looks like another: accents are dropped, other scripts give way to a made-up name.
 * No @: what has one is an address.
 */
function plain(text: string | undefined): string | undefined {
  const name = normalize(canonicalUsername(text ?? ''), 'NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/\s+/g, '.')
    .replace(/^[._-]+|[._-]+$/g, '')
  const fits = /^[a-z0-9._-]+$/.test(name) && name.length >= shortest
  return fits ? name.slice(0, longest).replace(/[^a-z0-9]+$/, '') : undefined
}

/** Names to try, the likeliest first; the last is nobody's. */
function candidates({ username, email, name }: Identity, context: Context): string[] {
  const wished = plain(username) ?? plain(email?.split('@')[0]) ?? plain(name)
  const made = `user-${Buffer.from(context.random(6), 'base64url').toString('hex')}`
  if (wished === undefined) return [made]
  return [wished, ...Array.from({ length: numbers - 1 }, (_, i) => `${wished}${i + 2}`), made]
}

async function emailClaims(context: Context, { email, emailVerified }: Identity) {
  if (email === undefined) return {}
  if (emailVerified) return { email, email_verified: true }
  // Not proven, and somebody else's: it would have us write to that person about an account that is not theirs.
  return (await User.findByEmail(context, email)) ? {} : { email, email_verified: false }
}

/** What there is of `claims`, without what is not. */
const present = (claims: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))

/**
 * The account under `sub`, without a password; what an earlier try has left of it is used. Undefined when the verified
 * address has become somebody else's meanwhile; then nothing is left.
 */
export async function createAccount(
  context: Context,
  sub: string,
  identity: Identity,
  language: string,
): Promise<User | undefined> {
  const now = Math.floor(context.clock.now() / 1000)
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
