/** What we can say of a person: the record's own claims and those that features add. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
import type { Context } from '../contracts/context.ts'
import type { SubjectType } from '../contracts/feature.ts'
import { deriveKey } from '../lib/hash.ts'
import { identifierOf, pseudonymOf } from '../lib/pseudonym.ts'
import type { Client } from '../models/client.ts'
import type { User } from '../models/user.ts'

/** Every client knows the person by the same name. */
export const publicSubject: SubjectType = { name: 'public', subjectOf: (_context, sub) => sub }

/** The name under which this client knows the person (OpenID Connect Core §8). */
export const subjectOf = (sub: string, client: Client, context: Context): string =>
  (context.table.subjectTypes.get(client.subject_type) ?? publicSubject).subjectOf(context, sub, client)

const isPublicSubject = (client: Client): boolean => client.subject_type === publicSubject.name

/** A key for each set of clients that know people by the same names. Nobody is called '', so its name is never told. */
const sectorKey = (client: Client, context: Context): Uint8Array =>
  deriveKey(context.config.secretKey, `session names of ${subjectOf('', client, context)}`)

/**
 * The name under which this client knows a session: `sid` of ID Tokens and logout tokens. One and the same for all would
 * let clients find out by it that two of their people are one, which is what their names are kept apart for.
 */
export const sidOf = (sid: string, client: Client, context: Context): string =>
  isPublicSubject(client) ? sid : pseudonymOf(sectorKey(client, context), sid)

/** The session that this client means; undefined when it can mean none. */
export const sessionBehind = (sid: string, client: Client, context: Context): string | undefined =>
  isPublicSubject(client) ? sid : identifierOf(sectorKey(client, context), sid)

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
  const added = await Promise.all(sources.map(async (source) => source.values?.(context, user, client)))
  return Object.assign({}, ...added, own) as Record<string, unknown>
}
