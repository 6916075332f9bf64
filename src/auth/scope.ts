/** Parses and checks scopes. https://www.rfc-editor.org/rfc/rfc6749#section-3.3 */
import { check } from './check.ts'
import { shown } from './refusal.ts'

/** OpenID Connect Core §5.4 and §11. */
export const standardScopes = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'] as const

/** Scopes for the roles of an End-User. They are no standard; many applications ask any provider for them. */
export const roleScopes = ['roles', 'groups'] as const

const token = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** Limits of a request, since requested scopes appear on a page, in records and in tokens. */
const mostScopes = 100
/** Characters. */
const longestScope = 256

/** Values. */
const shortList = 16

/** Distinct scope values in the given order, without checks: for text that this provider stored or signed. */
export function scopeValues(text: string): string[] {
  const values = text.split(' ')
  // Text of this provider has single spaces and no value twice. The comparison of each with each is for short lists alone.
  const isDistinct =
    values.length <= shortList && values.every((each, at) => each !== '' && values.indexOf(each) === at)
  return isDistinct ? values : [...new Set(values.filter((each) => each !== ''))]
}

/**
 * Distinct scope values in the given order. Throws `invalid_scope` on a character outside §3.3, on more than 100 values
 * and on a value of more than 256 characters.
 */
export function parseScope(text: string | undefined): string[] {
  const scopes = scopeValues(text ?? '')
  check(scopes.length <= mostScopes, 'invalid_scope', () => ({
    rule: 'RFC 6749 §3.3',
    expected: `at most ${mostScopes} scope values`,
    came: scopes.length,
  }))
  const long = scopes.find((each) => each.length > longestScope)
  check(long === undefined, 'invalid_scope', () => ({
    rule: 'RFC 6749 §3.3',
    expected: `scope values of at most ${longestScope} characters`,
    came: long?.length,
  }))
  const odd = scopes.find((each) => !token.test(each))
  check(odd === undefined, 'invalid_scope', () => ({
    rule: 'RFC 6749 §3.3',
    expected: 'a scope of printable ASCII characters other than space, quotation mark and backslash',
    came: odd ?? text,
    problem: `scope has a character outside RFC 6749 3.3 in ${shown(odd)}`,
  }))
  return scopes
}

/**
 * The scopes without offline_access where no refresh token can follow: without a code in the answer, or for a client that
 * is not registered for refresh tokens (OpenID Connect Core §11). An access token with it would outlive the sign-out.
 */
export const withoutIdleOffline = (
  scopes: readonly string[],
  client: { grant_types: readonly string[] },
  issuesCode = true,
): string[] =>
  issuesCode && client.grant_types.includes('refresh_token')
    ? [...scopes]
    : scopes.filter((each) => each !== 'offline_access')

export const formatScope = (scopes: readonly string[]): string => scopes.join(' ')

/** Names that a description lists: with all of them, the next step would be cut off. */
const mostNamed = 12

const named = (scopes: readonly string[]): string => {
  const list = formatScope(scopes.slice(0, mostNamed)) || 'none'
  return scopes.length > mostNamed ? `${list} and ${scopes.length - mostNamed} more` : list
}

/** Throws `invalid_scope` naming the first scope that is not in `allowed`. */
export function requireWithin(
  asked: readonly string[],
  allowed: readonly string[],
  whose: string,
  next?: string,
): void {
  const known = new Set(allowed)
  const beyond = asked.find((each) => !known.has(each))
  check(beyond === undefined, 'invalid_scope', () => ({
    rule: 'RFC 6749 §3.3',
    expected: `scope is among ${whose}: ${named(allowed)}`,
    came: beyond ?? formatScope(asked),
    wanted: allowed,
    problem: `scope ${shown(beyond)} is not among ${whose}: ${named(allowed)}`,
    next,
  }))
}
