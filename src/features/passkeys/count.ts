/** How many passkeys an End-User has, and how many must stay. */
import type { Context } from '../../contracts/context.ts'
import type { CountSignInMethods } from '../../contracts/feature.ts'
import { isLastNeeded } from '../../flow/second_factors.ts'
import type { User } from '../../models/user.ts'
import { Passkey } from './records.ts'

/** The name of passkeys in SECOND_FACTORS. */
export const factorName = 'passkey'

export const countPasskeys: CountSignInMethods = async (context, { sub }) =>
  (await Passkey.listOf(context, sub)).length

/** How many passkeys must stay: one if it is the last sign-in method, or the last second factor where one is required. */
export async function leastPasskeys(user: User, context: Context): Promise<number> {
  if (await isLastNeeded(user, factorName, context)) return 1
  if (user.password_hash !== undefined) return 0
  const others = context.table.signInMethods.filter((count) => count !== countPasskeys)
  const counts = await Promise.all(others.map((count) => count(context, user)))
  return counts.some((count) => count > 0) ? 0 : 1
}
