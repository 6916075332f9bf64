/** The roles of administrators: who has one, and who gives and takes it. */
import * as v from 'valibot'
import {
  type AdminRole,
  adminRoleNames,
  adminScopes,
  holdsRole,
  scopesOfRole,
} from '../../../auth/admin_roles.ts'
import { HttpError } from '../../../auth/errors.ts'
import type { Call } from '../../../contracts/call.ts'
import type { Context } from '../../../contracts/context.ts'
import { type Administrator, Administrators } from '../../../models/administrators.ts'
import { User } from '../../../models/user.ts'
import { requireDone, setAdministrator } from '../../../people/administrator_account.ts'
import { authorOf, isWithin } from '../actor.ts'
import { pageOf, pageQuery, pageWithin } from '../cursor.ts'
import { Moment, moment, requirePerson } from '../person.ts'
import { defineRoute, type Input } from '../route.ts'
import { versionOf } from '../version.ts'

const Role = v.object({
  sub: v.string(),
  username: v.nullable(v.string()),
  role: v.nullable(v.picklist(adminRoleNames)),
  since: v.nullable(Moment),
  disabled: v.boolean(),
})

/** What the removal of a role takes from a person. */
const Removed = v.object({
  ...Role.entries,
  lost: v.pipe(
    v.object({ role: v.nullable(v.picklist(adminRoleNames)), scopes: v.array(v.picklist(adminScopes)) }),
    v.description('What the person has no longer, or would not have: the role, and the scopes of this API'),
  ),
})

const path = '/people/{sub}/administration_role'

/**
 * An account without a role has a version too, so that two administrators do not give it two roles. A role that was given a
 * moment ago has the version that it will have.
 */
function versioned(current: Administrator | undefined): object {
  if (!current) return { role: null }
  if (current.offer === undefined) return current
  const { offer: _offer, suspended: _suspended, ...rest } = current
  return rest
}

const shown = (sub: string, username: string | undefined, entry: Administrator | undefined) => ({
  sub,
  username: username ?? null,
  role: entry?.role ?? null,
  since: entry ? moment(entry.since) : null,
  disabled: entry?.suspended ?? false,
})

/** All checks run inside of the compare-and-swap, on the entry as it is then. */
async function give(
  call: Call,
  context: Context,
  { actor, params, requireMatch }: Pick<Input<typeof path, {}, {}>, 'actor' | 'params' | 'requireMatch'>,
  role: AdminRole | undefined,
) {
  const user = await requirePerson(context, params.sub)
  if (!holdsRole(actor.scopes, role))
    throw new HttpError('forbidden', {
      expected: `a caller that holds all scopes of the role ${role}`,
      came: [...actor.scopes].join(' '),
      problem: `this caller may not give the role ${role}, which may do more than the caller`,
    })
  let before: Administrator | undefined
  const outcome = await setAdministrator(context, authorOf(call, actor), user, {
    role,
    isAllowed(current) {
      before = current
      if (!isWithin(actor)(current)) return false
      requireMatch(versioned(current))
      return true
    },
  })
  if (outcome === 'inactive')
    throw new HttpError('conflict', {
      expected: 'an active account',
      problem: 'the account is disabled or about to be deleted; nothing was changed',
      next: `POST /admin/v1/people/${user.sub}/enable`,
    })
  requireDone(outcome)
  const entry = await Administrators.find(context, user.sub)
  return { answer: shown(user.sub, user.username, entry), etag: versionOf(versioned(entry)), before }
}

export const administratorRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/administrators',
    summary: 'Lists the administrators and their roles',
    scope: 'admin:roles.read',
    query: pageQuery,
    answer: pageOf(Role),
    async run(_call, context, { query }) {
      const all = [...(await Administrators.all(context))]
      const page = pageWithin(context, { list: 'administrators', query }, all, ([sub]) => sub)
      const items = await Promise.all(
        page.items.map(async ([sub, entry]) => shown(sub, (await User.find(context, sub))?.username, entry)),
      )
      return { answer: { ...page, items } }
    },
  }),

  show: defineRoute({
    method: 'GET',
    path,
    summary: 'Shows the administration role of a person',
    scope: 'admin:roles.read',
    answer: Role,
    async run(_call, context, { params }) {
      const { sub, username } = await requirePerson(context, params.sub)
      const entry = await Administrators.find(context, sub)
      return { answer: shown(sub, username, entry), etag: versionOf(versioned(entry)) }
    },
  }),

  set: defineRoute({
    method: 'PUT',
    path,
    summary: 'Gives a person an administration role',
    scope: 'admin:roles.write',
    changes: 'the administration role of the person',
    guarded: true,
    body: { role: v.picklist(adminRoleNames, `one of ${adminRoleNames.join(', ')}`) },
    answer: Role,
    async run(call, context, input) {
      const { answer, etag } = await give(call, context, input, input.body.role)
      return { answer, etag }
    },
  }),

  remove: defineRoute({
    method: 'DELETE',
    path,
    summary: 'Takes the administration role from a person',
    scope: 'admin:roles.write',
    changes: 'the administration role of the person',
    guarded: true,
    destructive: true,
    answer: Removed,
    async run(call, context, input) {
      const { answer, before, ...done } = await give(call, context, input, undefined)
      const role = before?.role
      return { ...done, answer: { ...answer, lost: { role: role ?? null, scopes: [...scopesOfRole(role)] } } }
    },
  }),
}
