/** `latchkey user show`: all about one account. */
import type { Context } from '../contracts/context.ts'
import { stateOf } from '../people/account_state.ts'
import { countSignInMethods } from '../people/sign_in_methods.ts'
import { Grant } from '../models/grant.ts'
import { Session } from '../models/session.ts'
import type { User } from '../models/user.ts'
import { withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { moment } from './output.ts'
import { requireNamed, subOption } from './people.ts'

export const show = defineCommand({
  takes: ['NAME'],
  options: subOption,
  run: ({ sub }, [name]) =>
    withContext('accounts', async (context) => {
      const user = await requireNamed(context, name, sub)
      const [sessions, grants, methods, factors] = await Promise.all([
        Session.listOfUser(context, user.sub),
        Grant.listOfUser(context, user.sub),
        countSignInMethods(user, context),
        factorsOf(context, user),
      ])
      const { username, claims, attributes, roles, language, leaving_at } = user
      return {
        facts: {
          username,
          sub: user.sub,
          ...(context.audit && { audit_subject: context.audit.pseudonym(user.sub) }),
          state: stateOf(user),
          ...(leaving_at !== undefined && { erased_at: moment(leaving_at) }),
          claims,
          attributes,
          roles,
          ...(language !== undefined && { language }),
          created_at: moment(user.created_at),
          updated_at: moment(user.updated_at),
          password: user.password_hash !== undefined,
          sign_in_methods: methods,
          second_factors: factors,
          sessions: sessions.length,
          clients: [...new Set(grants.map(({ client_id }) => client_id))],
        },
      }
    }),
})

async function factorsOf(context: Context, user: User): Promise<string[]> {
  const set = await Promise.all(
    context.table.secondFactors.map(async ({ name, isSetUp }) =>
      (await isSetUp(context, user)) ? [name] : [],
    ),
  )
  return set.flat()
}
