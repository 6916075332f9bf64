/** The new address of an account, before it is confirmed: one at a time, so that a newer request invalidates older links. */
import * as v from 'valibot'
import { defineRecord } from './define_record.ts'

const schema = v.object({
  address: v.string(),
  /** Equal to the stamp in the one valid link. */
  stamp: v.string(),
  /** `claims.email` at the time of the request, '' for none. When it has changed since, the request is no longer valid. */
  before: v.string(),
  /** Seconds. */
  exp: v.number(),
})

/** By `sub`. */
export const PendingEmail = defineRecord('pending_email', schema)
export type PendingEmail = v.InferOutput<typeof schema>
