/** `latchkey verify` and `latchkey reset-factors`: an operator helps one End-User. */
import { tellOfOperator } from '../people/tell_owner.ts'
import { readMailAddress } from '../lib/mail_address.ts'
import { FactorGeneration } from '../models/factor_generation.ts'
import { User } from '../models/user.ts'
import { withContext } from './administration.ts'
import { defineCommand, jsonOption } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { print, printable, printJson } from './output.ts'
import { audit, endAll, requireUser } from './people.ts'

export const verify = defineCommand({
  takes: ['NAME'],
  options: {
    email: { type: 'string', value: 'ADDRESS', help: 'Email address. Default: the address of the account' },
    json: jsonOption,
  },
  run: ({ email, json }, [name]) =>
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
      if (json) return printJson(facts)
      print(`${printable(address)} is the verified address of ${printable(user.username)}`)
    }),
})

export const resetFactors = defineCommand({
  takes: ['NAME'],
  options: { json: jsonOption },
  run: ({ json }, [name]) =>
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
      if (json) return printJson({ username: user.username, sub: user.sub, erased })
      print(`${printable(user.username)} has no second factor and no passkey now; ended ${ended}`)
    }),
})
