/** The account of an End-User: its names and addresses belong to it alone. docs/decisions/0044-names.md */
import * as v from 'valibot'
import { sha256 } from '../lib/hash.ts'
import { canonicalEmail, typedEmail } from '../lib/spelling.ts'
import type { Memory } from './define_record.ts'
import { pagesOf } from './every_member.ts'
import { deletedSubs } from './deleted_subs.ts'
import { seconds } from '../lib/clock.ts'
import { emailKey, emailKeys, emails } from './user_emails.ts'
import { people, signInsIndex, usersIndex } from './people_index.ts'
import { changeIndexed, entriesOf, linkAll, takeIndexed } from './search_index.ts'
import {
  areFree,
  isLikeAddress,
  nameKey,
  nameKeysOf,
  names,
  release,
  reserve,
  shownNameKeys,
} from './names.ts'

import {
  type NewUser,
  provenEmail,
  type User as UserRecord,
  userRecords as records,
  userSchema,
} from './user_record.ts'

export { canonicalEmail, canonicalUsername } from '../lib/spelling.ts'
export { declareUserMembers, type NewUser, provenEmail } from './user_record.ts'

/** The type has the name of the object below. */
export type User = UserRecord

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
  const name = existing && nameKey(existing.username)
  if (existing && name !== undefined && (await names.find(memory, name))?.sub === user.sub)
    return name === nameKey(user.username) ? existing : undefined
  await records.put(memory, user.sub, user)
  return user
}

interface Entry {
  find(memory: Memory, id: string): Promise<{ sub: string } | undefined>
}

/** The `sub` of no account. */
const noSub = ''

/**
 * The accounts that entries of an index lead to. Two round trips also without such an entry, so that the time of a sign-in
 * does not tell whether there is an account.
 */
async function accountsOf(
  memory: Memory,
  entries: readonly (readonly [Entry, id: string])[],
): Promise<(User | undefined)[]> {
  const held = await Promise.all(entries.map(([index, id]) => index.find(memory, id)))
  return Promise.all(held.map((entry) => records.find(memory, entry?.sub ?? noSub)))
}

const entriesOfEmail = (address: string) => emailKeys(address).map((key) => [emails, key] as const)

/** Whether the account has verified the address. The index is written before the record: until both agree, no account has. */
function hasVerified(user: User | undefined, address: string, spelling = canonicalEmail): boolean {
  const email = user && provenEmail(user)
  return email !== undefined && spelling(email) === spelling(address)
}

async function verifierOf(memory: Memory, address: string, spelling = canonicalEmail) {
  const users = await accountsOf(memory, entriesOfEmail(address))
  return users.find((user) => hasVerified(user, address, spelling))
}

/** A name that the account holds for another reason, such as its look, does not find it. */
const isNamed = (user: User | undefined, username: string): boolean =>
  user !== undefined && nameKey(user.username) === nameKey(username)

/** Milliseconds within which a request that claims an address also writes it into the account. */
const claimTimeoutMs = 60_000

/** A mailbox that an older release joined with another one gets its own entry before it loses the common one. */
async function moveEntry(memory: Memory, sub: string, from: string): Promise<void> {
  const holder = await records.find(memory, sub)
  const email = holder && provenEmail(holder)
  if (email !== undefined && emailKey(email) !== from && emailKeys(email).includes(from))
    await emails.create(memory, emailKey(email), { sub, at: memory.clock.now() })
}

/**
 * Claims an address for the account `sub`: truthy for one account, 'new' when the address was free. A claim whose account
 * does not have the address was left by an interrupted change. After `claimTimeoutMs` any account may claim it, and one does.
 */
