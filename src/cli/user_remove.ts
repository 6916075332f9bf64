/** `latchkey user show` and `user remove`: all about one account, and its erasure. */
import type { Context } from '../contracts/context.ts'
import { countSignInMethods } from '../people/sign_in_methods.ts'
import { erasePerson } from '../people/person_data.ts'
import { Grant } from '../models/grant.ts'
import { Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import { withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { moment, print, printable } from './output.ts'
import { audit, endAll, endedWords, requireUser, stateOf } from './people.ts'
import { askOnce } from './password_prompt.ts'

/** A line of the log names an account by its `sub`. It is an option, because a username may look like one. */
const subOption = {
  sub: { type: 'string', instead: true, value: 'SUB', help: 'The account with this sub, in place of NAME' },
} as const

async function requireNamed(context: Context, name: string, sub: string | undefined): Promise<User> {
  if (sub === undefined) return requireUser(context, name)
  const user = await User.find(context, sub)
  if (!user)
    throw new Refusal(`there is no account with sub ${printable(sub)}; latchkey user list shows all accounts`)
  return user
}

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

export const remove = defineCommand({
  takes: ['NAME'],
  options: {
    ...subOption,
    yes: { type: 'boolean', help: 'Do not ask. Needed without a terminal' },
  },
  run: ({ sub, yes }, [name]) =>
    withContext('accounts', async (context) => {
      const user = await requireNamed(context, name, sub)
      if (!yes) await confirm(user)
      audit(context, 'account_removed', user)
      // Disabled first, so that no session begins; then what a server had begun ends too.
      await User.update(context, user.sub, (current) => ({ ...current, disabled: true }))
      const ended = await endAll(context, user)
      await erasePerson(user.sub, context)
      const { username } = user
      return {
        facts: { username, sub: user.sub, removed: true, ...ended },
        show: () =>
          print(
            `${printable(username)} is removed with all that is stored about the account; ended ${endedWords(ended)}. ` +
              'Its sub is never given to another account.',
          ),
      }
    }),
})

/** The erasure cannot be undone. */
async function confirm({ username }: User): Promise<void> {
  const name = printable(username)
  if (!process.stdin.isTTY)
    throw new UsageError(
      `this erases the account ${name} and all that is stored about it: add --yes to confirm`,
    )
  if ((await askOnce(`Erase the account ${name}? Type its name: `)) !== username)
    throw new Refusal('the name does not match; nothing was changed')
}
