/** A permission to create one account for one address: an operator's invitation, or the link mailed at registration. OWASP ASVS 5.0 V6.4 */
import * as v from 'valibot'
import { seconds } from '../lib/clock.ts'
import { equalInConstantTime } from '../lib/equal.ts'
import { sha256 } from '../lib/hash.ts'
import type { Random } from '../lib/random.ts'
import { defineRecord, type Memory } from './define_record.ts'
import { listAll, pageOf, type IndexPage, type PageOptions } from './every_member.ts'

const schema = v.object({
  /** Not secret: the first part of the token; operators name the invitation by it. */
  id: v.string(),
  secret_hash: v.string(),
  email: v.string(),
  /** True for an operator's invitation, which is listed; false for a registration by the End-User. */
  invited: v.boolean(),
  roles: v.array(v.string()),
  attributes: v.optional(v.record(v.string(), v.unknown()), {}),
  /** The interaction in which the End-User registered, to resume it in the same browser. */
  interaction: v.optional(v.string()),
  /** The account that a request creates, until it exists. `since` in milliseconds. */
  making: v.optional(v.object({ sub: v.string(), username: v.string(), since: v.number() })),
  created_at: v.number(),
  /** Seconds. */
  exp: v.number(),
})
const records = defineRecord('invitation', schema)

export type Invitation = v.InferOutput<typeof schema>

/** Scored by expiry (ms). */
const index = 'invitations'
const idLength = 12
/** Milliseconds after which the creation of an account counts as interrupted. */
const takeOverMs = 10_000
const shape = /^([\w-]{12})([\w-]{32})$/

export const Invitation = {
  /** The token is returned once; the record has only its hash. `lifetime` in seconds. */
  async issue(
    memory: Memory,
    random: Random,
    about: Pick<Invitation, 'email' | 'invited'> &
      Partial<Pick<Invitation, 'roles' | 'attributes' | 'interaction'>>,
    lifetime: number,
  ): Promise<{ record: Invitation; token: string }> {
    const id = random((idLength / 4) * 3)
    const secret = random(24)
    const created_at = seconds(memory.clock)
    const record = {
      roles: [],
      attributes: {},
      ...about,
      id,
      secret_hash: sha256(secret),
      created_at,
      exp: created_at + lifetime,
    }
    await records.put(memory, id, record)
    if (record.invited) {
      await memory.store.trim(index, memory.clock.now())
      await memory.store.link(index, id, record.exp * 1000)
    }
    return { record, token: `${id}${secret}` }
  },

  /** The invitation of a token, which stays valid. */
  async ofToken(memory: Memory, token: string): Promise<Invitation | undefined> {
    const [, id, secret] = shape.exec(token) ?? []
    const record = id === undefined ? undefined : await records.find(memory, id)
    return record && equalInConstantTime(record.secret_hash, sha256(secret!)) ? record : undefined
  },

  /**
   * Reserves the invitation for one account and returns its `sub`; undefined when another request creates one, or the
   * invitation was revoked. What a request left that stopped is taken over for the same username, or after a while.
   */
  async claim(
    memory: Memory,
    id: string,
    { sub, username }: { sub: string; username: string },
  ): Promise<string | undefined> {
    const since = memory.clock.now()
    const claimed = await records.update(memory, id, (current) => {
      const { making } = current
      if (making && making.username !== username && since - making.since <= takeOverMs) return undefined
      return { ...current, making: { sub: making?.sub ?? sub, username, since } }
    })
    return claimed?.making?.sub
  },

  /** The account could not be created. */
  release: (memory: Memory, id: string): Promise<unknown> =>
    records.update(memory, id, ({ making: _, ...current }) => current),

  /** The account exists. */
  async spend(memory: Memory, id: string): Promise<void> {
    await records.take(memory, id)
    await memory.store.unlink(index, id)
  },

  /** True for one caller; false when a request has begun to create the account. */
  async revoke(memory: Memory, id: string): Promise<boolean> {
    const now = memory.clock.now()
    const revoked = await records.update(memory, id, (current) =>
      current.making && now - current.making.since <= takeOverMs
        ? undefined
        : { ...current, exp: seconds(memory.clock) },
    )
    if (revoked) await memory.store.unlink(index, id)
    return revoked !== undefined
  },

  /** Unexpired invitations of operators, the one that expires first at the front. */
  page: (memory: Memory, at: PageOptions): Promise<IndexPage<Invitation>> =>
    pageOf(memory.store, index, { ...at, min: memory.clock.now() }, ({ member }) =>
      records.find(memory, member),
    ),

  list: (memory: Memory): Promise<Invitation[]> => listAll((at) => Invitation.page(memory, at)),
}
