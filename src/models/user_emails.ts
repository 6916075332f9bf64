/** The index of verified addresses: each belongs to the account that verified it first. docs/decisions/0044-names.md */
import * as v from 'valibot'
import { sha256 } from '../lib/hash.ts'
import { canonicalEmail, typedEmail } from '../lib/spelling.ts'
import { defineRecord } from './define_record.ts'

export const emails = defineRecord('user_email', v.object({ sub: v.string(), at: v.optional(v.number(), 0) }))

export const emailKey = (address: string): string => sha256(canonicalEmail(address))

/** Where an address may be found: 0.2.0 joined the mailboxes that have one `typedEmail`, and people type addresses so. */
export const emailKeys = (address: string): string[] => [
  ...new Set([emailKey(address), sha256(typedEmail(address))]),
]
