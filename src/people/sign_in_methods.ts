/** Counts the sign-in methods of an account. A page that removes one checks first that it is not the last. OWASP ASVS 5.0 V6.4 */
import type { Context } from '../contracts/context.ts'
import type { User } from '../models/user.ts'

/** The password, and the methods that features count: passkeys, connections. Methods that are switched off do not count. */
export async function countSignInMethods(user: User, context: Context): Promise<number> {
  const others = await Promise.all(context.table.signInMethods.map((count) => count(context, user)))
  return others.reduce((sum, each) => sum + each, user.password_hash === undefined ? 0 : 1)
}
