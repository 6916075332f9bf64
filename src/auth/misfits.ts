/** Values of a registration that this provider does not offer, left out of it: a server may substitute. https://www.rfc-editor.org/rfc/rfc7591#section-2 */
import { canonicalResponseType } from './agreeing_types.ts'
import { scopeValues } from './scope.ts'

type Members = Readonly<Record<string, unknown>>

const isEmpty = (value: unknown): boolean =>
  value === null || (typeof value === 'string' ? value.trim() === '' : Array.isArray(value) && !value.length)

/** Many clients send a member that they have no value for, such as `scope: ""`. */
export const withoutEmptyMembers = (body: Members): Record<string, unknown> =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => !isEmpty(value)))

interface Offered {
  grantTypes: readonly string[]
  responseTypes: readonly string[]
  scopes: readonly string[]
}

const lists = ['grant_types', 'response_types', 'redirect_uris', 'post_logout_redirect_uris'] as const

/** Members that only describe the client: without them it works as it is. */
const describing = [
  ...['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'contacts', 'software_id', 'software_version'],
  'application_type',
] as const
export type Describing = (typeof describing)[number]

/** More are refused by the schema; their URLs are not parsed. */
const longestList = 50

/** The values as a list of strings; undefined for a value of another form, which the schema refuses. */
const textsOf = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.length <= longestList && value.every((each) => typeof each === 'string')
    ? value
    : undefined

/**
 * The body without empty members and members that describe the client in a wrong form, and its lists without values that
 * do not fit. A list of which nothing would remain stays
 * as it is, and is refused; except a scope, which counts as absent, and the URIs after a sign-out, which are optional.
 */
export function withoutMisfits(
  body: Members,
  offered: Offered,
  problemOf: (redirectUri: string) => string | undefined,
  isWellFormed: (name: Describing, value: unknown) => boolean,
): Record<string, unknown> {
  const given = withoutEmptyMembers(body)
  for (const name of describing)
    if (given[name] !== undefined && !isWellFormed(name, given[name])) delete given[name]
  const fits = {
    grant_types: (each: string) => offered.grantTypes.includes(each),
    response_types: (each: string) => offered.responseTypes.includes(canonicalResponseType(each)),
    redirect_uris: (each: string) => problemOf(each) === undefined,
    post_logout_redirect_uris: (each: string) => problemOf(each) === undefined,
  }
  for (const name of lists) {
    const kept = textsOf(given[name])?.filter(fits[name])
    if (kept && (kept.length > 0 || name === 'post_logout_redirect_uris')) given[name] = kept
  }
  return withoutOtherScopes(given, offered.scopes)
}

/** The body without scopes that are not offered; without `scope` if none remains. */
export function withoutOtherScopes(given: Members, offered: readonly string[]): Record<string, unknown> {
  if (typeof given.scope !== 'string') return given
  const asked = scopeValues(given.scope)
  const scopes = asked.filter((each) => offered.includes(each))
  if (scopes.length === asked.length) return given
  const { scope: _asked, ...others } = given
  return scopes.length > 0 ? { ...given, scope: scopes.join(' ') } : others
}

/** The values that came and are not registered, by member, for the answer and the log. */
export interface LeftOut {
  left_out?: Record<string, string | string[]>
}

const longestText = 200
const textOf = (value: unknown): string =>
  (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, longestText)

/** What `registered` does not have of `body`. It is told, because most clients do not compare. */
export function leftOutOf(body: unknown, registered: object): LeftOut {
  const asked = body as Members
  const have = registered as Members
  const missing: Record<string, string | string[]> = {}
  for (const name of describing)
    if (!isEmpty(asked[name] ?? null) && have[name] === undefined) missing[name] = textOf(asked[name])
  for (const name of lists) {
    const without = textsOf(asked[name])?.filter((each) => !textsOf(have[name])?.includes(each))
    if (without && without.length > 0) missing[name] = without
  }
  if (typeof asked.scope === 'string' && typeof have.scope === 'string') {
    const scopes = scopeValues(have.scope)
    const without = scopeValues(asked.scope).filter((each) => !scopes.includes(each))
    if (without.length > 0) missing.scope = without.join(' ')
  }
  return Object.keys(missing).length > 0 ? { left_out: missing } : {}
}

/** The members alone, for the log: the values may be long. */
export const namesOf = ({ left_out }: LeftOut): string | undefined =>
  left_out && Object.keys(left_out).join(' ')
