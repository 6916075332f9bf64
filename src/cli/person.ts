/** `latchkey verify` and `latchkey reset-factors`: an operator helps one End-User. */
import type { Context } from '../contracts/context.ts'
import { eraseFactors, setEmail } from '../people/account_changes.ts'
import { readMailAddress } from '../lib/mail_address.ts'
import type { User } from '../models/user.ts'
import { withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { print, printable } from './output.ts'
import { endedWords, ownerWords, requireUser } from './people.ts'

export const verify = defineCommand({
  takes: ['NAME'],
  options: {
    email: { type: 'string', value: 'ADDRESS', help: 'Email address. Default: the address of the account' },
  },
  run: ({ email }, [name]) =>
    withContext('accounts', async (context) => {
      const user = await requireUser(context, name)
      const given = email ?? user.claims.email
      const address = typeof given === 'string' ? readMailAddress(given) : undefined
      if (address === undefined)
        throw new UsageError(
          `--email: expected an address such as name@example.com, got ${printable(given ?? 'none')}`,
        )
      await requireEmail(context, user, address)
      const facts = { username: user.username, sub: user.sub, email: address, email_verified: true }
      return {
        facts,
        show: () => print(`${printable(address)} is the verified address of ${printable(user.username)}`),
      }
    }),
})

/** Throws Refusal. */
async function requireEmail(context: Context, user: User, address: string): Promise<void> {
  const refused = await setEmail(context, 'operator', user, address)
  if (refused === undefined) return
  throw new Refusal(
    refused === 'just_taken'
      ? `${printable(address)} was just taken by another account; nothing was changed`
      : `${ownerWords(address, refused.owner)}; nothing was changed`,
  )
}

export const resetFactors = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_, [name]) =>
    withContext('accounts', async (context) => {
      const user = await requireUser(context, name)
      const { erased, ended } = await eraseFactors(context, 'operator', user)
      return {
        facts: { username: user.username, sub: user.sub, erased, ...ended },
        show: () =>
          print(
            `${printable(user.username)} has no second factor and no passkey now; ended ${endedWords(ended)}`,
          ),
      }
    }),
})
