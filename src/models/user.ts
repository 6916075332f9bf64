/** A person who can sign in. Claims are kept under the names of OpenID Connect Core §5.1. */
import * as v from 'valibot'
import { sha256 } from '../lib/hash.ts'
import { defineRecord, type Memory } from './define_record.ts'

const schema = v.looseObject({
  sub: v.string(),
  username: v.string(),
  password_hash: v.optional(v.string()),
  disabled: v.optional(v.boolean(), false),
  claims: v.record(v.string(), v.unknown()),
  created_at: v.number(),
  updated_at: v.number(),
})
const records = defineRecord('user', schema)
const names = defineRecord('username', v.object({ sub: v.string() }))

export type User = v.InferOutput<typeof schema>

const invisible =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]/g

/** One spelling for names that look alike: NFKC, no invisible characters, trimmed, lower case. */
export const canonicalUsername = (name: string): string =>
  name.normalize('NFKC').replace(invisible, '').trim().toLowerCase().normalize('NFKC')

const usersIndex = 'users'

export const User = {
  find: records.find,

  async findByUsername(memory: Memory, username: string): Promise<User | undefined> {
    const name = await names.find(memory, sha256(canonicalUsername(username)))
    return name && records.find(memory, name.sub)
  },

  /** False when the name is taken (in its canonical spelling). */
  async create(memory: Memory, user: User): Promise<boolean> {
    const name = canonicalUsername(user.username)
    await records.put(memory, user.sub, user) // first, so that a name never points at nobody
    if (await names.create(memory, sha256(name), { sub: user.sub })) {
      await memory.store.link(usersIndex, user.sub, user.created_at)
      return true
    }
    const holder = await names.find(memory, sha256(name))
    if (holder?.sub !== user.sub) await records.take(memory, user.sub)
    return false
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
