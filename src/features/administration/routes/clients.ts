/** /admin/v1/clients: registered clients, their metadata, secrets and state. https://www.rfc-editor.org/rfc/rfc7591 */
import * as v from 'valibot'
import { type AdminScope, isAdminScope } from '../../../auth/admin_roles.ts'
import { HttpError } from '../../../auth/errors.ts'
import { scopeValues } from '../../../auth/scope.ts'
import { formerSecret } from '../../../clients/client_secret.ts'
import { endGrants } from '../../../clients/end_grants.ts'
import { misfitsOf, privileges } from '../../../clients/privileges.ts'
import { isMetadata } from '../../../clients/replaced_client.ts'
import type { Context } from '../../../contracts/context.ts'
import {
  addClient,
  changeClient,
  endFormerSecret,
  type Members,
  noClient,
  removeClient,
  renewSecret,
  setClientDisabled,
  withDefaults,
} from '../../../endpoints/operator_clients.ts'
import { clientStates } from '../../../models/client_index.ts'
import { type ClientSearch, clientSorts, searchClients } from '../../../models/client_search.ts'
import { Client, newSecret } from '../../../models/client.ts'
import { SortUnavailable } from '../../../models/search.ts'
import { noteChange } from '../../../people/author.ts'
import { type Actor, authorOf } from '../actor.ts'
import { cursorOf, pageOf, pageQuery, positionOf } from '../cursor.ts'
import { Moment, moment } from '../person.ts'
import { defineRoute } from '../route.ts'
import { versionOf } from '../version.ts'

const ClientRow = v.object({
  client_id: v.string(),
  client_name: v.nullable(v.string()),
  grant_types: v.array(v.string()),
  token_endpoint_auth_method: v.string(),
  self_registered: v.pipe(
    v.boolean(),
    v.description('It registered itself: the consent page says that nobody has checked it'),
  ),
  disabled: v.boolean(),
  managed_by: v.pipe(v.nullable(v.string()), v.description('The configuration file that it is changed in')),
  created_at: Moment,
})

