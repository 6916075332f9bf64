/** One authorization and all its tokens: they are good only while this record lives; ending it is one deletion. */
import * as v from 'valibot'
import { declaring, openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'
import { everyMember } from './every_member.ts'

const ClaimNames = v.optional(v.record(v.string(), v.nullable(v.record(v.string(), v.unknown()))))

const schema = openObject({
  grant_id: v.string(),
  client_id: v.string(),
  sub: v.string(),
  /** As it was at sign-in, so that introspection need not look the person up. */
  username: v.string(),
  scope: v.array(v.string()),
  claims: v.optional(v.object({ userinfo: ClaimNames, id_token: ClaimNames })),
  /** Languages in which the client would like claims (OpenID Connect Core §5.2), best first. */
  claims_locales: v.optional(v.array(v.string())),
  authentication: v.object({
    auth_time: v.number(),
    acr: v.string(),
    amr: v.array(v.string()),
    sid: v.string(),
  }),
  /** Seconds: when the person, or whoever spoke for them, gave it. Older ones do not say. */
  begun_at: v.optional(v.number()),
  /** Its code was redeemed: whoever comes second is a replay, and ends the grant. */
  code_used: v.optional(v.boolean()),
  /** Ends with the session it came from; false once offline_access was granted. */
  session_bound: v.boolean(),
  /** The refresh family, constant in size: which generation is current and when (ms) it became so. */
  refresh: v.optional(v.object({ generation: v.number(), rotated_at: v.number() })),
  /** The client proved who it is when it redeemed this: its refresh tokens are for nobody who cannot. */
  authenticated: v.optional(v.boolean()),
  /** The key of a public client, from its first token request on (RFC 9449 §5). */
  cnf: v.optional(v.record(v.string(), v.unknown())),
  /** Seconds: the end of every token under this grant, whatever they say. */
  exp: v.number(),
})
const records = defineRecord('grant', schema)

export interface Grant extends v.InferOutput<typeof schema> {}

/** What authorization parameters of features add to a grant. Only a declaration of its members makes one. */
export const GrantExtra = v.pipe(v.record(v.string(), v.unknown()), v.brand('GrantExtra'))
export type GrantExtra = v.InferOutput<typeof GrantExtra>

/** Declares members that a feature adds to grants: `extra` makes them, `of` reads them. */
export const declareGrantMembers = <const E extends v.ObjectEntries>(entries: E) => ({
  ...declaring<Grant | GrantExtra>()(entries),
  extra: (members: v.InferInput<v.ObjectSchema<E, undefined>>) => members as GrantExtra,
})

const ofSession = (sid: string) => `session_grants:${sid}`
const ofUser = (sub: string) => `user_grants:${sub}`

/** A day longer than the grants themselves, for the indexes that name them. */
const indexTtl = (memory: Memory, grant: Grant, lifetime: number) =>
  Math.max(grant.exp * 1000 - memory.clock.now(), lifetime * 1000) + 86_400_000

export const Grant = {
  find: records.find,
  load: records.load,
  update: records.update,

  /** `lifetime` in seconds is how long the grant may come to live once its code is redeemed. */
  async create(memory: Memory, grant: Grant, lifetime: number): Promise<void> {
    const ttl = indexTtl(memory, grant, lifetime)
    const until = (grant.exp + lifetime) * 1000 // redeemed at the last moment it lives that long
    await Promise.all([
      memory.store.trim(ofUser(grant.sub), memory.clock.now()), // whoever never looks at the list has one as well
      records.create(memory, grant.grant_id, {
        begun_at: Math.floor(memory.clock.now() / 1000),
        ...grant,
      }),
      memory.store.link(ofUser(grant.sub), grant.grant_id, until, ttl),
      grant.session_bound &&
        memory.store.link(ofSession(grant.authentication.sid), grant.grant_id, until, ttl),
    ])
  },

  /** Every token of the grant stops working. Idempotent; true for the one caller that ended it. */
  async end(memory: Memory, grantId: string): Promise<boolean> {
    const grant = await records.take(memory, grantId)
    if (!grant) return false
    await Promise.all([
      memory.store.unlink(ofUser(grant.sub), grantId),
      grant.session_bound && memory.store.unlink(ofSession(grant.authentication.sid), grantId),
    ])
    return true
  },

  /** End all grants that live no longer than this session. */
  endOfSession: (memory: Memory, sid: string) => endAll(memory, ofSession(sid)),
  /** End all grants of a person, of one client when it is named. */
  endOfUser: (memory: Memory, sub: string, clientId?: string) => endAll(memory, ofUser(sub), clientId),

  /** The live grants of a person; forgets those that have passed. */
  async listOfUser(memory: Memory, sub: string): Promise<Grant[]> {
    await memory.store.trim(ofUser(sub), memory.clock.now())
    const ids = await everyMember(memory.store, ofUser(sub))
    return (await Promise.all(ids.map((id) => records.find(memory, id)))).filter(
      (grant) => grant !== undefined,
    )
  },
}

async function endAll(memory: Memory, index: string, clientId?: string): Promise<void> {
  for (let offset = 0; ;) {
    const ids = await memory.store.range(index, { limit: 500, offset })
    const kept = await Promise.all(
      ids.map(async ({ member }) => {
        if (clientId !== undefined) {
          const grant = await records.find(memory, member)
          if (grant && grant.client_id !== clientId) return 1
        }
        await Grant.end(memory, member)
        await memory.store.unlink(index, member)
        return 0
      }),
    )
    offset += kept.reduce<number>((sum, each) => sum + each, 0)
    if (ids.length < 500) return
  }
}
