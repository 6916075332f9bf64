/** Initial access tokens, by an operator or an administrator. https://www.rfc-editor.org/rfc/rfc7591#section-3 */
import type { Context } from '../contracts/context.ts'
import { InitialAccessToken, type NewToken } from '../models/initial_access_token.ts'
import { type Author, noteChange } from '../people/author.ts'

export const mostUses = 1_000_000
/** Seconds. */
export const longestTokenLife = 3650 * 86_400
export const usualTokenLife = 30 * 86_400

/** The token is returned once. Its limits have been checked (`misfitOfLimits`). */
export async function addInitialToken(
  context: Context,
  author: Author,
  wanted: NewToken,
): Promise<{ record: InitialAccessToken; token: string }> {
  const made = await InitialAccessToken.issue(context, context.random, wanted)
  await noteChange(context, author, 'initial_access_token_added', { token: made.record.id })
  return made
}

/** False when there is none. Clients that registered with it stay. */
export async function removeInitialToken(context: Context, author: Author, id: string): Promise<boolean> {
  const removed = await InitialAccessToken.remove(context, id)
  if (removed) await noteChange(context, author, 'initial_access_token_removed', { token: id })
  return removed
}
