/** /admin/v1/sessions: the sessions of all people, and their end by client. OWASP ASVS 5.0 V7.4.5 */
import * as v from 'valibot'
import { adminRoleNames } from '../../../auth/admin_roles.ts'
import { HttpError } from '../../../auth/errors.ts'
import { isClientId } from '../../../clients/find_client.ts'
import type { Context } from '../../../contracts/context.ts'
import { inNetworks, parseNetworks, type Network } from '../../../lib/address.ts'
import { Administrators } from '../../../models/administrators.ts'
import { Session } from '../../../models/session.ts'
import { User } from '../../../models/user.ts'
import { noteChange } from '../../../people/author.ts'
import { endSessionsOfClient } from '../../../people/end_access.ts'
import { type Actor, authorOf } from '../actor.ts'
import { AfterMember, cursorOf, pageOf, pageQuery, positionOf } from '../cursor.ts'
import { GivenMoment } from '../person.ts'
import { defineRoute } from '../route.ts'
import { SessionRow, sessionRowOf } from '../session_row.ts'
import { sortingsOf } from '../sorting.ts'

const list = 'sessions'
const sortings = sortingsOf(['ends_at'])

const ListedSession = v.object({
  ...SessionRow.entries,
  username: v.pipe(v.nullable(v.string()), v.description('Null without admin:people.read')),
  administration_role: v.pipe(
    v.nullable(v.picklist(adminRoleNames)),
    v.description('Of the person; null without admin:people.read'),
  ),
})

const networksOf = (text: string): readonly Network[] | undefined => {
  try {
    return parseNetworks(text)
  } catch {
    return undefined
  }
}
export const isNetwork = (text: string): boolean => networksOf(text)?.length === 1
const network = 'an address, or a network such as 192.0.2.0/24 or 2001:db8::/32'

/**
 * The `sub` of the person whose sessions are listed; a name leads to one only for a caller who may read people. The `sub`
 * comes first, so that an account whose name is the `sub` of another hides nothing.
 */
async function subOf(context: Context, { scopes }: Actor, person: string): Promise<string> {
  if (!scopes.has('admin:people.read') || (await User.find(context, person))) return person
  return (await User.findByLogin(context, person))?.sub ?? person
}

export const sessionRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/sessions',
    summary: 'Lists the sessions of all people',
    scope: 'admin:sessions.read',
    query: {
      ...pageQuery,
      person: v.optional(
        v.pipe(
          v.string(),
          v.maxLength(320),
          v.description('The sub of a person; with admin:people.read also a username or a verified address'),
        ),
      ),
      client_id: v.optional(
        v.pipe(v.string(), v.maxLength(2000), v.description('A client that got a code or token in it')),
      ),
      address: v.optional(
        v.pipe(
          v.string(),
          v.maxLength(100),
          v.check(isNetwork, network),
          v.description(`Of the sign-in: ${network}`),
        ),
      ),
      used_since: v.optional(v.pipe(GivenMoment, v.description('Used at that time or later'))),
      sort: v.optional(
        v.pipe(
          v.picklist(sortings, `one of ${sortings.join(', ')}`),
          v.description(
            'By the time at which each ends unless it is used again. Descending, the session that was used last comes first, except those near the end that SESSION_TTL sets',
          ),
        ),
        '-ends_at',
      ),
    },
    answer: pageOf(ListedSession),
    async run(_call, context, { query, actor }) {
      const { person, client_id, address, used_since, sort, limit } = query
      const networks = address === undefined ? undefined : networksOf(address)
      const since = used_since === undefined ? undefined : Date.parse(used_since) / 1000
      const found = await Session.page(context, {
        sub: person === undefined ? undefined : await subOf(context, actor, person),
        descending: sort.startsWith('-'),
        after: positionOf(context, list, query, AfterMember),
        limit,
        matches: (session) =>
          (client_id === undefined || session.clients.includes(client_id)) &&
          (networks === undefined || inNetworks(session.address ?? '', networks)) &&
          (since === undefined || session.seen_at >= since),
      })
      return {
        answer: {
          items: await listed(context, actor, found.items),
          next: found.next === undefined ? null : cursorOf(context, list, query, found.next),
        },
      }
    },
  }),

  endOfClient: defineRoute({
    method: 'DELETE',
    path: '/clients/{client_id}/sessions',
    summary: 'Ends the sessions of all people in which a client got a code or token',
    scope: 'admin:sessions.end_all',
    changes:
      'the sessions, and the grants and tokens that are bound to them, those of other clients included; it reads every account',
    destructive: true,
    answer: v.object({ client_id: v.string(), people: v.number(), ended_sessions: v.number() }),
    async run(call, context, { params, actor }) {
      const { client_id } = params
      if (!(await isClientId(context, client_id)))
        throw new HttpError('not_found', {
          expected: 'the client_id of a client',
          came: client_id,
          problem: 'there is no such client',
        })
      const { people, sessions } = await endSessionsOfClient(context, client_id)
      const facts = { client_id, people, sessions }
      await noteChange(context, authorOf(call, actor), 'client_sessions_ended', facts)
      return { answer: { client_id, people, ended_sessions: sessions } }
    },
  }),
}

/** With whose they are, for a caller who may read people. */
async function listed(
  context: Context,
  { scopes }: Actor,
  items: readonly Session[],
): Promise<v.InferInput<typeof ListedSession>[]> {
  if (!scopes.has('admin:people.read'))
    return items.map((session) => ({ ...sessionRowOf(session), username: null, administration_role: null }))
  const administrators = await Administrators.all(context)
  const people = new Map<string, Promise<User | undefined>>()
  return Promise.all(
    items.map(async (session) => {
      const finding = people.get(session.sub) ?? User.find(context, session.sub)
      people.set(session.sub, finding)
      return {
        ...sessionRowOf(session),
        username: (await finding)?.username ?? null,
        administration_role: administrators.get(session.sub)?.role ?? null,
      }
    }),
  )
}
