/** Server nonces: a time slot with a MAC under a key that all instances share; nothing is stored. https://www.rfc-editor.org/rfc/rfc9449#section-8 */
import type { Context } from '../../contracts/context.ts'
import { deriveKeys, isMacOf, type Keys, macOf } from '../../lib/secret_keys.ts'

/** Milliseconds of a time slot. A nonce is valid in its slot and the next. */
const span = 120_000

const keysOf = ({ config }: Context): Keys => deriveKeys(config.secretKey, 'dpop nonces')

const slotOf = (context: Context): number => Math.floor(context.clock.now() / span)

export const currentNonce = (context: Context): string => {
  const slot = slotOf(context)
  return `${slot.toString(36)}.${macOf(keysOf(context), `${slot}`)}`
}

export const isGoodNonce = (nonce: string, context: Context): boolean => {
  const slot = slotOf(context)
  const [at, mac = ''] = nonce.split('.', 2)
  return [slot, slot - 1].some(
    (each) =>
      at === each.toString(36) && isMacOf(keysOf(context), `${each}`, mac) && nonce === `${at}.${mac}`,
  )
}