const AClient = v.object({
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

const once = { client_secret: v.optional(v.pipe(v.string(), v.description('Shown this once'))) }

const rowOf = (client: Client): v.InferOutput<typeof ClientRow> => ({
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

const shownOf = (context: Context, client: Client): v.InferOutput<typeof AClient> => {
  const former = formerSecret(client, context.clock)
  return {
    ...rowOf(client),
    metadata: membersOf(client, (name) => isMetadata(name, context)),
    privileges: membersOf(client, (name) => privileges.includes(name)),
    has_secret: client.secret_mac !== undefined,
    former_secret_until: former ? moment(former.exp) : null,
  }
}

const Metadata = v.pipe(
  v.record(v.string(), v.unknown()),
  v.description('Client metadata (RFC 7591 §2). null removes a member'),
)
const Privileges = v.pipe(
  v.record(v.string(), v.unknown()),
  v.description(`${privileges.join(', ')}. null removes a member`),
)

/** Throws 422 for a name or a value that no privilege has. */
function requirePrivileges(own: Members): void {
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

const withoutNulls = (members: Members): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null))

const nullsIn = (members: Members): string[] =>
  Object.entries(members).flatMap(([name, value]) => (value === null ? [name] : []))

/** Members and values of lists that were given and that this provider does not know or serve. */
function leftOutOf(context: Context, given: Members, client: Client): string[] {
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

const LeftOut = {
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
function requireRightsOf({ scopes }: Actor, scope: unknown): void {
  const missing = adminScopesOf(scope).filter((each) => !scopes.has(each))
  if (missing.length === 0) return
  throw new HttpError('forbidden', {
    expected: 'a caller that holds every scope of the administration API that the client has or gets',
    came: [...scopes].join(' '),
    problem: `the client has, or would get, ${missing.join(' ')}, which this caller does not hold`,
    next: 'an administrator who holds it can do it',
  })
}

const changeableBy =
  (actor: Actor) =>
  ({ scope }: Client): void =>
    requireRightsOf(actor, scope)

const sortings = [...clientSorts, ...clientSorts.map((each) => `-${each}` as const)] as const

/** Throws 422 for an order that an encrypted store does not keep. */
async function search(context: Context, wanted: ClientSearch) {
  try {
    return await searchClients(context, wanted)
  } catch (error) {
    if (error instanceof SortUnavailable)
      throw new HttpError('unprocessable', { expected: 'sort=created_at', problem: error.message })
    throw error
  }
}

async function requireClient(context: Context, clientId: string): Promise<Client> {
  const client = await Client.find(context, clientId)
  if (client) return client
  throw noClient(clientId)
}

const list = 'clients'
const Position = v.object({ member: v.string(), score: v.number() })

export const clientRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/clients',
    summary: 'Lists and searches clients',
    scope: 'admin:clients.read',
    query: {
      ...pageQuery,
      q: v.optional(
        v.pipe(
          v.string(),
          v.maxLength(200),
          v.description('Words; each begins a word of the name, or a client_id'),
        ),
      ),
      state: v.optional(v.picklist(clientStates)),
      sort: v.optional(
        v.pipe(v.picklist(sortings), v.description('With `-` the other way round')),
        '-created_at',
      ),
    },
    answer: v.object({
      ...pageOf(ClientRow).entries,
      complete: v.pipe(
        v.boolean(),
        v.description('False while the search is being prepared: some may be missing'),
      ),
    }),
    async run(_call, context, { query }) {
      const { q, state, sort, limit } = query
      const found = await search(context, {
        query: q,
        filter: { state },
        sort: sort.replace('-', '') as (typeof clientSorts)[number],
        descending: sort.startsWith('-'),
        after: positionOf(context, list, query, Position),
        limit,
      })
      return {
        answer: {
          items: found.items.map(rowOf),
          next: found.next ? cursorOf(context, list, query, found.next) : null,
          complete: found.complete,
        },
      }
    },
  }),

  show: defineRoute({
    method: 'GET',
    path: '/clients/{client_id}',
    summary: 'Shows a client',
    scope: 'admin:clients.read',
    answer: AClient,
    async run(_call, context, { params }) {
      const client = await requireClient(context, params.client_id)
      return { answer: shownOf(context, client), etag: versionOf(client) }
    },
  }),

  create: defineRoute({
    method: 'POST',
    path: '/clients',
    summary: 'Adds a client',
    scope: 'admin:clients.write',
    changes: 'adds a client',
    creates: { once: ['client_secret'] },
    body: {
      client_name: v.pipe(v.string(), v.nonEmpty(), v.maxLength(200)),
      client_id: v.optional(
        v.pipe(
          v.string(),
          v.regex(/^[\x21-\x7e]{1,200}$/, '1 to 200 ASCII characters without spaces'),
          v.description('Default: random'),
        ),
      ),
      metadata: v.optional(Metadata, {}),
      privileges: v.optional(Privileges, {}),
    },
    answer: v.object({ ...AClient.entries, ...once, ...LeftOut }),
    async run(call, context, { body, actor }) {
      requirePrivileges(body.privileges)
      const given = withoutNulls(body.metadata)
      requireRightsOf(actor, given.scope)
      const { client, secret } = await addClient(context, authorOf(call, actor), {
        metadata: withDefaults(body.client_name, given, { jwks: given.jwks }),
        privileges: withoutNulls(body.privileges),
        clientId: body.client_id,
      })
      return {
        answer: {
          ...shownOf(context, client),
          ...(secret !== undefined && { client_secret: secret }),
          left_out: leftOutOf(context, given, client),
        },
        etag: versionOf(client),
        location: `/clients/${encodeURIComponent(client.client_id)}`,
      }
    },
  }),

  change: defineRoute({
    method: 'PATCH',
    path: '/clients/{client_id}',
    summary: 'Changes members of a client',
    scope: 'admin:clients.write',
    changes: 'the metadata and the privileges of the client',
    guarded: true,
    body: { metadata: v.optional(Metadata, {}), privileges: v.optional(Privileges, {}) },
    answer: v.object({ ...AClient.entries, ...once, ...LeftOut }),
    async run(call, context, { params, body, actor, requireMatch }) {
      requirePrivileges(body.privileges)
      const given = withoutNulls(body.metadata)
      requireRightsOf(actor, given.scope)
      const { after, secret } = await changeClient(
        context,
        authorOf(call, actor),
        params.client_id,
        {
          given,
          privileges: withoutNulls(body.privileges),
          removed: [...nullsIn(body.metadata), ...nullsIn(body.privileges)],
        },
        (client) => {
          changeableBy(actor)(client)
          requireMatch(client)
        },
      )
      return {
        answer: {
          ...shownOf(context, after),
          ...(secret !== undefined && { client_secret: secret }),
          left_out: leftOutOf(context, given, after),
        },
        etag: versionOf(after),
      }
    },
  }),

  remove: defineRoute({
    method: 'DELETE',
    path: '/clients/{client_id}',
    summary: 'Removes a client, with all grants and tokens',
    scope: 'admin:clients.write',
    changes: 'the client, its grants, tokens and consents',
    guarded: true,
    destructive: true,
    answer: v.object({ client_id: v.string(), ended_grants: v.number() }),
    async run(call, context, { params, actor, requireMatch }) {
      const { client_id } = params
      const client = await requireClient(context, client_id)
      changeableBy(actor)(client)
      requireMatch(client)
      return {
        answer: { client_id, ended_grants: await removeClient(context, authorOf(call, actor), client_id) },
      }
    },
  }),

  disable: defineRoute({
    method: 'POST',
    path: '/clients/{client_id}/disable',
    summary: 'Disables a client: it gets nothing, and its tokens do not count',
    scope: 'admin:clients.write',
    changes: 'the state of the client',
    answer: AClient,
    async run(call, context, { params, actor }) {
      const author = authorOf(call, actor)
      const client = await setClientDisabled(context, author, params.client_id, true, changeableBy(actor))
      return { answer: shownOf(context, client), etag: versionOf(client) }
    },
  }),

  enable: defineRoute({
    method: 'POST',
    path: '/clients/{client_id}/enable',
    summary: 'Enables a client that was disabled',
    scope: 'admin:clients.write',
    changes: 'the state of the client',
    answer: AClient,
    async run(call, context, { params, actor }) {
      const author = authorOf(call, actor)
      const client = await setClientDisabled(context, author, params.client_id, false, changeableBy(actor))
      return { answer: shownOf(context, client), etag: versionOf(client) }
    },
  }),

  renewSecret: defineRoute({
    method: 'POST',
    path: '/clients/{client_id}/secret',
    summary: 'Makes a new secret, while the present one still holds',
    scope: 'admin:clients.write',
    changes: 'the secret of the client',
    body: {
      overlap: v.optional(
        v.pipe(
          v.number(),
          v.integer(),
          v.minValue(0),
          v.maxValue(90 * 86_400),
          v.description('Seconds for which the present secret still holds. Default: a day'),
        ),
        86_400,
      ),
    },
    answer: v.object({ ...AClient.entries, ...once }),
    async run(call, context, { params, body, actor }) {
      const secret = newSecret(context.random)
      const after = await renewSecret(
        context,
        authorOf(call, actor),
        params.client_id,
        { secret, overlap: body.overlap },
        changeableBy(actor),
      )
      return { answer: { ...shownOf(context, after), client_secret: secret }, etag: versionOf(after) }
    },
  }),

  endFormerSecret: defineRoute({
    method: 'DELETE',
    path: '/clients/{client_id}/secret/former',
    summary: 'Ends the secret before the present one',
    scope: 'admin:clients.write',
    changes: 'the former secret of the client',
    answer: AClient,
    async run(call, context, { params, actor }) {
      const author = authorOf(call, actor)
      const after = await endFormerSecret(context, author, params.client_id, changeableBy(actor))
      return { answer: shownOf(context, after), etag: versionOf(after) }
    },
  }),

  endGrants: defineRoute({
    method: 'DELETE',
    path: '/clients/{client_id}/grants',
    summary: 'Ends all grants that people gave to a client, with all tokens and consents',
    scope: 'admin:sessions.end_all',
    changes: 'the grants, tokens and consents of the client',
    destructive: true,
    answer: v.object({ client_id: v.string(), ended_grants: v.number() }),
    async run(call, context, { params, actor }) {
      const { client_id } = await requireClient(context, params.client_id)
      const grants = await endGrants(context, client_id)
      await noteChange(context, authorOf(call, actor), 'client_grants_ended', { client_id, grants })
      return { answer: { client_id, ended_grants: grants } }
    },
  }),
}
