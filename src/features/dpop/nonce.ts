/** Server nonces: a time slot with a MAC under a key that all instances share; nothing is stored. https://www.rfc-editor.org/rfc/rfc9449#section-8 */
import type { Context } from '../../contracts/context.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { deriveKey, hmac } from '../../lib/hash.ts'

/** Milliseconds of a time slot. A nonce is valid in its slot and the next. */
const span = 120_000

const nonceOf = (context: Context, slot: number): string =>
  `${slot.toString(36)}.${hmac(deriveKey(context.config.secretKey, 'dpop nonces'), `${slot}`)}`

const slotOf = (context: Context): number => Math.floor(context.clock.now() / span)

export const currentNonce = (context: Context): string => nonceOf(context, slotOf(context))

export const isGoodNonce = (nonce: string, context: Context): boolean => {
  const slot = slotOf(context)
  return [slot, slot - 1].some((each) => equalInConstantTime(nonce, nonceOf(context, each)))
}
