/** Which claims a scope or the `claims` parameter requests. https://openid.net/specs/openid-connect-core-1_0.html#Claims */
import * as v from 'valibot'
import { ownMember } from '../lib/own_member.ts'
import { OAuthError } from './errors.ts'

/** OpenID Connect Core §5.4. */
export const claimsOfScope: Record<string, readonly string[]> = {
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
}

export const standardClaims = ['sub', ...Object.values(claimsOfScope).flat()]

/** A member that is null counts as absent. */
const orNull = <const S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.nullish(schema),
    v.transform((value) => value ?? undefined),
  )

const Request = v.nullable(
  v.looseObject({
    essential: orNull(v.boolean()),
    value: orNull(v.unknown()),
    values: orNull(v.pipe(v.array(v.unknown()), v.maxLength(50))),
  }),
)
/** Valibot accepts an array as an object without members. */
const noArray = v.check<unknown, string>((value) => !Array.isArray(value), 'expected an object, got an array')
const Requests = orNull(v.pipe(v.unknown(), noArray, v.record(v.pipe(v.string(), v.maxLength(200)), Request)))
const ClaimsParameter = v.pipe(
  v.unknown(),
  noArray,
  v.looseObject({ userinfo: Requests, id_token: Requests }),
)

export type ClaimRequest = {
  essential?: boolean | undefined
  value?: unknown
  values?: unknown[] | undefined
} | null
export interface ClaimsRequest {
  userinfo?: Record<string, ClaimRequest> | undefined
  id_token?: Record<string, ClaimRequest> | undefined
}

/** Parses the `claims` parameter (§5.5). Throws `invalid_request` when it is not the expected JSON object. */
export function parseClaimsParameter(text: string | undefined): ClaimsRequest | undefined {
  if (text === undefined) return undefined
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect Core §5.5',
      expected: 'claims must be a JSON object',
      came: text,
    })
  }
  const parsed = v.safeParse(ClaimsParameter, json)
  if (!parsed.success)
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect Core §5.5',
      expected: 'claims of the form {"userinfo": {…}, "id_token": {…}}',
      came: text,
      problem: `claims: ${v.getDotPath(parsed.issues[0]) ?? ''} ${parsed.issues[0].message}`,
    })
  return { userinfo: parsed.output.userinfo, id_token: parsed.output.id_token }
}

/** Claims about the sign-in itself. They need neither a scope nor a consent. */
export const claimsOfSignIn: readonly string[] = [
  'sub',
  'acr',
  'amr',
  'auth_time',
  'iss',
  'aud',
  'exp',
  'iat',
  'sid',
  'nonce',
]

/**
 * The request without claims that none of these scopes has: a claim by name is no way round the scopes of a client, and
 * a claim that no scope has is not defined here and is ignored (§5.5).
 */
export function claimsWithin(
  claims: ClaimsRequest,
  scopes: readonly string[],
  scopeTable: Readonly<Record<string, readonly string[]>>,
): ClaimsRequest {
  const allowed = new Set([
    ...claimsOfSignIn,
    ...scopes.flatMap((scope) => ownMember(scopeTable, scope) ?? []),
  ])
  const isDefined = (name: string): boolean => {
    const [base = '', ...tags] = name.split('#')
    return allowed.has(base) && tags.length <= 1 && tags.every(isLanguageTag)
  }
  const within = (requests: ClaimsRequest['userinfo']) =>
    requests && Object.fromEntries(Object.entries(requests).filter(([name]) => isDefined(name)))
  return { userinfo: within(claims.userinfo), id_token: within(claims.id_token) }
}

/** The values that one requested claim accepts; undefined for any value. */
export function acceptedValues(request: ClaimRequest | undefined): unknown[] | undefined {
  if (!request) return undefined
  if (request.value !== undefined) return [request.value]
  return request.values?.length === 0 ? undefined : request.values
}

/** The values of `sub` that the parameter accepts, in both members (§5.5.1); undefined for any. */
export function acceptedSubjects(claims: ClaimsRequest | undefined): string[] | undefined {
  const lists = [claims?.id_token, claims?.userinfo]
    .map((requests) => acceptedValues(requests?.sub))
    .filter((values) => values !== undefined)
  if (lists.length === 0) return undefined
  const [first = [], ...others] = lists
  return first.filter(
    (each): each is string => typeof each === 'string' && others.every((list) => list.includes(each)),
  )
}

/** The requests without those that ask for a value that `source` does not have (§5.5.1). */
export const withTheirValues = (
  source: Readonly<Record<string, unknown>>,
  requests: Record<string, ClaimRequest> | undefined,
): Record<string, ClaimRequest> | undefined =>
  requests &&
  Object.fromEntries(
    Object.entries(requests).filter(([name, request]) => {
      const accepted = acceptedValues(request)
      return accepted === undefined || accepted.some((each) => Bun.deepEquals(each, source[name]))
    }),
  )

/** The claims that scopes request, and those of one member (`userinfo` or `id_token`) of the `claims` parameter. */
export function requestedNames(
  scopes: readonly string[],
  requests: Record<string, ClaimRequest> | undefined,
  scopeTable: Record<string, readonly string[]> = claimsOfScope,
): string[] {
  const names: string[] = []
  for (const scope of scopes) for (const name of scopeTable[scope] ?? []) names.push(name)
  if (requests) names.push(...Object.keys(requests))
  return names
}

export const isLanguageTag = (text: string): boolean => /^[a-z]{2,8}(?:-[a-z\d]{1,8}){0,5}$/i.test(text)

/** Basic filtering: `ja` finds `ja` and `ja-Kana-JP`. https://www.rfc-editor.org/rfc/rfc4647#section-3.3.1 */
function isIn(tag: string, range: string): boolean {
  const [it, wanted] = [tag.toLowerCase(), range.toLowerCase()]
  return it === wanted || it.startsWith(`${wanted}-`)
}

/** The members of `source` that are a named claim in a requested language: by `name#ja`, or by `locales` for all names (§5.2). */
function translationsOf(
  source: Record<string, unknown>,
  names: readonly string[],
  locales: readonly string[],
): string[] {
  const tagged = Object.keys(source).filter((key) => key.includes('#'))
  if (tagged.length === 0) return []
  const wanted = names.map((name) => {
    const [base, tag] = name.split('#')
    return { base, ranges: tag === undefined ? locales : [tag] }
  })
  return tagged.filter((key) => {
    const [base, tag = ''] = key.split('#')
    return wanted.some((each) => each.base === base && each.ranges.some((range) => isIn(tag, range)))
  })
}

/**
 * The named members of `source`, also in the requested languages. `null` and '' are left out (§5.3.2).
 */
export function pick(
  source: Record<string, unknown>,
  names: readonly string[],
  locales: readonly string[] = [],
): Record<string, unknown> {
  const picked: Record<string, unknown> = {}
  const take = (name: string) => {
    const value = Object.hasOwn(source, name) ? source[name] : undefined
    if (value !== undefined && value !== null && value !== '') picked[name] = value
  }
  for (const name of names) take(name)
  for (const name of translationsOf(source, names, locales)) take(name)
  return picked
}
