/** The identity that a provider states: selected claims with length limits. */
import { foreignText } from '../../html/foreign_text.ts'
import { readMailAddress } from '../../lib/mail_address.ts'
import { normalize } from '../../lib/normalize.ts'
import { replaceUnsafe } from '../../lib/unsafe_text.ts'
import * as v from 'valibot'
import type { ProviderMetadata } from './discovery.ts'
import { quoted, UpstreamError } from './request.ts'
import type { Answers, Claims } from './row.ts'
import type { Upstream } from './settings.ts'

/** OpenID Connect Core §2: a subject has at most 255 characters. */
const longestSubject = 255
const longestEmail = 254
const longestUrl = 2000
const longestName = 100
const longestWord = 100
const mostWords = 20

export const Identity = v.object({
  issuer: v.string(),
  subject: v.string(),
  email: v.optional(v.string()),
  emailVerified: v.boolean(),
  username: v.optional(v.string()),
  name: v.optional(v.string()),
  givenName: v.optional(v.string()),
  familyName: v.optional(v.string()),
  picture: v.optional(v.string()),
  locale: v.optional(v.string()),
  acr: v.optional(v.string()),
  amr: v.array(v.string()),
})
/** Only `issuer` and `subject` identify the End-User; all other members may change. */
export type Identity = v.InferOutput<typeof Identity>

const text = (value: unknown, longest: number): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= longest ? value : undefined

const nameOf = (value: unknown): string | undefined =>
  (typeof value === 'string' && foreignText(value, longestName)) || undefined

/** As strict as for an address that is typed here: what is no address for a mail server could pass a rule for domains. */
const emailOf = (value: unknown): string | undefined => {
  const email = text(value, longestEmail)
  return email === undefined ? undefined : readMailAddress(email)
}

/** What programs write where a value is missing: `String(undefined)`, a nil pointer, an object that is no text. */
const placeholders = new Set([
  ...'undefined null nil none nan n/a true false 0 -1 infinity -infinity unknown anonymous'.split(' '),
  'object object',
])
/** A variable that was not filled in, such as `${id}` or `{{sub}}`; with digits it may be a GUID. */
const template = /^(?:\$?\{[^\p{N}]*\}|<[^\p{N}]*>|%[^\p{N}]*%)$/u
const nilUuid = '00000000-0000-0000-0000-000000000000'

/** A broken provider gives one of these to all its people, and they would share an account. */
function isPlaceholder(subject: string): boolean {
  const word = replaceUnsafe(normalize(subject, 'NFKC'), 'name').toLowerCase()
  const bare = word.replace(/^[^\p{L}\p{N}-]+|[^\p{L}\p{N}]+$/gu, '').replace(/\s+/g, ' ')
  return bare === '' || placeholders.has(bare) || bare === nilUuid || template.test(word.trim())
}

const localeOf = (value: unknown): string | undefined => {
  const tag = text(value, longestWord)?.replaceAll('_', '-')
  return tag !== undefined && /^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$/i.test(tag) ? tag : undefined
}

const wordsOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [])
    .slice(0, mostWords)
    .map((each) => text(each, longestWord))
    .filter((each) => each !== undefined)

/** Throws UpstreamError without a usable subject, or if the configuration excludes this identity. */
export function identityOf(upstream: Upstream, { issuer }: ProviderMetadata, answers: Answers): Identity {
  const { row } = upstream
  const claims: Claims = row.claims?.(answers, upstream) ?? { ...answers.userinfo, ...answers.idToken }
  const subject = text(claims.sub, longestSubject)
  if (subject === undefined) throw new UpstreamError('nonsense', 'sub is missing or too long')
  if (isPlaceholder(subject) || isPlaceholder(text(answers.idToken?.sub, longestSubject) ?? subject))
    throw new UpstreamError('nonsense', `sub ${quoted(JSON.stringify(subject))} names no End-User`)
  const refused = row.refuses?.(claims, upstream)
  if (refused !== undefined) throw new UpstreamError('not_allowed', refused)
  const email = emailOf(claims.email)
  return {
    // For an issuer template, the ID Token has the actual issuer, which was checked against the template.
    issuer: text(answers.idToken?.iss, longestUrl) ?? issuer,
    subject,
    email,
    emailVerified: email !== undefined && claims.email_verified === true,
    username: nameOf(claims.preferred_username ?? claims.nickname),
    name: nameOf(claims.name),
    givenName: nameOf(claims.given_name),
    familyName: nameOf(claims.family_name),
    picture: text(claims.picture, longestUrl),
    locale: localeOf(claims.locale),
    acr: text(answers.idToken?.acr, longestWord),
    amr: wordsOf(answers.idToken?.amr),
  }
}

/** The text by which the End-User recognises the account at the provider. */
export const shownIdentity = ({ email, username, name, subject }: Identity): string =>
  foreignText(email ?? username ?? name ?? subject)
