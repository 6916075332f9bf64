/** Comparison whose time does not tell where two strings differ. */
import { timingSafeEqual } from 'node:crypto'

/** Constant time for strings of equal length; a difference in length shows, as it may. */
export function equalInConstantTime(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
