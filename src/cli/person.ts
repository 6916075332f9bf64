/** `latchkey verify` and `latchkey reset-factors`: an operator helps one End-User. */
import type { Context } from '../contracts/context.ts'
import { endEverything } from '../people/end_session.ts'
import { tellOfOperator } from '../people/tell_owner.ts'
import { readMailAddress } from '../lib/mail_address.ts'
import { FactorGeneration } from '../models/factor_generation.ts'
import { User } from '../models/user.ts'
import { withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { print, printable } from './output.ts'
import { audit, endAll, type EndedOfOne, endedWords, ownerWords, requireUser } from './people.ts'

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
      await setEmail(context, user, address)
      const facts = { username: user.username, sub: user.sub, email: address, email_verified: true }
      return {
        facts,
        show: () => print(`${printable(address)} is the verified address of ${printable(user.username)}`),
      }
    }),
})

/** May be repeated after a failure. */
export async function setEmail(context: Context, user: User, address: string): Promise<void> {
  const owner = await User.findByAddress(context, address)
  if (owner && owner.sub !== user.sub) throw new Refusal(`${ownerWords(address, owner)}; nothing was changed`)
  // First: after the change, a repetition of the command does not know the previous address.
  await tellOfOperator(context, user, { kind: 'email_set', detail: address }, [address, user.claims.email])
  if (!(await User.proveEmail(context, user.sub, address)))
    throw new Refusal(`${printable(address)} was just taken by another account; nothing was changed`)
  await audit(context, 'email_set', user)
}

export const resetFactors = defineCommand({
  takes: ['NAME'],
  options: {},
  run: (_, [name]) =>
    withContext('accounts', async (context) => {
      const user = await requireUser(context, name)
      const { erased, ended } = await eraseFactors(context, user)
      return {
        facts: { username: user.username, sub: user.sub, erased, ...ended },
        show: () =>
          print(
            `${printable(user.username)} has no second factor and no passkey now; ended ${endedWords(ended)}`,
          ),
      }
    }),
})

/** What was erased and ended. May be repeated after a failure. */
export async function eraseFactors(
  context: Context,
  user: User,
): Promise<{ erased: string[]; ended: EndedOfOne }> {
  const rows = context.table.personData.filter(({ factor }) => factor)
  // First, and the sessions once more at the end: an attacker who is signed in may be the reason for the reset.
  await FactorGeneration.renew(context, context.random, user.sub) // trusted devices are no longer trusted
  await endEverything(user.sub, context)
  for (const { erase } of rows) await erase(context, user.sub)
  const ended = await endAll(context, user)
  await tellOfOperator(context, user, { kind: 'factors_reset' })
  await audit(context, 'factors_reset', user)
  return { erased: rows.map((row) => row.name), ended }
}
