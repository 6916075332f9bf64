/** Nonces of this server for DPoP proofs: a time with a MAC, so nothing is stored. https://www.rfc-editor.org/rfc/rfc9449#section-9 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

export interface Nonces {
  current(): string
  isGood(nonce: unknown): boolean
}

/** Milliseconds. A nonce is good in its span and the next one. */
const span = 60_000

/** Processes behind one address need one `key`, or each refuses the nonces of the others. */
export function createNonces(key: Uint8Array = randomBytes(32), now = Date.now): Nonces {
  const of = (slot: number) => createHmac('sha256', key).update(`${slot}`).digest('base64url')
  const slot = () => Math.floor(now() / span)
  return {
    current: () => of(slot()),
    isGood: (nonce) =>
      typeof nonce === 'string' &&
      [slot(), slot() - 1].some((each) => {
        const [good, came] = [Buffer.from(of(each)), Buffer.from(nonce)]
        return good.length === came.length && timingSafeEqual(good, came)
      }),
  }
}
