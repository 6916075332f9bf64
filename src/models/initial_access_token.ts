/** Initial access tokens: each allows a number of client registrations within its limits, until it expires. https://www.rfc-editor.org/rfc/rfc7591#section-3 */
import * as v from 'valibot'
import { RegistrationLimits } from '../auth/registration_limits.ts'
import { seconds } from '../lib/clock.ts'
import { equalInConstantTime } from '../lib/equal.ts'
import { sha256 } from '../lib/hash.ts'
import type { Random } from '../lib/random.ts'
import { defineRecord, type Memory } from './define_record.ts'
import { listAll, pageOf, type IndexPage, type PageOptions } from './every_member.ts'

const schema = v.object({
  /** Not secret: the first part of the token; operators name the token by it. */
  id: v.string(),
  name: v.string(),
  secret_hash: v.string(),
  created_at: v.number(),
  uses: v.number(),
  uses_left: v.number(),
  limits: RegistrationLimits,
  /** Seconds. */
  exp: v.number(),
})
const records = defineRecord('initial_access_token', schema)

export type InitialAccessToken = v.InferOutput<typeof schema>

/** Scored by expiry (ms). */
const index = 'initial_access_tokens'

/** Lets secret scanners recognise the token. */
export const initialTokenPrefix = 'lki_'
const idLength = 12
const shape = /^lki_([\w-]{12})([\w-]{44})$/

export interface NewToken {
  name: string
  uses: number
  /** Seconds. */
  lifetime: number
  limits: RegistrationLimits
}

export const InitialAccessToken = {
  /** The token is returned once; the record has only its hash. */
  async issue(memory: Memory, random: Random, { name, uses, lifetime, limits }: NewToken) {
    const id = random((idLength / 4) * 3)
    const secret = random(33)
    const created_at = seconds(memory.clock)
    const exp = created_at + lifetime
    const record = { id, name, secret_hash: sha256(secret), created_at, uses, uses_left: uses, limits, exp }
    if (!(await records.create(memory, id, record))) throw new Error('an id of 72 random bits came twice')
    await memory.store.trim(index, memory.clock.now())
    await memory.store.link(index, id, exp * 1000)
    return { record, token: `${initialTokenPrefix}${id}${secret}` }
  },

  /** The record of a token with uses left. Does not count as a use. */
  async ofToken(memory: Memory, token: string): Promise<InitialAccessToken | undefined> {
    const [, id, secret] = shape.exec(token) ?? []
    const record = id === undefined ? undefined : await records.find(memory, id)
    if (!record || secret === undefined) return undefined
    return equalInConstantTime(record.secret_hash, sha256(secret)) && record.uses_left > 0
      ? record
      : undefined
  },

  /** Counts one use atomically: true for as many callers, on all instances together, as the token has uses. */
  async spend(memory: Memory, id: string): Promise<boolean> {
    const spent = await records.update(memory, id, (current) =>
      current.uses_left > 0 ? { ...current, uses_left: current.uses_left - 1 } : undefined,
    )
    return spent !== undefined
  },

  /** Unexpired tokens, the one that expires first at the front. */
  page: (memory: Memory, at: PageOptions): Promise<IndexPage<InitialAccessToken>> =>
    pageOf(memory.store, index, { ...at, min: memory.clock.now() }, ({ member }) =>
      records.find(memory, member),
    ),

  list: (memory: Memory): Promise<InitialAccessToken[]> =>
    listAll((at) => InitialAccessToken.page(memory, at)),

  /** True when there was one. Clients that registered with it stay. */
  async remove(memory: Memory, id: string): Promise<boolean> {
    const removed = await records.take(memory, id)
    await memory.store.unlink(index, id)
    return removed !== undefined
  },
}
