/** Randomness that repeats itself, for identical runs of a lesson. It makes every secret predictable. docs/lab.md, "Chance" */
import { createHash } from 'node:crypto'
import type { Random } from './random.ts'

const blockBytes = 32

/** Blocks of SHA-256 over the seed and a counter. As `systemRandom`, a text never begins with a dash. */
export function seededRandom(seed: string): Random {
  let count = 0
  const block = () => createHash('sha256').update(`latchkey lab seed 1\n${count++}\n${seed}`).digest()
  const draw = (bytes: number) => {
    const blocks = Array.from({ length: Math.ceil(bytes / blockBytes) }, block)
    return Buffer.concat(blocks).subarray(0, bytes).toString('base64url')
  }
  return (bytes) => {
    for (;;) {
      const text = draw(bytes)
      if (!text.startsWith('-')) return text
    }
  }
}
