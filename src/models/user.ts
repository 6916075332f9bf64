/** The account of an End-User. Claims have the names of OpenID Connect Core §5.1. */
import * as v from 'valibot'
import { asciiDomain } from '../lib/ascii_domain.ts'
import { sha256 } from '../lib/hash.ts'
import { normalize } from '../lib/normalize.ts'
import { replaceUnsafe } from '../lib/unsafe_text.ts'
import { declaring, openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'
import { seconds } from '../lib/clock.ts'

const schema = openObject({
  sub: v.string(),
  username: v.string(),
  password_hash: v.optional(v.string()),
  disabled: v.optional(v.boolean(), false),
  claims: v.record(v.string(), v.unknown()),
  /** Data of an organisation beyond the standard claims; CUSTOM_SCOPES maps some of it to claims. */
  attributes: v.optional(v.record(v.string(), v.unknown()), {}),
  roles: v.optional(v.array(v.string()), []),
  /** The language that the End-User chose for pages and mails (BCP 47). */
  language: v.optional(v.string()),
  /** Seconds: when the account is deleted, at the End-User's request. Until then a sign-in can only cancel that. */
  leaving_at: v.optional(v.number()),
  created_at: v.number(),
  updated_at: v.number(),
})
const records = defineRecord('user', schema)
const names = defineRecord('username', v.object({ sub: v.string() }))
/** Hash of the `sub` of each deleted account: a `sub` is never reassigned (OpenID Connect Core §8). */
const deletedSubs = defineRecord('gone_sub', v.object({ at: v.number() }))
/** Verified addresses alone: an address belongs to the account that verified it first. */
const emails = defineRecord('user_email', v.object({ sub: v.string(), at: v.optional(v.number(), 0) }))

export interface User extends v.InferOutput<typeof schema> {}
/** Declares members that a feature keeps in the record of an account. */
export const declareUserMembers = declaring<User>()
/** A record before it is created: members with a default may be absent. */
export type NewUser = v.InferInput<typeof schema>

/** One spelling for names that look alike: NFKC, no invisible characters, trimmed, lower case. */
export const canonicalUsername = (name: string): string =>
  normalize(replaceUnsafe(normalize(name, 'NFKC'), 'compared').trim().toLowerCase(), 'NFKC')

/** One spelling for an address: that of a username, with the domain in its ASCII form. */
export function canonicalEmail(address: string): string {
  const name = canonicalUsername(address)
  const at = name.lastIndexOf('@')
  const domain = asciiDomain(name.slice(at + 1))
  return at < 0 || domain === '' ? name : `${name.slice(0, at)}@${domain}`
}

/** The verified address of the account. Mail that gives access is sent to no other address. */
export const provenEmail = ({ claims }: Pick<User, 'claims'>): string | undefined =>
  claims.email_verified === true && typeof claims.email === 'string' ? claims.email : undefined

const usersIndex = 'users'

declare const active: unique symbol
/** An account for which codes and tokens may be issued. Only `isActive` makes one. */
export type ActiveUser = User & { readonly [active]: true }

/** Whether codes and tokens may be issued for this account: it exists, is not disabled and not about to be deleted. */
export const isActive = (user: User | undefined): user is ActiveUser =>
  user !== undefined && !user.disabled && user.leaving_at === undefined

/**
 * Writes the record before its username is linked to it. A record without that link was left by a creation that was
 * interrupted, and is overwritten. A complete account is not: it is returned when it has the same username, else undefined.
 */
async function writeRecord(memory: Memory, user: User): Promise<User | undefined> {
  if (await records.create(memory, user.sub, user)) return user
  const existing = await records.find(memory, user.sub)
  const name = existing && canonicalUsername(existing.username)
  if (existing && name !== undefined && (await names.find(memory, sha256(name)))?.sub === user.sub)
    return name === canonicalUsername(user.username) ? existing : undefined
  await records.put(memory, user.sub, user)
  return user
}

/** Milliseconds within which a request that claims an address also writes it into the account. */
const claimTimeoutMs = 60_000

/**
 * Claims an address for the account `sub`: truthy for one account, 'new' when the address was free. A claim whose account
 * does not have the address was left by an interrupted change. After `claimTimeoutMs` any account may claim it, and one does.
 */
async function claimEmail(memory: Memory, address: string, sub: string): Promise<'new' | boolean> {
  const id = sha256(canonicalEmail(address))
  const at = memory.clock.now()
  if (await emails.create(memory, id, { sub, at })) return 'new'
  const holder = await emails.find(memory, id)
  if (!holder) return false
  const isLeft = at - holder.at > claimTimeoutMs && !(await User.findByEmail(memory, address))
  if (holder.sub !== sub && !isLeft) return false
  const claimed = await emails.update(memory, id, (current) =>
    current.sub === holder.sub && current.at === holder.at ? { sub, at } : undefined,
  )
  return claimed !== undefined
}

const isLikeAddress = (name: string): boolean => canonicalUsername(name).includes('@')

/**
 * Whether the username is the verified address of another account, or the verified address is the username of another
 * account that has no verified address.
 */
async function belongsToAnother(memory: Memory, { sub, username, claims }: NewUser): Promise<boolean> {
  const email = provenEmail({ claims })
  const owners = await Promise.all([
    isLikeAddress(username) ? User.findByEmail(memory, username) : undefined,
    email === undefined ? undefined : User.findByAddress(memory, email),
  ])
  return owners.some((owner) => owner !== undefined && owner.sub !== sub)
}

export const User = {
  find: records.find,

  async findByUsername(memory: Memory, username: string): Promise<User | undefined> {
    const name = await names.find(memory, sha256(canonicalUsername(username)))
    return name && records.find(memory, name.sub)
  },

  /** The account that has verified this address. */
  async findByEmail(memory: Memory, address: string): Promise<User | undefined> {
    const holder = await emails.find(memory, sha256(canonicalEmail(address)))
    const user = holder && (await records.find(memory, holder.sub))
    const email = user && provenEmail(user)
    // The index is written before the record: until both agree, the address belongs to no account.
    return email !== undefined && canonicalEmail(email) === canonicalEmail(address) ? user : undefined
  },

  /**
   * The account for the text of a sign-in: a verified address or a username. An address finds the account that verified
   * it first, so that another account whose username is that address cannot prevent its owner from signing in.
   */
  findByLogin: async (memory: Memory, login: string): Promise<User | undefined> =>
    (isLikeAddress(login) ? await User.findByEmail(memory, login) : undefined) ??
    (await User.findByUsername(memory, login)),

  /**
   * The account that an address belongs to: the one that has verified it, else the one that has it as its username and no
   * verified address. In the second case no other account can verify it, because that would take the username away.
   */
  async findByAddress(memory: Memory, address: string): Promise<User | undefined> {
    const proven = await User.findByEmail(memory, address)
    if (proven) return proven
    const named = await User.findByUsername(memory, address)
    return named && provenEmail(named) === undefined ? named : undefined
  },

  /** False when another account has the username or verified address (canonical spelling), or `sub` was used before. */
  async create(memory: Memory, made: NewUser): Promise<boolean> {
    if ((await deletedSubs.find(memory, sha256(made.sub))) || (await belongsToAnother(memory, made)))
      return false
    const user = await writeRecord(memory, v.parse(schema, made))
    if (!user) return false
    const name = sha256(canonicalUsername(user.username))
    const email = provenEmail(user)
    const named = (await names.create(memory, name, { sub: user.sub }))
      ? 'new'
      : (await names.find(memory, name))?.sub === user.sub
    if (named && (email === undefined || (await claimEmail(memory, email, user.sub)))) {
      await memory.store.link(usersIndex, user.sub, user.created_at) // also completes a creation that was interrupted
      return named === 'new'
    }
    if (named === 'new') await names.take(memory, name)
    if (named !== true) await records.take(memory, user.sub)
    return false
  },

  /**
   * Sets the verified address of an account: false when the address belongs to another account. The address before is
   * then free for other accounts.
   */
  async proveEmail(memory: Memory, sub: string, address: string): Promise<boolean> {
    const owner = await User.findByAddress(memory, address)
    if (owner && owner.sub !== sub) return false
    const id = sha256(canonicalEmail(address))
    const mine = await claimEmail(memory, address, sub)
    if (!mine) return false
    let before: string | undefined
    const changed = await User.update(memory, sub, (user) => {
      before = provenEmail(user)
      return { ...user, claims: { ...user.claims, email: address, email_verified: true } }
    })
    if (!changed) {
      if (mine === 'new') await emails.take(memory, id)
      return false
    }
    if (before !== undefined && canonicalEmail(before) !== canonicalEmail(address))
      await emails.take(memory, sha256(canonicalEmail(before)))
    return true
  },

  /** Deletes the record and the index entries of its names. Features must have erased their data of the End-User before. */
  async remove(memory: Memory, user: User): Promise<void> {
    await deletedSubs.put(memory, sha256(user.sub), { at: seconds(memory.clock) })
    const email = provenEmail(user)
    if (email !== undefined) await emails.take(memory, sha256(canonicalEmail(email)))
    await names.take(memory, sha256(canonicalUsername(user.username)))
    await memory.store.unlink(usersIndex, user.sub)
    await records.take(memory, user.sub)
  },

  /** Changes an account; undefined when it does not exist. */
  update: (memory: Memory, sub: string, change: (user: User) => User) =>
    records.update(memory, sub, (user) => ({
      ...change(user),
      updated_at: seconds(memory.clock),
    })),

  /** The oldest first. */
  async list(memory: Memory, offset = 0, limit = 1000): Promise<User[]> {
    const subs = await memory.store.range(usersIndex, { offset, limit })
    return (await Promise.all(subs.map(({ member }) => records.find(memory, member)))).filter(
      (user) => user !== undefined,
    )
  },
}
