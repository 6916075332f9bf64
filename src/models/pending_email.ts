/** The address that an account is about to have: one at a time, so that a newer wish makes older links worthless. */
import * as v from 'valibot'
import { defineRecord } from './define_record.ts'

const schema = v.object({
  address: v.string(),
  /** The link that is good carries the same. */
  stamp: v.string(),
  /** What `claims.email` was when it was asked for, '' for none: a change meanwhile ends the wish. */
  before: v.string(),
  /** Seconds. */
  exp: v.number(),
})

/** By `sub`. */
export const PendingEmail = defineRecord('pending_email', schema)
export type PendingEmail = v.InferOutput<typeof schema>
