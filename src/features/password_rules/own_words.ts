/** Words that an attacker tries first: those of the service and of the account. NIST SP 800-63B §3.1.1.2 */
import type { Context } from '../../contracts/context.ts'
import { passwordLength } from '../../auth/password_length.ts'
import { canonicalUsername } from '../../models/user.ts'
import { settings } from './settings.ts'
import { isCommon } from './common_passwords.ts'

/** Shorter words occur in too many other words. */
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

/** Whether the password, without those words, is too short or common. */
export async function isMadeOf(words: readonly string[], password: string): Promise<boolean> {
  const whole = canonicalUsername(password)
  const rest = piecesOf(words).reduce((left, word) => left.replaceAll(word, ''), whole)
  return rest !== whole && (Array.from(rest).length < passwordLength.least || (await isCommon(rest)))
}
