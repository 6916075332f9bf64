/** The way back for an End-User who lost all passkeys: a code by mail, which is valid after a waiting time. docs/decisions/0039-a-passkey-protects-its-owner.md */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { askedFactors, readyFactors } from '../../flow/second_factors.ts'
import { inGroups, randomLetters } from '../../lib/base32.ts'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import { typedBase32 } from '../../lib/typed_code.ts'
import { Administrators } from '../../models/administrators.ts'
import { defineRecord } from '../../models/define_record.ts'
import { provenEmail, type User } from '../../models/user.ts'
import { mailsLeave } from '../../people/mail.ts'
import { factorName, leastPasskeys } from './count.ts'
import { settings } from './settings.ts'

const records = defineRecord(
  'passkey_loss',
  v.object({
    hash: v.string(),
    /** Seconds: from then on the code is valid, until `exp`. */
    due: v.number(),
    exp: v.number(),
    /** The code was used. The record stays until the passkeys are removed, so that a retry finishes the removal. */
    used: v.optional(v.boolean()),
  }),
)

/** 80 bits. Wrong codes are counted; the right one is valid all the same, so that no other End-User can use the tries up. */
const codeBytes = 10
/** How long the code is valid after the waiting time. */
const validSeconds = 7 * 86_400

/** Bound to the address: when an operator changes it, a code in the former mailbox is no longer valid. */
const hashOf = (sub: string, to: string, letters: string): string =>
  sha256(`passkey loss\n${sub}\n${to}\n${letters}`)

export const PasskeyLoss = {
  find: records.find,

  /** The code; undefined if a request is pending, whose waiting time goes on. */
  async begin(context: Context, sub: string, to: string): Promise<string | undefined> {
    const letters = randomLetters(context.random, codeBytes)
    const due = seconds(context.clock) + settings(context).passkeyLossWait
    const record = { hash: hashOf(sub, to, letters), due, exp: due + validSeconds }
    if (!(await records.create(context, sub, record))) return undefined
    return inGroups(letters)
  },

  /**
   * Uses the code, if it is that of the request and the waiting time is over. Atomic: the end of the request, by the
   * End-User or by a passkey, wins if it comes first. May be repeated until `end`.
   */
  async use(context: Context, sub: string, to: string, code: string): Promise<boolean> {
    const used = await records.update(context, sub, (pending) =>
      pending.due <= seconds(context.clock) && pending.hash === hashOf(sub, to, typedBase32(code))
        ? { ...pending, used: true }
        : undefined,
    )
    return used !== undefined
  },

  /** True for the one caller that ended a pending request. */
  end: async (context: Context, sub: string): Promise<boolean> =>
    (await records.take(context, sub)) !== undefined,
}

/**
 * The proven address that gets the code. Undefined if this way back is not offered: to an End-User who must have a second
 * factor, has set up another one, or has no other way to sign in; nor to an administrator, because one mailbox gives a new
 * password too, and would be all that the administration asks for.
 */
export async function lossAddress(context: Context, user: User): Promise<string | undefined> {
  const to = provenEmail(user)
  if (settings(context).passkeyLossWait === 0 || to === undefined || !mailsLeave(context.config))
    return undefined
  const ready = await readyFactors(user, context)
  if (!ready.some(({ name }) => name === factorName)) return undefined
  if (askedFactors(ready, user, context).length > 0) return undefined
  if (await Administrators.find(context, user.sub)) return undefined
  return (await leastPasskeys(user, context)) === 0 ? to : undefined
}
