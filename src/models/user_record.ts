/** The record of an account. Claims have the names of OpenID Connect Core §5.1. */
import * as v from 'valibot'
import { declaring, openObject } from './declared.ts'
import { defineRecord } from './define_record.ts'

export const userSchema = openObject({
  sub: v.string(),
  username: v.string(),
  password_hash: v.optional(v.string()),
  disabled: v.optional(v.boolean(), false),
  claims: v.record(v.string(), v.unknown()),
  /** Data of an organisation beyond the standard claims; CUSTOM_SCOPES maps some of it to claims. */
  attributes: v.optional(v.record(v.string(), v.unknown()), {}),
  roles: v.optional(v.array(v.string()), []),
  /** The language that the End-User chose for pages and mails (BCP 47). */
  language: v.optional(v.string()),
  /** Seconds: when the account is deleted, at the End-User's request. Until then a sign-in can only cancel that. */
  leaving_at: v.optional(v.number()),
  /** Raised to end the sign-ins that are under way: each is completed only with the one that it began with. */
  sign_in_generation: v.optional(v.number()),
  created_at: v.number(),
  updated_at: v.number(),
})
export const userRecords = defineRecord('user', userSchema)

export interface User extends v.InferOutput<typeof userSchema> {}
/** Declares members that a feature keeps in the record of an account. */
export const declareUserMembers = declaring<User>()
/** A record before it is created: members with a default may be absent. */
export type NewUser = v.InferInput<typeof userSchema>

/** The verified address of the account. Mail that gives access is sent to no other address. */
export const provenEmail = ({ claims }: Pick<User, 'claims'>): string | undefined =>
  claims.email_verified === true && typeof claims.email === 'string' ? claims.email : undefined
