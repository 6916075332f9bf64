/** Short codes that are sent: hashed at rest, ten minutes, few tries, bound to where they were asked for. https://pages.nist.gov/800-63-4/sp800-63b.html#out-of-band */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { countTry } from '../../people/rate_limit.ts'
import { seconds } from '../../lib/clock.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { hmac, sha256 } from '../../lib/hash.ts'
import { defineRecord } from '../../models/define_record.ts'

const records = defineRecord(
  'factor_code',
  v.object({
    sub: v.string(),
    to: v.string(),
    mac: v.string(),
    exp: v.number(),
  }),
)

/** Seconds. */
export const codeLife = 600
const digits = 6
const mostTries = 5
const hour = 3600
const mostAnHour = 6

/** To sign in, or to have codes sent from now on. */
export type Purpose = 'challenge' | 'set_up'

/** Where a code is good: one channel, one purpose, one session or interaction, one person. */
export interface Door {
  purpose: Purpose
  channel: 'email' | 'sms'
  /** The session or interaction. */
  owner: string
  sub: string
}

const idOf = ({ channel, purpose, owner, sub }: Door) => sha256(`${channel}\n${purpose}\n${sub}\n${owner}`)

/** Of a few digits a plain hash would be a list to look up: this one needs a key that the store does not have. */
const macOf = (context: Context, door: Door, to: string, code: string): string =>
  hmac(context.secrets.people, `factor code\n${idOf(door)}\n${to}\n${code}`)

/** 48 random bits for a million codes: no code is likelier than another by more than one in 10^8. */
const newCode = (context: Context): string =>
  `${Buffer.from(context.random(6), 'base64url').readUIntBE(0, 6) % 10 ** digits}`.padStart(digits, '0')

/**
 * A code in place of any before; throws `too_many_requests` for who asks too often: `who` is the person as they are
 * counted (tries.ts). Addresses are counted while they are set up, for they may be a stranger's; whoever has proven one
 * loses no codes by that.
 */
export async function newCodeFor(context: Context, door: Door, to: string, who: string): Promise<string> {
  const what = `factor_code_${door.channel}`
  await countTry(context, what, who, mostAnHour, hour)
  if (door.purpose === 'set_up') await countTry(context, `${what}_to`, to, mostAnHour, hour)
  const code = newCode(context)
  await records.put(context, idOf(door), {
    sub: door.sub,
    to,
    mac: macOf(context, door, to, code),
    exp: seconds(context.clock) + codeLife,
  })
  return code
}

/** Where the code that waits was sent. */
export const sentTo = async (context: Context, door: Door): Promise<string | undefined> =>
  (await records.find(context, idOf(door)))?.to

/** It never left: it cannot be typed either. */
export const forgetCode = (context: Context, door: Door): Promise<unknown> =>
  records.take(context, idOf(door))

/** The address it was sent to, for the one caller that types the code. */
export async function spendCode(context: Context, door: Door, typed: string): Promise<string | undefined> {
  const id = idOf(door)
  const waiting = await records.find(context, id)
  if (!waiting) return undefined
  // Counted for this very code, before it is compared.
  const tries = await context.store.increment(`factor_code_tries:${sha256(waiting.mac)}`, codeLife * 1000)
  const mac = macOf(context, door, waiting.to, typed.replace(/\s/g, ''))
  if (tries.count > mostTries || !equalInConstantTime(mac, waiting.mac)) return undefined
  const taken = await records.take(context, id)
  return taken?.mac === waiting.mac ? taken.to : undefined
}
