/** Opaque access tokens, and the `jti` of each JWT access token that was revoked before it expired. */
import * as v from 'valibot'
import { skewSeconds } from '../lib/clock.ts'
import { sha256 } from '../lib/hash.ts'
import { declaring, openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'

const schema = openObject({
  /** Absent for client_credentials: such a token has no grant record. */
  grant_id: v.optional(v.string()),
  client_id: v.string(),
  sub: v.string(),
  scope: v.string(),
  aud: v.union([v.string(), v.array(v.string())]),
  iat: v.number(),
  exp: v.number(),
})
const records = defineRecord('access', schema)
const revoked = defineRecord('revoked', v.object({ exp: v.number() }))

export type AccessToken = v.InferOutput<typeof schema>

/** Declares claims that features add to access tokens. */
export const declareTokenClaims = declaring<Pick<AccessToken, 'aud'>>()

export const AccessToken = {
  find: (memory: Memory, handle: string) => records.find(memory, sha256(handle)),
  put: (memory: Memory, handle: string, token: AccessToken) => records.put(memory, sha256(handle), token),
  remove: (memory: Memory, handle: string) => records.take(memory, sha256(handle)),

  /** A signed token cannot be deleted, so its `jti` is remembered as revoked until it has expired for every instance. */
  revokeJti: (memory: Memory, jti: string, exp: number) =>
    revoked.put(memory, sha256(jti), { exp: exp + skewSeconds }),
  isRevoked: async (memory: Memory, jti: string) => (await revoked.find(memory, sha256(jti))) !== undefined,
}
