/** /admin/v1/people: the accounts of End-Users. */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import { Administrators } from '../../../models/administrators.ts'
import { countSignInMethods } from '../../../people/sign_in_methods.ts'
import { cursorOf, pageOf, pageQuery, positionOf } from '../cursor.ts'
import { findPeople, Position, sortings } from '../find_people.ts'
import { Person, personOf, PersonRow, requirePerson, rowOf } from '../person.ts'
import { defineRoute } from '../route.ts'
import { versionOf } from '../version.ts'

const list = 'people'

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
          v.description('A username, a verified email address or a sub, as a whole'),
        ),
      ),
      sort: v.optional(v.pipe(v.picklist(sortings), v.description('The oldest first')), 'created_at'),
    },
    answer: pageOf(PersonRow),
    async run(_call, context, { query }) {
      const position = positionOf(context, list, query, Position)
      const { people, next } = await findPeople(context, { ...query, after: position })
      const administrators = await Administrators.all(context)
      return {
        answer: {
          items: people.map((user) => rowOf(user, administrators.get(user.sub)?.role)),
          next: next === undefined ? null : cursorOf(context, list, query, next),
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
    answer: v.object({ items: v.array(v.looseObject({})) }),
    async run(_call, context, { params }) {
      const { sub } = await requirePerson(context, params.sub)
      const row = context.table.personData.find(({ name }) => name === 'connections')
      const found = await row?.read(context, sub)
      if (found !== undefined && !Array.isArray(found))
        throw new HttpError('server_error', { expected: 'connections as a list' })
      return { answer: { items: found ?? [] } }
    },
  }),
}
