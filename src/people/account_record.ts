/** The schema of an account that an operator or an administrator makes, and the texts of its problems. */
import * as v from 'valibot'
import { hashForms, readPasswordHash } from '../auth/password_hash.ts'
import { isAttributeName, isClaimName, isProvidersOwn, isRole } from '../auth/person_claims.ts'
import { readMailAddress } from '../lib/mail_address.ts'
import { isVisible } from '../lib/plain_name.ts'

const flags = ['email_verified', 'phone_number_verified']

const ClaimName = v.pipe(
  v.string(),
  v.check((name) => isClaimName(name.split('#')[0]!), 'a claim is a name such as nickname'),
  v.check((name) => !isProvidersOwn(name), 'is set by the provider itself'),
)

const Claims = v.pipe(
  v.record(ClaimName, v.unknown()),
  v.check(
    (claims) => flags.every((name) => ['undefined', 'boolean'].includes(typeof claims[name])),
    `${flags.join(' and ')} are true or false`,
  ),
  v.check(
    ({ email }) => email === undefined || (typeof email === 'string' && readMailAddress(email) !== undefined),
    'email looks like name@example.com',
  ),
  v.check(
    ({ email, email_verified }) => email_verified !== true || email !== undefined,
    'email_verified needs email',
  ),
)

/** Seconds: the end of the year 9999, the last with four digits. */
const endOfTime = 253_402_300_799

const AttributeName = v.pipe(v.string(), v.check(isAttributeName, 'an attribute is a name such as team'))

const Roles = v.array(v.pipe(v.string(), v.check(isRole, 'a role is a name without spaces')))

const LanguageTag = v.pipe(
  v.string(),
  v.regex(/^[a-z]{2,8}(?:-[a-z\d]{1,8})*$/i, 'a language is a tag such as pt-BR'),
)

/** Members of an account that a change may name. Null removes a claim or an attribute (RFC 7396). */
export const changeEntries = {
  claims: v.optional(
    v.pipe(
      v.record(ClaimName, v.unknown()),
      v.check(
        (claims) => !('email' in claims) && !('email_verified' in claims),
        'the email address has a route of its own',
      ),
      v.check(
        ({ phone_number_verified: flag }) => flag === null || ['undefined', 'boolean'].includes(typeof flag),
        'phone_number_verified is true or false',
      ),
      v.check(
        ({ preferred_username: name }) =>
          name === undefined || name === null || (typeof name === 'string' && isVisible(name)),
        'preferred_username has 1 to 200 visible characters',
      ),
    ),
  ),
  attributes: v.optional(v.record(AttributeName, v.unknown())),
  roles: v.optional(Roles),
  language: v.optional(v.nullable(LanguageTag)),
}

export const AccountRecord = v.strictObject({
  username: v.pipe(v.string(), v.check(isVisible, 'has 1 to 200 visible characters')),
  /** Core §2: at most 255 ASCII characters. */
  sub: v.optional(
    v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,255}$/, 'has 1 to 255 characters of ASCII, without spaces')),
  ),
  password_hash: v.optional(
    v.pipe(
      v.string(),
      v.check((hash) => readPasswordHash(hash) !== undefined, `is none of ${hashForms}, or costs too much`),
    ),
  ),
  disabled: v.optional(v.boolean()),
  claims: v.optional(Claims),
  attributes: v.optional(v.record(AttributeName, v.unknown())),
  roles: v.optional(Roles),
  language: v.optional(LanguageTag),
  /** Seconds. */
  created_at: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(endOfTime))),
  updated_at: v.optional(v.number()),
})
export type AccountRecord = v.InferOutput<typeof AccountRecord>

/** Names the member and never the value, which may be a password or its hash. */
export function problemsOf(issues: readonly v.BaseIssue<unknown>[]): string[] {
  return issues.map((issue) => {
    const path = v.getDotPath(issue) ?? ''
    if (issue.type === 'strict_object' && issue.expected === 'never')
      return path === 'password'
        ? 'password: is not imported; give its hash as password_hash'
        : `${path}: is not among username, sub, password_hash, disabled, claims, attributes, roles, language, created_at`
    if (issue.received === 'undefined') return `${path}: is missing`
    const plain =
      /^(is|has|a|an|email|email_verified|the) /.test(issue.message) || issue.message.includes(' are ')
    return `${path}: ${plain ? issue.message : `expected ${issue.expected ?? 'another value'}`}`
  })
}
