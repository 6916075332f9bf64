/** A client as the administration API shows it, and which caller may change it. */
import * as v from 'valibot'
import { type AdminScope, isAdminScope } from '../../auth/admin_roles.ts'
import { HttpError } from '../../auth/errors.ts'
import { scopeValues } from '../../auth/scope.ts'
import { formerSecret } from '../../clients/client_secret.ts'
import { misfitsOf, privileges } from '../../clients/privileges.ts'
import { isMetadata } from '../../clients/replaced_client.ts'
import type { Context } from '../../contracts/context.ts'
import { type Members, noClient } from '../../endpoints/operator_clients.ts'
import { clientSorts } from '../../models/client_search.ts'
import { Client } from '../../models/client.ts'
import { type Actor } from './actor.ts'
import { Moment, moment } from './person.ts'
import { sortingsOf } from './sorting.ts'

export const ClientRow = v.object({
  client_id: v.string(),
  client_name: v.nullable(v.string()),
  grant_types: v.array(v.string()),
  token_endpoint_auth_method: v.string(),
  self_registered: v.pipe(
    v.boolean(),
    v.description('It registered itself; the consent page says that it is not verified'),
  ),
  disabled: v.boolean(),
  managed_by: v.pipe(v.nullable(v.string()), v.description('The configuration file that it is changed in')),
  created_at: Moment,
})

export const AClient = v.object({
  ...ClientRow.entries,
  metadata: v.pipe(v.record(v.string(), v.unknown()), v.description('Client metadata (RFC 7591 §2)')),
  privileges: v.pipe(
    v.record(v.string(), v.unknown()),
    v.description(`What it cannot register by itself: ${privileges.join(', ')}`),
  ),
  has_secret: v.boolean(),
  former_secret_until: v.pipe(
    v.nullable(Moment),
    v.description('The secret before the present one holds until then'),
  ),
})

export const once = { client_secret: v.optional(v.pipe(v.string(), v.description('Shown this once'))) }

export const rowOf = (client: Client): v.InferOutput<typeof ClientRow> => ({
  client_id: client.client_id,
  client_name: client.client_name ?? null,
  grant_types: client.grant_types,
  token_endpoint_auth_method: client.token_endpoint_auth_method,
  self_registered: client.self_registered,
  disabled: client.disabled,
  managed_by: client.managed_by?.file ?? null,
  created_at: moment(client.client_id_issued_at),
})

const membersOf = (client: Client, isShown: (name: string) => boolean): Record<string, unknown> =>
  Object.fromEntries(Object.entries(client).filter(([name, value]) => value !== undefined && isShown(name)))

export const shownOf = (context: Context, client: Client): v.InferOutput<typeof AClient> => {
  const former = formerSecret(client, context.clock)
  return {
    ...rowOf(client),
    metadata: membersOf(client, (name) => isMetadata(name, context)),
    privileges: membersOf(client, (name) => privileges.includes(name)),
    has_secret: client.secret_mac !== undefined,
    former_secret_until: former ? moment(former.exp) : null,
  }
}

export const Metadata = v.pipe(
  v.record(v.string(), v.unknown()),
  v.description('Client metadata (RFC 7591 §2). null removes a member'),
)
export const Privileges = v.pipe(
  v.record(v.string(), v.unknown()),
  v.description(`${privileges.join(', ')}. null removes a member`),
)

/** Throws 422 for a name or a value that no privilege has. */
export function requirePrivileges(own: Members): void {
  const unknown = Object.keys(own).find((name) => !privileges.includes(name))
  if (unknown !== undefined)
    throw new HttpError('unprocessable', {
      expected: privileges.join(', '),
      came: unknown,
      problem: `${unknown} is no privilege`,
    })
  const [misfit] = misfitsOf(withoutNulls(own))
  if (misfit)
    throw new HttpError('unprocessable', {
      expected: `${misfit.member}: ${misfit.expected}`,
      came: own[misfit.member],
    })
}

export const withoutNulls = (members: Members): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null))

export const nullsIn = (members: Members): string[] =>
  Object.entries(members).flatMap(([name, value]) => (value === null ? [name] : []))

/** Members and values of lists that were given and that this provider does not know or serve. */
export function leftOutOf(context: Context, given: Members, client: Client): string[] {
  const registered = client as unknown as Members
  return Object.entries(given).flatMap(([name, value]) => {
    if (value === null || value === undefined) return []
    if (!Object.hasOwn(client, name) || !isMetadata(name, context)) return [name]
    const kept = registered[name]
    if (!Array.isArray(value) || !Array.isArray(kept)) return []
    return value
      .filter((each) => typeof each === 'string' && !kept.includes(each))
      .map((each) => `${name}: ${each}`)
  })
}

export const LeftOut = {
  left_out: v.pipe(
    v.array(v.string()),
    v.description(
      'Members that were given and are not registered, because this provider does not serve them',
    ),
  ),
}

const adminScopesOf = (scope: unknown): AdminScope[] =>
  typeof scope === 'string' ? scopeValues(scope).filter(isAdminScope) : []

/**
 * A client that administers does so with rights of its own: to give them, or to change such a client, its secret or its
 * redirect URIs, a caller must hold them all. Throws 403.
 */
export function requireRightsOf({ scopes }: Actor, scope: unknown): void {
  const missing = adminScopesOf(scope).filter((each) => !scopes.has(each))
  if (missing.length === 0) return
  throw new HttpError('forbidden', {
    expected: 'a caller that holds every scope of the administration API that the client has or gets',
    came: [...scopes].join(' '),
    problem: `the client has, or would get, ${missing.join(' ')}, which this caller does not hold`,
    next: 'an administrator who holds it can do it',
  })
}

export const changeableBy =
  (actor: Actor) =>
  ({ scope }: Client): void =>
    requireRightsOf(actor, scope)

export const sortings = sortingsOf(clientSorts)

export async function requireClient(context: Context, clientId: string): Promise<Client> {
  const client = await Client.find(context, clientId)
  if (client) return client
  throw noClient(clientId)
}
