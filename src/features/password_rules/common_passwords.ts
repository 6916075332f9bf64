/** Common passwords, which attackers try first: 18,000 of at least eight characters. docs/decisions/0023-accounts.md */
import listed from '@zxcvbn-ts/language-common/src/passwords.json' with { type: 'file' }
import { canonicalUsername } from '../../models/user.ts'

/** One to four characters repeated: "aaaaaaaa", "12121212", "abcabcabc". */
const repeats = /^(.{1,4})\1{2,}.{0,3}$/u

/** Ignores case, because attackers try both. */
export async function isCommon(password: string): Promise<boolean> {
  const plain = canonicalUsername(password)
  if (repeats.test(plain)) return true
  // Read each time, because new passwords are rare and the list takes half a megabyte. The file is JSON.
  // Bun gives the path of the file for this import; its declared type is wrong.
  const list = await Bun.file(listed as unknown as string).text()
  return list.includes(JSON.stringify(plain))
}
