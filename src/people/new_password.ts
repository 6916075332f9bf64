/** The check of a new password: length, and the password rules of the features; no rules of composition. NIST SP 800-63B §3.1.1.2, OWASP ASVS 5.0 V6.2 */
import { asTyped } from '../auth/password_hash.ts'
import { passwordLength } from '../auth/password_length.ts'
import type { Context } from '../contracts/context.ts'
import { type Said, say } from '../lib/say.ts'
import { hasUnsafe, replaceUnsafe } from '../lib/unsafe_text.ts'
import type { User } from '../models/user.ts'

/** Of white space and invisible characters alone: it looks like an empty field, and an attacker tries it early. U+2800 is an empty Braille pattern. */
const isBlank = (password: string): boolean => /^[\s\u2800]*$/u.test(replaceUnsafe(password, 'name'))

/**
 * A message for the field, or undefined when the password is acceptable. The message never quotes the password. `about`
 * are words about the End-User (see `wordsAbout`). When a rule of a feature cannot decide, the password is acceptable.
 */
export async function newPasswordProblem(
  context: Context,
  password: string,
  about: readonly string[],
): Promise<Said | undefined> {
  const typed = asTyped(password)
  const n = Array.from(typed).length
  const { least, most } = passwordLength
  if (n > 0 && isBlank(typed)) return say('password.blank')
  if (n < least || n > most) return say('password.length', { least, most, n })
  if (hasUnsafe(typed, 'password')) return say('password.control')
  for (const rule of context.table.passwordRules) {
    const problem = await rule.problem(context, typed, about)
    if (problem) return problem
  }
  return undefined
}

const asText = (value: unknown): string[] => (typeof value === 'string' ? [value] : [])

/** Names and addresses of an End-User, which others can guess. */
export const wordsAbout = ({ username, claims }: Pick<User, 'username' | 'claims'>): string[] => [
  username,
  ...[
    'name',
    'given_name',
    'middle_name',
    'family_name',
    'nickname',
    'preferred_username',
    'email',
    'phone_number',
    'birthdate',
  ].flatMap((claim) => asText(claims[claim])),
]
