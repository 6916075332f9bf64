/** `latchkey user remove`: the erasure of one account and of all that is stored about it. */
import { removeAccount } from '../people/account_changes.ts'
import type { User } from '../models/user.ts'
import { withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { print, printable } from './output.ts'
import { endedWords, requireChanged, requireNamed, subOption } from './people.ts'
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
      const ended = requireChanged(user, await removeAccount(context, 'operator', user))
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
