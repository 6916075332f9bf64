/** `latchkey user remove`: the erasure of one account and of all that is stored about it. */
import { erasePerson } from '../people/person_data.ts'
import { User } from '../models/user.ts'
import { withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { print, printable } from './output.ts'
import { audit, endAll, endedWords, requireNamed, subOption } from './people.ts'
import { askOnce } from './password_prompt.ts'

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
      await audit(context, 'account_removed', user)
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