async function claimEmail(memory: Memory, address: string, sub: string): Promise<'new' | boolean> {
  const id = emailKey(address)
  const at = memory.clock.now()
  if (await emails.create(memory, id, { sub, at })) return 'new'
  const holder = await emails.find(memory, id)
  if (!holder) return false
  const isLeft = at - holder.at > claimTimeoutMs && !(await User.findByEmail(memory, address))
  if (holder.sub !== sub && !isLeft) return false
  if (holder.sub !== sub) await moveEntry(memory, holder.sub, id)
  const claimed = await emails.update(memory, id, (current) =>
    current.sub === holder.sub && current.at === holder.at ? { sub, at } : undefined,
  )
  return claimed !== undefined
}

/**
 * Whether the username is the verified address of another account, or the verified address is the username of another
 * account that has no verified address.
 */
async function belongsToAnother(memory: Memory, { sub, username, claims }: NewUser): Promise<boolean> {
  const email = provenEmail({ claims })
  const owners = await Promise.all([
    isLikeAddress(username) ? verifierOf(memory, username, typedEmail) : undefined,
    email === undefined ? undefined : User.findByAddress(memory, email),
  ])
  return owners.some((owner) => owner !== undefined && owner.sub !== sub)
}

/** Without a `preferred_username` that is the address before: another account may verify that address now. */
function withoutName(claims: User['claims'], before: string | undefined, now: string): User['claims'] {
  const { preferred_username: name, ...others } = claims
  const isBefore = before !== undefined && canonicalEmail(before) !== canonicalEmail(now)
  return isBefore && typeof name === 'string' && canonicalEmail(name) === canonicalEmail(before)
    ? others
    : claims
}

