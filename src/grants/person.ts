/** What we can say of a person: the record's own claims and those that features add. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
import type { Context } from '../context.ts'
import type { SubjectType } from '../features/feature.ts'
import type { Client } from '../models/client.ts'
import type { User } from '../models/user.ts'

/** Every client knows the person by the same name. */
export const publicSubject: SubjectType = { name: 'public', subjectOf: (sub) => sub }

/** The name under which this client knows the person (OpenID Connect Core §8). */
export const subjectOf = (sub: string, client: Client, context: Context): string =>
  (context.table.subjectTypes.get(client.subject_type) ?? publicSubject).subjectOf(sub, client, context)

/** All claims by name; callers pick those that were asked for. Features add and never override. */
export async function claimsOf(
  user: User,
  client: Client,
  context: Context,
): Promise<Record<string, unknown>> {
  const own = {
    ...user.claims,
    preferred_username: user.claims.preferred_username ?? user.username,
    updated_at: user.updated_at,
  }
  const { claims: sources } = context.table
  if (sources.length === 0) return own
  const added = await Promise.all(sources.map((source) => source.values?.(user, client, context)))
  return Object.assign({}, ...added, own) as Record<string, unknown>
}
