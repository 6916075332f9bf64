/** An account before it is created: its record with defaults, and what other accounts have of it already. docs/decisions/0044-names.md */
import type { Context } from '../contracts/context.ts'
import { seconds } from '../lib/clock.ts'
import { normalize } from '../lib/normalize.ts'
import { isClientId } from '../models/subjects.ts'
import { canonicalEmail, provenEmail, User } from '../models/user.ts'
import type { AccountRecord } from './account_record.ts'

export function accountOf(record: AccountRecord, context: Context): User {
  const now = seconds(context.clock)
  const { updated_at: _, ...rest } = record
  const claims = { ...record.claims }
  if (claims.email !== undefined && claims.email_verified === undefined) claims.email_verified = false
  return {
    ...rest,
    disabled: record.disabled ?? false,
    attributes: record.attributes ?? {},
    roles: record.roles ?? [],
    sub: record.sub ?? context.random(15),
    username: normalize(record.username, 'NFC').trim(),
    claims,
    created_at: record.created_at ?? now,
    updated_at: now,
  }
}

export function canonicalProven(user: User): string | undefined {
  const email = provenEmail(user)
  return email === undefined ? undefined : canonicalEmail(email)
}

/** One text for each member that belongs to another account, or looks like it. */
export async function clashesWith(user: User, context: Context): Promise<string[]> {
  const email = canonicalProven(user)
  const [named, free, known, client, holder] = await Promise.all([
    User.findByLogin(context, user.username),
    User.areNamesFree(context, user),
    User.find(context, user.sub),
    isClientId(context, user.sub),
    email === undefined ? undefined : User.findByAddress(context, email),
  ])
  return [
    ...(named ? ['username: another account has it'] : []),
    ...(named || free ? [] : ['username or preferred_username: looks like the name of another account']),
    ...(known ? ['sub: another account has it'] : []),
    ...(client ? ['sub: is the client_id of a client (RFC 9700 §4.15); give the account another one'] : []),
    ...(holder ? ['email: is the address of another account'] : []),
  ]
}
