/** One authorization and all its tokens. The tokens are valid only while this record exists, so ending them is one deletion. */
import * as v from 'valibot'
import { declaring, openObject } from './declared.ts'
import { defineRecord, type Loaded, type Memory } from './define_record.ts'
import { everyMember, pagesOf } from './every_member.ts'
import { seconds } from '../lib/clock.ts'

const ClaimNames = v.optional(v.record(v.string(), v.nullable(v.record(v.string(), v.unknown()))))

const schema = openObject({
  grant_id: v.string(),
  client_id: v.string(),
  sub: v.string(),
  /** As it was at sign-in, so that introspection need not read the account. */
  username: v.string(),
  scope: v.array(v.string()),
  claims: v.optional(v.object({ userinfo: ClaimNames, id_token: ClaimNames })),
  /** Preferred languages of claims (OpenID Connect Core §5.2), the most preferred first. */
  claims_locales: v.optional(v.array(v.string())),
  authentication: v.object({
    auth_time: v.number(),
    acr: v.string(),
    amr: v.array(v.string()),
    sid: v.string(),
    /** As in the session. Absent in records of older versions. */
    through: v.optional(v.string()),
  }),
  /** Seconds: when the grant was made. Absent in records of older versions. */
  begun_at: v.optional(v.number()),
  /** The code was redeemed. Redeeming it again is a replay and ends the grant. */
  code_used: v.optional(v.boolean()),
  /** The grant ends with its session; false when offline_access was granted. */
  session_bound: v.boolean(),
  /** Seconds: the session does not run out before. Absent in records of older versions. */
  session_until: v.optional(v.number()),
  /** `epoch` of the session when the request read it. */
  session_epoch: v.optional(v.number()),
  /** The refresh token family, constant in size: the current generation and when it became current (ms). */
  refresh: v.optional(v.object({ generation: v.number(), rotated_at: v.number() })),
  /** The client authenticated when it redeemed the code: its refresh tokens require client authentication from then on. */
  authenticated: v.optional(v.boolean()),
  /** The key of a public client, from its first token request on (RFC 9449 §5). */
  cnf: v.optional(v.record(v.string(), v.unknown())),
  /** Seconds: no token of this grant is valid after it, whatever its own `exp`. */
  exp: v.number(),
})
const records = defineRecord('grant', schema)

export interface Grant extends v.InferOutput<typeof schema> {}

/** Members that features add to a grant from their authorization parameters. Only a declaration makes the value. */
export const GrantExtra = v.pipe(v.record(v.string(), v.unknown()), v.brand('GrantExtra'))
export type GrantExtra = v.InferOutput<typeof GrantExtra>

/** Declares members that a feature adds to grants: `extra` makes them, `of` reads them. */
export const declareGrantMembers = <const E extends v.ObjectEntries>(entries: E) => ({
  ...declaring<Grant | GrantExtra>()(entries),
  extra: (members: v.InferInput<v.ObjectSchema<E, undefined>>) => members as GrantExtra,
})

const ofSession = (sid: string) => `session_grants:${sid}`
const ofUser = (sub: string) => `user_grants:${sub}`

/** An index is kept a day longer than the grants in it. */
const indexTtl = (memory: Memory, grant: Grant, lifetime: number) =>
  Math.max(grant.exp * 1000 - memory.clock.now(), lifetime * 1000) + 86_400_000

/** A member outlives its grant by this time, because clocks of instances differ. */
const memberGraceMs = 120_000

/** Adds the grant to the indexes of its End-User and its session until it expires, or keeps it there for longer. */
const linked = (memory: Memory, grant: Grant, ttl: number): Promise<unknown> =>
  Promise.all(
    indexesOf(grant).map((index) =>
      memory.store.link(index, grant.grant_id, grant.exp * 1000 + memberGraceMs, ttl),
    ),
  )

const indexesOf = ({ sub, session_bound, authentication }: Grant): string[] => [
  ofUser(sub),
  ...(session_bound ? [ofSession(authentication.sid)] : []),
]

export const Grant = {
  find: records.find,
  load: records.load,
  update: records.update,

  /** `lifetime` in seconds: how long the grant can last at most after its code is redeemed. */
  async create(memory: Memory, grant: Grant, lifetime: number): Promise<void> {
    await Promise.all([
      // Here, because `listOfUser` may never be called, and a session may see many silent renewals.
      ...indexesOf(grant).map((index) => memory.store.trim(index, memory.clock.now())),
      records.create(memory, grant.grant_id, {
        begun_at: seconds(memory.clock),
        ...grant,
      }),
      linked(memory, grant, indexTtl(memory, grant, lifetime)),
    ])
  },

  /**
   * As `update`, for a change that gives the grant a later `exp`: when its code is redeemed. The indexes keep it for as
   * long, at the same time, so that what ends all grants of a session or an End-User finds it.
   */
  async prolong(
    memory: Memory,
    grant: Grant,
    change: (current: Grant) => Grant | undefined,
    loaded?: Loaded<Grant>,
  ): Promise<Grant | undefined> {
    const next = change(grant)
    const [updated] = await Promise.all([
      records.update(memory, grant.grant_id, change, loaded),
      next && linked(memory, next, indexTtl(memory, next, 0)),
    ])
    return updated
  },

  /** Every token of the grant stops working. Idempotent; true for the one caller that ended it. */
  async end(memory: Memory, grantId: string): Promise<boolean> {
    const grant = await records.take(memory, grantId)
    if (!grant) return false
    await Promise.all(indexesOf(grant).map((index) => memory.store.unlink(index, grantId)))
    return true
  },

  /** Ends all grants that are bound to this session. */
  endOfSession: (memory: Memory, sid: string) => endAll(memory, ofSession(sid)),
  /** Ends all grants of an End-User, or those of one client. */
  endOfUser: (memory: Memory, sub: string, clientId?: string) => endAll(memory, ofUser(sub), clientId),

  /** The current grants of an End-User. Removes expired ones from the index. */
  async listOfUser(memory: Memory, sub: string): Promise<Grant[]> {
    await memory.store.trim(ofUser(sub), memory.clock.now())
    const ids = await everyMember(memory.store, ofUser(sub))
    return (await Promise.all(ids.map((id) => records.find(memory, id)))).filter(
      (grant) => grant !== undefined,
    )
  },
}

async function endAll(memory: Memory, index: string, clientId?: string): Promise<void> {
  for await (const ids of pagesOf(memory.store, index, { limit: 500 }))
    await Promise.all(
      ids.map(async ({ member }) => {
        if (clientId !== undefined) {
          const grant = await records.find(memory, member)
          if (grant && grant.client_id !== clientId) return
        }
        await Grant.end(memory, member)
        await memory.store.unlink(index, member)
      }),
    )
}
