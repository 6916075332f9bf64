/** What an End-User agreed that a client may have, remembered so that the consent page is shown once. */
import * as v from 'valibot'
import { openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'
import { seconds } from '../lib/clock.ts'

const schema = openObject({
  scope: v.array(v.string()),
  /** Names of claims that the `claims` parameter requested. */
  claims: v.array(v.string()),
  granted_at: v.number(),
  exp: v.number(),
})
const records = defineRecord('consent', schema)

export interface Consent extends v.InferOutput<typeof schema> {}

/** Encoded, so that a `|` in a value cannot make two pairs equal. */
const id = (sub: string, clientId: string) => `${encodeURIComponent(sub)}|${clientId}`
const ofUser = (sub: string) => `user_consents:${sub}`

export const Consent = {
  find: (memory: Memory, sub: string, clientId: string) => records.find(memory, id(sub, clientId)),

  /** Adds to the consent; what was agreed before stays agreed. `lifetime` in seconds. */
  async extend(
    memory: Memory,
    sub: string,
    clientId: string,
    given: Pick<Consent, 'scope' | 'claims'>,
    lifetime: number,
  ): Promise<void> {
    const now = seconds(memory.clock)
    const fresh = { ...given, granted_at: now, exp: now + lifetime }
    const merge = (before: Consent): Consent => ({
      ...fresh,
      scope: [...new Set([...before.scope, ...given.scope])],
      claims: [...new Set([...before.claims, ...given.claims])],
    })
    await memory.store.link(ofUser(sub), clientId, now)
    if (await records.create(memory, id(sub, clientId), fresh)) return
    if (!(await records.update(memory, id(sub, clientId), merge)))
      await records.put(memory, id(sub, clientId), fresh)
  },

  /** True for the one caller that withdrew it. */
  async withdraw(memory: Memory, sub: string, clientId: string): Promise<boolean> {
    const taken = await records.take(memory, id(sub, clientId))
    await memory.store.unlink(ofUser(sub), clientId)
    return taken !== undefined
  },

  /** The client_ids that the End-User agreed to, at most `limit`. Some of these consents may have expired. */
  async clientsOf(memory: Memory, sub: string, limit: number): Promise<string[]> {
    return (await memory.store.range(ofUser(sub), { limit })).map(({ member }) => member)
  },

  /** Whether the consent includes every scope and claim of the request. */
  covers: (consent: Consent | undefined, scope: readonly string[], claims: readonly string[]): boolean =>
    consent !== undefined &&
    scope.every((each) => consent.scope.includes(each)) &&
    claims.every((each) => consent.claims.includes(each)),
}
