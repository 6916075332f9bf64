/** The passwords that are tried first: 18,000 of at least eight characters, most common first. docs/decisions/0023-accounts.md */
import listed from '@zxcvbn-ts/language-common/src/passwords.json' with { type: 'file' }
import { canonicalUsername } from '../../models/user.ts'

/** One to four characters over and over: "aaaaaaaa", "12121212", "abcabcabc". */
const repeats = /^(.{1,4})\1{2,}.{0,3}$/u

/** Upper and lower case are one, as whoever guesses tries both. */
export async function isCommon(password: string): Promise<boolean> {
  const plain = canonicalUsername(password)
  if (repeats.test(plain)) return true
  // Read each time: a new password is rare, and half a megabyte that nobody asks for is not kept. Its spelling is JSON.
  // Bun makes a path of this import, whatever its type says.
  const list = await Bun.file(listed as unknown as string).text()
  return list.includes(JSON.stringify(plain))
}
