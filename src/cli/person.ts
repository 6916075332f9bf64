/** `latchkey verify` and `latchkey reset-factors`: an operator helps one End-User. */
import { canMail, greeting, languageOfUser, notYou, sendMail } from '../people/mail.ts'
import { readMailAddress } from '../lib/mail_address.ts'
import { say } from '../lib/say.ts'
import { Event } from '../models/event.ts'
import { FactorGeneration } from '../models/factor_generation.ts'
import { User } from '../models/user.ts'
import { withContext } from './administration.ts'
import { defineCommand, jsonOption } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { print, printable, printJson } from './output.ts'
import { endAll, requireUser } from './people.ts'

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
      await Event.add(context, context.random, { sub: user.sub, kind: 'factors_reset' })
      await tell(user)
      const erased = rows.map((row) => row.name)
      if (json) return printJson({ username: user.username, sub: user.sub, erased })
      print(`${printable(user.username)} has no second factor and no passkey now; ended ${ended}`)

      async function tell(person: User): Promise<void> {
        const { claims } = person
        if (typeof claims.email !== 'string' || !canMail(context)) return
        await sendMail(context, {
          to: claims.email,
          language: languageOfUser(user, context),
          subject: say('mail.notice_subject'),
          lines: [greeting(person, claims.email), say('event.factors_reset')],
          ...notYou(context),
        })
      }
    }),
})
