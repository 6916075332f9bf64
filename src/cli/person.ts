/** `latchkey verify` and `latchkey reset-factors`: an operator helps one End-User. */
import { tellOfOperator } from '../people/tell_owner.ts'
import { readMailAddress } from '../lib/mail_address.ts'
import { FactorGeneration } from '../models/factor_generation.ts'
import { User } from '../models/user.ts'
import { withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { print, printable } from './output.ts'
import { audit, endAll, endedWords, requireUser } from './people.ts'

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
      if (!(await User.proveEmail(context, user.sub, address)))
        throw new Refusal(
          `${printable(address)} is the verified address of another account; nothing was changed`,
        )
      await tellOfOperator(context, user, { kind: 'email_set', detail: address }, [
        address,
        user.claims.email,
      ])
      audit(context, 'email_set', user)
      const facts = { username: user.username, sub: user.sub, email: address, email_verified: true }
      return {
        facts,
        show: () => print(`${printable(address)} is the verified address of ${printable(user.username)}`),
      }
    }),
})

export const resetFactors = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_, [name]) =>
    withContext('accounts', async (context) => {
      const user = await requireUser(context, name)
      const rows = context.table.personData.filter(({ factor }) => factor)
      for (const { erase } of rows) await erase(context, user.sub)
      await FactorGeneration.renew(context, context.random, user.sub) // trusted devices are no longer trusted
      // An attacker who is signed in may be the reason for the reset.
      const ended = await endAll(context, user)
      await tellOfOperator(context, user, { kind: 'factors_reset' })
      audit(context, 'factors_reset', user)
      const erased = rows.map((row) => row.name)
      return {
        facts: { username: user.username, sub: user.sub, erased, ...ended },
        show: () =>
          print(
            `${printable(user.username)} has no second factor and no passkey now; ended ${endedWords(ended)}`,
          ),
      }
    }),
})
