/** Words that whoever guesses would begin with: the service's own, and those of the person. NIST SP 800-63B §3.1.1.2 */
import type { Context } from '../../contracts/context.ts'
import { passwordLength } from '../../auth/password_length.ts'
import { canonicalUsername } from '../../models/user.ts'
import { settings } from './settings.ts'
import { isCommon } from './tried_first.ts'

/** Shorter ones stand in too many other words. */
const shortest = 3

function piecesOf(texts: readonly string[]): string[] {
  const plain = texts.map(canonicalUsername)
  const words = plain.flatMap((text) => [
    text,
    text.replace(/[^\p{L}\p{N}]/gu, ''),
    ...text.split(/[^\p{L}\p{N}]+/u),
  ])
  const long = words.filter((word) => Array.from(word).length >= shortest)
  return [...new Set(long)].sort((a, b) => b.length - a.length)
}

export const serviceWords = (context: Context): string[] => [
  context.looks.brand.name,
  new URL(context.config.issuer).hostname,
  ...(settings(context).passwordWords ?? []),
]

/** Without those words a password must still be one: long enough, and not common. */
export async function leansOn(words: readonly string[], password: string): Promise<boolean> {
  const whole = canonicalUsername(password)
  const rest = piecesOf(words).reduce((left, word) => left.replaceAll(word, ''), whole)
  return rest !== whole && (Array.from(rest).length < passwordLength.least || (await isCommon(rest)))
}
