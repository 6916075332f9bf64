/** Claims, subject identifiers and session identifiers of an End-User, as one client sees them. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
import type { Context } from '../contracts/context.ts'
import type { SubjectType } from '../contracts/feature.ts'
import { identifierOf, pseudonymOf } from '../lib/pseudonym.ts'
import type { Client } from '../models/client.ts'
import type { Grant } from '../models/grant.ts'
import type { User } from '../models/user.ts'

/** All clients get the same subject identifier. */
export const publicSubject: SubjectType = { name: 'public', subjectOf: (_context, sub) => sub }

/** The subject identifier of the End-User for this client (OpenID Connect Core §8). */
export const subjectOf = (sub: string, client: Client, context: Context): string =>
  (context.table.subjectTypes.get(client.subject_type) ?? publicSubject).subjectOf(context, sub, client)

const isPublicSubject = (client: Client): boolean => client.subject_type === publicSubject.name

/** A key for each set of clients with the same subject identifiers. It derives from the identifier of '', which no account has, so that no client ever receives it. */
const sectorKey = (client: Client, context: Context): Uint8Array =>
  context.secrets.lasting(`session names of ${subjectOf('', client, context)}`)

/**
 * The session identifier for this client: `sid` of ID Tokens and logout tokens. Clients with pairwise subject identifiers
 * get different values, because a common `sid` would let them correlate an End-User.
 */
export const sidOf = (sid: string, client: Client, context: Context): string =>
  isPublicSubject(client) ? sid : pseudonymOf(sectorKey(client, context), sid)

/** The session that the `sid` of this client names; undefined when it cannot name one. */
export const sessionBehind = (sid: string, client: Client, context: Context): string | undefined =>
  isPublicSubject(client) ? sid : identifierOf(sectorKey(client, context), sid)

/**
 * What tokens and introspection say of the sign-in (RFC 9068 §2.2.1). The time is 0, and is left out, when the issuer of
 * an assertion or an upstream provider did not state it.
 */
export const signInClaims = ({ authentication: { auth_time, acr, amr } }: Grant) => ({
  ...(auth_time > 0 && { auth_time }),
  acr,
  amr,
})

/**
 * The claims that the `claims` parameter requested, for a token with all scopes of its grant. A narrowed token has none of
 * them: the request for fewer scopes says what it is for.
 */
export const requestedClaims = (grant: Grant, scope: readonly string[]): Grant['claims'] =>
  grant.scope.every((each) => scope.includes(each)) ? grant.claims : undefined

/**
 * All claims by name; callers pick the requested ones. What a feature says of a claim counts, also that there is none: an
 * account may have stored one of the same name. No feature has a standard claim.
 */
export async function claimsOf(
  user: User,
  client: Client,
  context: Context,
): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {
    ...user.claims,
    preferred_username: user.claims.preferred_username ?? user.username,
    updated_at: user.updated_at,
  }
  for (const { values } of context.table.claims) {
    const added = values?.(context, user, client)
    Object.assign(all, added instanceof Promise ? await added : added)
  }
  return all
}
