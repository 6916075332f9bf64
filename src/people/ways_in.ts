/** How many ways to sign in a person has: whatever takes one away asks here first, so that nobody is locked out. OWASP ASVS 5.0 V6.4 */
import type { Context } from '../contracts/context.ts'
import type { User } from '../models/user.ts'

/** A password, and what features know of: passkeys, connections. A way that is switched off counts for nothing. */
export async function countWaysIn(user: User, context: Context): Promise<number> {
  const others = await Promise.all(context.table.waysIn.map((count) => count(context, user)))
  return others.reduce((sum, each) => sum + each, user.password_hash === undefined ? 0 : 1)
}
