/** /admin/v1/clients: registered clients, their metadata, secrets and state. https://www.rfc-editor.org/rfc/rfc7591 */
import * as v from 'valibot'
import {
  addClient,
  changeClient,
  setClientDisabled,
  withDefaults,
} from '../../../endpoints/operator_clients.ts'
import { removeClient } from '../../../endpoints/remove_client.ts'
import { endFormerSecret, renewSecret } from '../../../endpoints/operator_secrets.ts'
import { clientStates } from '../../../models/client_index.ts'
import { searchClients } from '../../../models/client_search.ts'
import { newSecret } from '../../../models/client.ts'
import { authorOf } from '../actor.ts'
import {
  AClient,
  changeableBy,
  ClientRow,
  leftOutOf,
  LeftOut,
  Metadata,
  nullsIn,
  once,
  Privileges,
  requireClient,
  requirePrivileges,
  requireRightsOf,
  rowOf,
  shownOf,
  sortings,
  withoutNulls,
} from '../client.ts'
import { AfterMember, cursorOf, pageOf, pageQuery, positionOf } from '../cursor.ts'
import { defineRoute } from '../route.ts'
import { orderOf, sortedBy } from '../sorting.ts'
import { versionOf } from '../version.ts'

const list = 'clients'

const stateRoute = <const P extends `/clients/{client_id}/${string}`>(
  path: P,
  summary: string,
  disabled: boolean,
) =>
  defineRoute({
    method: 'POST',
    path,
    summary,
    scope: 'admin:clients.write',
    changes: 'the state of the client',
    answer: AClient,
    async run(call, context, { params, actor }) {
      const { client_id } = params as { client_id: string }
      const author = authorOf(call, actor)
      const client = await setClientDisabled(context, author, client_id, disabled, changeableBy(actor))
      return { answer: shownOf(context, client), etag: versionOf(client) }
    },
  })

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
      const found = await sortedBy(
        sort,
        searchClients(context, {
          query: q,
          filter: { state },
          sort: orderOf(sort),
          descending: sort.startsWith('-'),
          after: positionOf(context, list, query, AfterMember),
          limit,
        }),
      )
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
          v.regex(/[^.]/, 'a client_id with another character than a dot: . and .. are no segment of a path'),
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
        requireResult: changeableBy(actor),
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
          requireResult: changeableBy(actor),
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
      const ended_grants = await removeClient(context, authorOf(call, actor), client_id, (current) => {
        changeableBy(actor)(current)
        requireMatch(current)
      })
      return { answer: { client_id, ended_grants } }
    },
  }),

  disable: stateRoute(
    '/clients/{client_id}/disable',
    'Disables a client: it gets nothing, and its tokens do not count',
    true,
  ),
  enable: stateRoute('/clients/{client_id}/enable', 'Enables a client that was disabled', false),

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
}
