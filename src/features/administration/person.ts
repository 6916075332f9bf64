/** A person as the administration API shows them. */
import * as v from 'valibot'
import { type AdminRole, adminRoleNames } from '../../auth/admin_roles.ts'
import { HttpError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import { accountStates, stateOf } from '../../people/account_state.ts'
import { Administrators } from '../../models/administrators.ts'
import { User } from '../../models/user.ts'
import { type Actor, requireRightOver } from './actor.ts'

export const moment = (seconds: number): string => new Date(seconds * 1000).toISOString()

/** A moment that a caller names. `isoTimestamp` accepts forms that no `Date` is made of. */
export const GivenMoment = v.pipe(
  v.string(),
  v.isoTimestamp('a time such as 2026-01-31T12:00:00Z'),
  v.check((text) => !Number.isNaN(Date.parse(text)), 'a time such as 2026-01-31T12:00:00Z'),
)

export const Moment = v.pipe(v.string(), v.isoTimestamp(), v.description('UTC'))

const common = {
  sub: v.pipe(v.string(), v.description('It never changes')),
  username: v.string(),
  state: v.picklist(accountStates),
  roles: v.pipe(v.array(v.string()), v.description('Of applications: the claim `roles`')),
  administration_role: v.nullable(v.picklist(adminRoleNames)),
  created_at: Moment,
  updated_at: Moment,
}

/** In lists. */
export const PersonRow = v.object({
  ...common,
  name: v.nullable(v.string()),
  email: v.nullable(v.string()),
  email_verified: v.boolean(),
})

export const Person = v.object({
  ...common,
  claims: v.record(v.string(), v.unknown()),
  attributes: v.record(v.string(), v.unknown()),
  language: v.nullable(v.string()),
  erased_at: v.pipe(v.nullable(Moment), v.description('When a deletion that the person requested is done')),
  has_password: v.boolean(),
})

const commonOf = (user: User, role: AdminRole | undefined) => ({
  sub: user.sub,
  username: user.username,
  state: stateOf(user),
  roles: user.roles,
  administration_role: role ?? null,
  created_at: moment(user.created_at),
  updated_at: moment(user.updated_at),
})

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

export const rowOf = (user: User, role: AdminRole | undefined): v.InferOutput<typeof PersonRow> => ({
  ...commonOf(user, role),
  name: textOf(user.claims.name),
  email: textOf(user.claims.email),
  email_verified: user.claims.email_verified === true,
})

export async function personOf(context: Context, user: User): Promise<v.InferOutput<typeof Person>> {
  const role = (await Administrators.find(context, user.sub))?.role
  return {
    ...commonOf(user, role),
    claims: user.claims,
    attributes: user.attributes,
    language: user.language ?? null,
    erased_at: user.leaving_at === undefined ? null : moment(user.leaving_at),
    has_password: user.password_hash !== undefined,
  }
}

/** Throws 404. */
export async function requirePerson(context: Context, sub: string): Promise<User> {
  const user = await User.find(context, sub)
  if (user) return user
  throw new HttpError('not_found', {
    expected: 'the sub of an account',
    came: sub,
    problem: 'there is no account with this sub',
    next: 'GET /admin/v1/people lists the accounts',
  })
}

/** The person, when the caller may change what such a person has. */
export async function requireChangeable(context: Context, actor: Actor, sub: string): Promise<User> {
  const user = await requirePerson(context, sub)
  await requireRightOver(context, actor, sub)
  return user
}
