/** /admin/v1/people: the accounts of End-Users. */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import type { Context } from '../../../contracts/context.ts'
import { say } from '../../../lib/say.ts'
import { Administrators } from '../../../models/administrators.ts'
import { peopleStates } from '../../../models/people_index.ts'
import { peopleSorts, searchPeople } from '../../../models/people_search.ts'
import { noteChange } from '../../../people/author.ts'
import { countSignInMethods } from '../../../people/sign_in_methods.ts'
import { tellOfOperator } from '../../../people/tell_owner.ts'
import { authorOf } from '../actor.ts'
import { AfterMember, cursorOf, pageOf, pageQuery, positionOf } from '../cursor.ts'
import { Moment, Person, personOf, PersonRow, requireChangeable, requirePerson, rowOf } from '../person.ts'
import { defineRoute } from '../route.ts'
import { orderOf, sortedBy, sortingsOf } from '../sorting.ts'
import { versionOf } from '../version.ts'

const list = 'people'

const sortings = sortingsOf(peopleSorts)

const Connection = v.object({
  id: v.string(),
  provider: v.string(),
  issuer: v.string(),
  subject: v.string(),
  shown: v.pipe(v.string(), v.description('How the provider names the account')),
  created_at: Moment,
  used_at: Moment,
})

/** Connections are data of a feature. */
const dataOf = ({ table }: Context) => table.personData.find(({ name }) => name === 'connections')

export const peopleRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/people',
    summary: 'Lists and searches people',
    scope: 'admin:people.read',
    query: {
      ...pageQuery,
      q: v.optional(
        v.pipe(
          v.string(),
          v.maxLength(200),
          v.description('Words: each begins a word of the username, the name or the address. Or a whole sub'),
        ),
      ),
      state: v.optional(v.picklist(peopleStates, `one of ${peopleStates.join(', ')}`)),
      role: v.optional(v.pipe(v.string(), v.maxLength(100), v.description('A role of applications'))),
      sort: v.optional(
        v.pipe(
          v.picklist(sortings, `one of ${sortings.join(', ')}`),
          v.description('A minus sign: descending'),
        ),
        'created_at',
      ),
    },
    answer: v.object({
      ...pageOf(PersonRow).entries,
      complete: v.pipe(
        v.boolean(),
        v.description(
          'False while the indexes of an older store are being filled: some people may be missing',
        ),
      ),
    }),
    async run(_call, context, { query }) {
      const { q, state, role, sort, limit } = query
      const found = await sortedBy(
        sort,
        searchPeople(context, {
          query: q,
          filter: { state, role },
          sort: orderOf(sort),
          descending: sort.startsWith('-'),
          after: positionOf(context, list, query, AfterMember),
          limit,
        }),
      )
      const administrators = await Administrators.all(context)
      return {
        answer: {
          items: found.items.map((user) => rowOf(user, administrators.get(user.sub)?.role)),
          next: found.next === undefined ? null : cursorOf(context, list, query, found.next),
          complete: found.complete,
        },
      }
    },
  }),

  show: defineRoute({
    method: 'GET',
    path: '/people/{sub}',
    summary: 'Shows a person',
    scope: 'admin:people.read',
    answer: Person,
    async run(_call, context, { params }) {
      const user = await requirePerson(context, params.sub)
      return { answer: await personOf(context, user), etag: versionOf(user) }
    },
  }),

  factors: defineRoute({
    method: 'GET',
    path: '/people/{sub}/factors',
    summary: 'The second factors and the number of sign-in methods of a person',
    scope: 'admin:people.read',
    answer: v.object({
      second_factors: v.pipe(v.array(v.string()), v.description('Names as in SECOND_FACTORS')),
      sign_in_methods: v.pipe(v.number(), v.description('The password, passkeys, connections')),
    }),
    async run(_call, context, { params }) {
      const user = await requirePerson(context, params.sub)
      const names = await Promise.all(
        context.table.secondFactors.map(async ({ name, isSetUp }) =>
          (await isSetUp(context, user)) ? [name] : [],
        ),
      )
      return {
        answer: { second_factors: names.flat(), sign_in_methods: await countSignInMethods(user, context) },
      }
    },
  }),

  connections: defineRoute({
    method: 'GET',
    path: '/people/{sub}/connections',
    summary: 'The accounts at other providers that a person signs in with',
    scope: 'admin:people.read',
    answer: v.object({ items: v.array(Connection) }),
    async run(_call, context, { params }) {
      const { sub } = await requirePerson(context, params.sub)
      return {
        answer: { items: v.parse(v.array(Connection), (await dataOf(context)?.read(context, sub)) ?? []) },
      }
    },
  }),

  removeConnection: defineRoute({
    method: 'DELETE',
    path: '/people/{sub}/connections/{id}',
    summary: 'Disconnects an account at another provider, unless the person could not sign in without it',
    scope: 'admin:people.write',
    changes: 'the ways in which the person can sign in; sessions that began at another provider end',
    destructive: true,
    answer: v.object({ sub: v.string(), id: v.string() }),
    async run(call, context, { params: { sub, id }, actor, dryRun }) {
      const user = await requireChangeable(context, actor, sub)
      const removed = (await dataOf(context)?.removeOne?.(context, user, { id, dryRun })) ?? {
        outcome: 'absent',
      }
      if (removed.outcome === 'absent')
        throw new HttpError('not_found', {
          expected: 'the id of a connection of this person',
          came: id,
          problem: 'there is no such connection',
          next: `GET /admin/v1/people/${sub}/connections has them`,
        })
      if (removed.outcome === 'kept')
        throw new HttpError('conflict', {
          expected: 'another way to sign in',
          problem: 'it is the only way in which the person can sign in',
          next: 'set a password or send a link to choose one first',
          say: say('admin.connection_last'),
        })
      if (!dryRun) await tellOfOperator(context, user, { kind: 'connection_taken', detail: removed.name })
      await noteChange(context, authorOf(call, actor), 'connection_removed', {
        sub,
        about: removed.name,
        sessions: removed.sessions,
      })
      return { answer: { sub, id } }
    },
  }),
}
