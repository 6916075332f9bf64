/** Leave to make one account for one address: an operator's invitation, or the link that whoever registers is mailed. OWASP ASVS 5.0 V6.4 */
import * as v from 'valibot'
import { seconds } from '../lib/clock.ts'
import { equalInConstantTime } from '../lib/equal.ts'
import { sha256 } from '../lib/hash.ts'
import type { Random } from '../lib/random.ts'
import { defineRecord, type Memory } from './define_record.ts'

const schema = v.object({
  /** Not secret: the front of the token, and what an operator names it by. */
  id: v.string(),
  secret_hash: v.string(),
  email: v.string(),
  /** An operator's, which is listed; otherwise the person asked for it. */
  invited: v.boolean(),
  roles: v.array(v.string()),
  attributes: v.optional(v.record(v.string(), v.unknown()), {}),
  /** The interaction that the person came from, for the browser it belongs to. */
  interaction: v.optional(v.string()),
  created_at: v.number(),
  /** Seconds. */
  exp: v.number(),
})
const records = defineRecord('invitation', schema)

export type Invitation = v.InferOutput<typeof schema>

/** By when they expire (ms). */
const index = 'invitations'
const idLength = 12
const shape = /^([\w-]{12})([\w-]{32})$/

export const Invitation = {
  /** The token is in nobody's hands afterwards but the caller's. `lifetime` in seconds. */
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

  /** What a token is good for; spends nothing. */
  async ofToken(memory: Memory, token: string): Promise<Invitation | undefined> {
    const [, id, secret] = shape.exec(token) ?? []
    const record = id === undefined ? undefined : await records.find(memory, id)
    return record && equalInConstantTime(record.secret_hash, sha256(secret!)) ? record : undefined
  },

  /** True for the one caller that spends it, whatever instances they are on; an operator's withdrawal is one of them. */
  async spend(memory: Memory, id: string): Promise<boolean> {
    const mine = (await records.take(memory, id)) !== undefined
    await memory.store.unlink(index, id)
    return mine
  },

  /** It was spent for nothing: the account could not be made. */
  async restore(memory: Memory, record: Invitation): Promise<void> {
    await records.put(memory, record.id, record)
    if (record.invited) await memory.store.link(index, record.id, record.exp * 1000)
  },

  /** An operator's that have not expired, the soonest to do so first. */
  async list(memory: Memory, offset = 0, limit = 1000): Promise<Invitation[]> {
    const ids = await memory.store.range(index, { min: memory.clock.now(), offset, limit })
    const found = await Promise.all(ids.map(({ member }) => records.find(memory, member)))
    return found.filter((record) => record !== undefined)
  },
}
