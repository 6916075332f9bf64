/** Codes sent by mail or SMS: stored as HMAC, valid for ten minutes and few tries, bound to one session or interaction. https://pages.nist.gov/800-63-4/sp800-63b.html#out-of-band */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { countTry } from '../../people/rate_limit.ts'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import { isMacOf, macOf } from '../../lib/secret_keys.ts'
import { typedCode } from '../../lib/typed_code.ts'
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

export const codeLifetimeSeconds = 600
const digits = 6
const maxTries = 5
const hour = 3600
const maxPerHour = 6

/** A code for a sign-in, or to set the channel up. */
export type Purpose = 'challenge' | 'set_up'

/** What a code is bound to. */
export interface CodeBinding {
  purpose: Purpose
  channel: 'email' | 'sms'
  /** The session or interaction. */
  owner: string
  sub: string
}

const idOf = ({ channel, purpose, owner, sub }: CodeBinding) =>
  sha256(`${channel}\n${purpose}\n${sub}\n${owner}`)

/** An HMAC with a key that is not in the store: a plain hash of six digits could be reversed by trying all codes. */
const macText = (binding: CodeBinding, to: string, code: string): string =>
  `factor code\n${idOf(binding)}\n${to}\n${code}`

/** 48 random bits modulo a million: the bias is below one in 10^8. */
const newCode = (context: Context): string =>
  `${Buffer.from(context.random(6), 'base64url').readUIntBE(0, 6) % 10 ** digits}`.padStart(digits, '0')

/**
 * Replaces an earlier code. Throws `too_many_requests` if `key` (see `tryKey`) requests too many. During set-up each
 * address is counted too, because it may belong to another person. Codes to a verified address do not count there.
 */
export async function newCodeFor(
  context: Context,
  binding: CodeBinding,
  to: string,
  key: string,
): Promise<string> {
  const what = `factor_code_${binding.channel}`
  await countTry(context, what, key, maxPerHour, hour, { sub: binding.sub })
  if (binding.purpose === 'set_up')
    await countTry(context, `${what}_to`, to, maxPerHour, hour, { sub: binding.sub })
  const code = newCode(context)
  await records.put(context, idOf(binding), {
    sub: binding.sub,
    to,
    mac: macOf(context.secrets.people, macText(binding, to, code)),
    exp: seconds(context.clock) + codeLifetimeSeconds,
  })
  return code
}

/** The address that the current code was sent to. */
export const sentTo = async (context: Context, binding: CodeBinding): Promise<string | undefined> =>
  (await records.find(context, idOf(binding)))?.to

/** For a code that could not be sent. */
export const forgetCode = (context: Context, binding: CodeBinding): Promise<unknown> =>
  records.take(context, idOf(binding))

/** A code that was typed right and is still to be used up. */
interface ProvenCode {
  to: string
  mac: string
}

/** The address that the typed code was sent to, without using the code up. */
export async function proveCode(
  context: Context,
  binding: CodeBinding,
  typed: string,
): Promise<ProvenCode | undefined> {
  const pending = await records.find(context, idOf(binding))
  if (!pending) return undefined
  // Counts tries of this code before the comparison, so that concurrent tries cannot exceed the limit.
  const tries = await context.store.increment(
    `factor_code_tries:${sha256(pending.mac)}`,
    codeLifetimeSeconds * 1000,
  )
  const text = macText(binding, pending.to, typedCode(typed))
  const isRight = isMacOf(context.secrets.people, text, pending.mac)
  return tries.count > maxTries || !isRight ? undefined : pending
}

/** True for exactly one caller. */
export const useCode = async (
  context: Context,
  binding: CodeBinding,
  { mac }: ProvenCode,
): Promise<boolean> => (await records.take(context, idOf(binding)))?.mac === mac

/** Uses the code up: exactly one caller gets the address it was sent to. */
export async function spendCode(
  context: Context,
  binding: CodeBinding,
  typed: string,
): Promise<string | undefined> {
  const proven = await proveCode(context, binding, typed)
  return proven && (await useCode(context, binding, proven)) ? proven.to : undefined
}