export const User = {
  find: records.find,
  load: records.load,

  async findByUsername(memory: Memory, username: string): Promise<User | undefined> {
    const [user] = await accountsOf(memory, [[names, nameKey(username)]])
    return isNamed(user, username) ? user : undefined
  },

  /** The account that has verified this address. */
  findByEmail: (memory: Memory, address: string): Promise<User | undefined> => verifierOf(memory, address),

  /**
   * The account for the text of a sign-in: a verified address or a username. An address finds the account that verified
   * it first, so that another account whose username is that address cannot prevent its owner from signing in. Text that
   * is typed in full width finds the address that it stands for, when no account has verified it as it is typed.
   */
  async findByLogin(memory: Memory, login: string): Promise<User | undefined> {
    const entries = isLikeAddress(login) ? entriesOfEmail(login) : []
    const users = await accountsOf(memory, [...entries, [names, nameKey(login)]])
    const wide = entries.length > 1 ? users.find((user) => hasVerified(user, login, typedEmail)) : undefined
    const named = users.at(-1)
    return (
      users.find((user) => hasVerified(user, login)) ?? wide ?? (isNamed(named, login) ? named : undefined)
    )
  },

  /**
   * The account that an address belongs to: the one that has verified it, else the one that has it as its username and no
   * verified address. In the second case no other account can verify it, because that would take the username away.
   */
  async findByAddress(memory: Memory, address: string): Promise<User | undefined> {
    const proven = await User.findByEmail(memory, address)
    if (proven) return proven
    const named = await User.findByUsername(memory, address)
    const isTheirs = named && canonicalEmail(named.username) === canonicalEmail(address)
    return isTheirs && provenEmail(named) === undefined ? named : undefined
  },

  /** Whether no other account than `sub` holds a name of this account, or one that looks like it. */
  areNamesFree: (memory: Memory, { sub, ...named }: Pick<NewUser, 'sub' | 'username' | 'claims'>) =>
    areFree(memory, nameKeysOf(named), sub),

  /** False when another account has a name like one of these or the verified address, or `sub` was used before. */
  async create(memory: Memory, made: NewUser): Promise<boolean> {
    if ((await User.wasDeleted(memory, made.sub)) || (await belongsToAnother(memory, made))) return false
    const user = await writeRecord(memory, v.parse(userSchema, made))
    if (!user) return false
    const keys = nameKeysOf(user)
    const email = provenEmail(user)
    const reserved = await reserve(memory, keys, user.sub)
    const isNew = reserved?.includes(keys[0]!) === true
    if (reserved && (email === undefined || (await claimEmail(memory, email, user.sub)))) {
      await Promise.all([
        linkAll(memory.store, entriesOf(people, memory.store, user)),
        isNew && memory.store.link(signInsIndex, user.sub, 0),
      ])
      await memory.store.link(usersIndex, user.sub, user.created_at) // also completes a creation that was interrupted
      return isNew
    }
    if (reserved) await release(memory, reserved, user.sub)
    if (!reserved || isNew) await records.take(memory, user.sub)
    return false
  },

  /**
   * Sets the verified address of an account: false when the address belongs to another account. The address before is
   * then free for other accounts.
   */
  async proveEmail(memory: Memory, sub: string, address: string): Promise<boolean> {
    const owner = await User.findByAddress(memory, address)
    if (owner && owner.sub !== sub) return false
    const id = emailKey(address)
    const mine = await claimEmail(memory, address, sub)
    if (!mine) return false
    let before: string | undefined
    const changed = await User.update(memory, sub, (user) => {
      before = provenEmail(user)
      const claims = withoutName(user.claims, before, address)
      return { ...user, claims: { ...claims, email: address, email_verified: true } }
    })
    if (!changed) {
      if (mine === 'new') await emails.take(memory, id)
      return false
    }
    if (before !== undefined && emailKey(before) !== id) await emails.take(memory, emailKey(before))
    return true
  },

  /** Deletes the record and its names, but none that another account got since a removal that stopped. Features erase first. */
  async remove(memory: Memory, user: User): Promise<void> {
    await deletedSubs.put(memory, sha256(user.sub), { at: seconds(memory.clock) })
    const id = emailKey(provenEmail(user) ?? '')
    if ((await emails.find(memory, id))?.sub === user.sub) await emails.take(memory, id)
    await release(memory, nameKeysOf(user), user.sub)
    await memory.store.unlink(signInsIndex, user.sub)
    await takeIndexed(people, memory, records, user.sub)
  },

  /** Changes an account; undefined when it does not exist. */
  update: (memory: Memory, sub: string, change: (user: User) => User) =>
    changeIndexed(people, memory, records, sub, (user) => ({
      ...change(user),
      updated_at: seconds(memory.clock),
    })),

  /** As `update`, for a change that may concern `preferred_username`; 'taken' when another account holds a name like it. */
  async updateNames(
    memory: Memory,
    user: User,
    wanted: string | undefined,
    change: (user: User) => User,
  ): Promise<User | 'taken' | undefined> {
    const isOwn = wanted === undefined || nameKey(wanted) === nameKey(user.username)
    const keys = isOwn ? [] : shownNameKeys({ preferred_username: wanted })
    if (!(await reserve(memory, keys, user.sub))) return 'taken'
    const after = await User.update(memory, user.sub, change)
    const kept = nameKeysOf(after ?? user)
    await release(
      memory,
      [...nameKeysOf(user), ...keys].filter((key) => !kept.includes(key)),
      user.sub,
    )
    return after
  },

  /** Whether an account that was deleted had this `sub`. */
  wasDeleted: async (memory: Memory, sub: string): Promise<boolean> =>
    (await deletedSubs.find(memory, sha256(sub))) !== undefined,

  /** All accounts, the oldest first, a page at a time. */
  async *everyone(memory: Memory): AsyncGenerator<User[]> {
    for await (const page of pagesOf(memory.store, usersIndex)) {
      const found = await Promise.all(page.map(({ member }) => records.find(memory, member)))
      yield found.filter((user) => user !== undefined)
    }
  },

  /** The oldest first. */
  async list(memory: Memory, limit = 1000): Promise<User[]> {
    const subs = await memory.store.range(usersIndex, { limit })
    return (await Promise.all(subs.map(({ member }) => records.find(memory, member)))).filter(
      (user) => user !== undefined,
    )
  },
}
