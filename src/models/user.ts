/** A person who can sign in. Claims are kept under the names of OpenID Connect Core §5.1. */
import { domainToASCII } from 'node:url'
import * as v from 'valibot'
import { sha256 } from '../lib/hash.ts'
import { normalize } from '../lib/normalize.ts'
import { replaceUnsafe } from '../lib/unsafe_text.ts'
import { declaring, openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'

const schema = openObject({
  sub: v.string(),
  username: v.string(),
  password_hash: v.optional(v.string()),
  disabled: v.optional(v.boolean(), false),
  claims: v.record(v.string(), v.unknown()),
  /** What an organisation knows of the person beyond the standard claims; scopes map some of it to claims. */
  attributes: v.optional(v.record(v.string(), v.unknown()), {}),
  roles: v.optional(v.array(v.string()), []),
  /** The language the person chose for pages and mails (BCP 47). */
  language: v.optional(v.string()),
  /** Seconds: asked for the end of the account, which comes then. Until then they may sign in to keep it, and nothing else. */
  leaving_at: v.optional(v.number()),
  created_at: v.number(),
  updated_at: v.number(),
})
const records = defineRecord('user', schema)
const names = defineRecord('username', v.object({ sub: v.string() }))
/** Each `sub` of an account that has ended, by its hash: it never means anybody else (OpenID Connect Core §8). */
const gone = defineRecord('gone_sub', v.object({ at: v.number() }))
/** Verified addresses alone: whoever proves one first has it. */
const emails = defineRecord('user_email', v.object({ sub: v.string(), at: v.optional(v.number(), 0) }))

export interface User extends v.InferOutput<typeof schema> {}
/** Declares what a feature keeps in the record of an End-User. */
export const declareUserMembers = declaring<User>()
/** As it is made: what has a default may be left out. */
export type NewUser = v.InferInput<typeof schema>

/** One spelling for names that look alike: NFKC, no invisible characters, trimmed, lower case. */
export const canonicalUsername = (name: string): string =>
  normalize(replaceUnsafe(normalize(name, 'NFKC'), 'compared').trim().toLowerCase(), 'NFKC')

/** One spelling for an address: as a name, and the domain as DNS knows it. */
export function canonicalEmail(address: string): string {
  const name = canonicalUsername(address)
  const at = name.lastIndexOf('@')
  const domain = domainToASCII(name.slice(at + 1))
  return at < 0 || domain === '' ? name : `${name.slice(0, at)}@${domain}`
}

/** The address that the End-User has proven to read: mail that gives access goes there and nowhere else. */
export const provenEmail = ({ claims }: Pick<User, 'claims'>): string | undefined =>
  claims.email_verified === true && typeof claims.email === 'string' ? claims.email : undefined

const usersIndex = 'users'

declare const active: unique symbol
/** An account for which something may be issued. Only `isActive` makes one. */
export type ActiveUser = User & { readonly [active]: true }

/** Whether anything may be issued for this account: it is there, not disabled, and its end was not asked for. */
export const isActive = (user: User | undefined): user is ActiveUser =>
  user !== undefined && !user.disabled && user.leaving_at === undefined

/**
 * Writes the record before any name points at it. What a making that broke off has left is overwritten; an account that
 * goes by its name is not: then it is returned as it stands, or undefined when the new one has another name.
 */
async function firstUnder(memory: Memory, user: User): Promise<User | undefined> {
  if (await records.create(memory, user.sub, user)) return user
  const there = await records.find(memory, user.sub)
  const name = there && canonicalUsername(there.username)
  if (there && name !== undefined && (await names.find(memory, sha256(name)))?.sub === user.sub)
    return name === canonicalUsername(user.username) ? there : undefined
  await records.put(memory, user.sub, user)
  return user
}

/** Milliseconds in which whoever claims an address writes it into their account. */
const claimingMs = 60_000

/**
 * The claim of `sub` on an address: true for one account. One that no account agrees with was left by a change that
 * broke off, and is another's to take after a while: who first claims it anew, by its owner or by another, has it.
 */
async function claimEmail(memory: Memory, address: string, sub: string): Promise<'new' | boolean> {
  const id = sha256(canonicalEmail(address))
  const at = memory.clock.now()
  if (await emails.create(memory, id, { sub, at })) return 'new'
  const holder = await emails.find(memory, id)
  if (!holder) return false
  const isLeft = at - holder.at > claimingMs && !(await User.findByEmail(memory, address))
  if (holder.sub !== sub && !isLeft) return false
  const claimed = await emails.update(memory, id, (current) =>
    current.sub === holder.sub && current.at === holder.at ? { sub, at } : undefined,
  )
  return claimed !== undefined
}

const isLikeAddress = (name: string): boolean => canonicalUsername(name).includes('@')

/** Whether the name is an address that somebody has proven, or the proven address is all that somebody goes by. */
async function isSpokenFor(memory: Memory, { sub, username, claims }: NewUser): Promise<boolean> {
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

  /** The one whose address this is, proven. */
  async findByEmail(memory: Memory, address: string): Promise<User | undefined> {
    const holder = await emails.find(memory, sha256(canonicalEmail(address)))
    const user = holder && (await records.find(memory, holder.sub))
    const email = user && provenEmail(user)
    // The index is written before the record: until both agree nobody has the address.
    return email !== undefined && canonicalEmail(email) === canonicalEmail(address) ? user : undefined
  },

  /**
   * What people type to sign in: an address they have proven, or a username. An address means whoever has proven it, so
   * that nobody stands in the way of its owner by a name that was their address once.
   */
  findByLogin: async (memory: Memory, login: string): Promise<User | undefined> =>
    (isLikeAddress(login) ? await User.findByEmail(memory, login) : undefined) ??
    (await User.findByUsername(memory, login)),

  /**
   * Whose an address is, as far as anybody here has it: who has proven it; otherwise who goes by it and has proven none,
   * so has no other name. Nobody else proves it then: it would take that name from them.
   */
  async findByAddress(memory: Memory, address: string): Promise<User | undefined> {
    const proven = await User.findByEmail(memory, address)
    if (proven) return proven
    const named = await User.findByUsername(memory, address)
    return named && provenEmail(named) === undefined ? named : undefined
  },

  /** False when the name, or the verified address, is somebody else's (in canonical spelling), or `sub` is or was. */
  async create(memory: Memory, made: NewUser): Promise<boolean> {
    if ((await gone.find(memory, sha256(made.sub))) || (await isSpokenFor(memory, made))) return false
    const user = await firstUnder(memory, v.parse(schema, made))
    if (!user) return false
    const name = sha256(canonicalUsername(user.username))
    const email = provenEmail(user)
    const named = (await names.create(memory, name, { sub: user.sub }))
      ? 'new'
      : (await names.find(memory, name))?.sub === user.sub
    if (named && (email === undefined || (await claimEmail(memory, email, user.sub)))) {
      await memory.store.link(usersIndex, user.sub, user.created_at) // a making that broke off is finished by another
      return named === 'new'
    }
    if (named === 'new') await names.take(memory, name)
    if (named !== true) await records.take(memory, user.sub)
    return false
  },

  /**
   * A proven address becomes the account's: false when it is somebody else's by now. An address that was given up is free
   * for others from then on.
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

  /** The record and the names that point at it; what else is known of the person is for its owners to erase first. */
  async remove(memory: Memory, user: User): Promise<void> {
    await gone.put(memory, sha256(user.sub), { at: Math.floor(memory.clock.now() / 1000) })
    const email = provenEmail(user)
    if (email !== undefined) await emails.take(memory, sha256(canonicalEmail(email)))
    await names.take(memory, sha256(canonicalUsername(user.username)))
    await memory.store.unlink(usersIndex, user.sub)
    await records.take(memory, user.sub)
  },

  /** Change what is there; undefined when there is no such user. */
  update: (memory: Memory, sub: string, change: (user: User) => User) =>
    records.update(memory, sub, (user) => ({
      ...change(user),
      updated_at: Math.floor(memory.clock.now() / 1000),
    })),

  /** In the order they were made. */
  async list(memory: Memory, offset = 0, limit = 1000): Promise<User[]> {
    const subs = await memory.store.range(usersIndex, { offset, limit })
    return (await Promise.all(subs.map(({ member }) => records.find(memory, member)))).filter(
      (user) => user !== undefined,
    )
  },
}
