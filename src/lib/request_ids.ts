/** Request ids: a random prefix of this process and a counter, so they are unique, ordered and cheap. */
import type { Random } from './random.ts'

export function requestIds(random: Random): () => string {
  const prefix = random(6)
  let count = 0
  return () => `${prefix}-${(count++).toString(36)}`
}
