/** Server nonces: the time, under a key that all instances share; nothing is stored. https://www.rfc-editor.org/rfc/rfc9449#section-8 */
import type { Context } from '../../contracts/context.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { deriveKey, hmac } from '../../lib/hash.ts'

/** Milliseconds a nonce is handed out for; it is good for one such span more. */
const span = 120_000

const spell = (context: Context, turn: number): string =>
  `${turn.toString(36)}.${hmac(deriveKey(context.config.secretKey, 'dpop nonces'), `${turn}`)}`

const turnOf = (context: Context): number => Math.floor(context.clock.now() / span)

export const currentNonce = (context: Context): string => spell(context, turnOf(context))

export const isGoodNonce = (nonce: string, context: Context): boolean => {
  const turn = turnOf(context)
  return [turn, turn - 1].some((each) => equalInConstantTime(nonce, spell(context, each)))
}
