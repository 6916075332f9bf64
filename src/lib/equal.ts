/** Comparison of strings whose time does not depend on where they differ. */
import { timingSafeEqual } from 'node:crypto'

/** Constant time for strings of equal length. A difference in length is not hidden. */
export function equalInConstantTime(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
