/** The fields of the profile: one row for each standard claim that an End-User or an administrator edits, and how a form of them is read. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
import * as read from '../auth/person_claims.ts'
import type { Field } from '../html/form_field.ts'
import { isPlainName } from '../lib/plain_name.ts'
import { normalize } from '../lib/normalize.ts'
import { type MessageKey, type Said, say } from '../lib/say.ts'

export interface Row extends Pick<Field, 'autocomplete' | 'maxLength'> {
  /** The name of the field, and of the claim or the member of `address`. */
  name: string
  label: MessageKey
  type?: 'tel' | 'url'
  hint?: MessageKey
  /** The value to store, or undefined when the text is invalid. */
  read(text: string): string | undefined
  problem: MessageKey
}

const line = (name: string, autocomplete: string) =>
  ({
    name,
    label: `profile.${name}` as MessageKey,
    autocomplete,
    read: read.readLine,
    problem: 'profile.problem_line',
  }) satisfies Row

const url = (name: string, autocomplete: string) =>
  ({
    ...line(name, autocomplete),
    type: 'url',
    maxLength: 2000,
    read: read.readUrl,
    problem: 'profile.problem_url',
  }) satisfies Row

export const claimRows: readonly Row[] = [
  line('name', 'name'),
  line('given_name', 'given-name'),
  line('middle_name', 'additional-name'),
  line('family_name', 'family-name'),
  line('nickname', 'nickname'),
  {
    ...line('preferred_username', 'nickname'),
    hint: 'profile.preferred_username_hint',
    read: (text) => (isPlainName(text) ? text : undefined),
    problem: 'new_account.username_odd',
  },
  url('profile', 'url'),
  url('picture', 'photo'),
  url('website', 'url'),
  line('gender', 'sex'),
  {
    ...line('birthdate', 'bday'),
    hint: 'profile.birthdate_hint',
    read: read.readBirthdate,
    problem: 'profile.problem_birthdate',
  },
  {
    ...line('zoneinfo', 'off'),
    hint: 'profile.zoneinfo_hint',
    read: read.readZone,
    problem: 'profile.problem_zoneinfo',
  },
  {
    ...line('locale', 'language'),
    hint: 'profile.locale_hint',
    read: read.readLocale,
    problem: 'profile.problem_locale',
  },
  {
    ...line('phone_number', 'tel'),
    type: 'tel',
    hint: 'profile.phone_number_hint',
    read: read.readPhone,
    problem: 'profile.problem_phone_number',
  },
]

export const addressRows: readonly Row[] = [
  line('street_address', 'street-address'),
  line('postal_code', 'postal-code'),
  line('locality', 'address-level2'),
  line('region', 'address-level1'),
  line('country', 'country-name'),
]

export type Texts = Readonly<Record<string, string>>
export type Problems = Readonly<Record<string, Said>>
/** Claims, or attributes. */
type Members = Readonly<Record<string, unknown>>

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? (value as Members) : {}

/** What the fields show of the claims of an account. */
export function textsOfClaims(claims: Members): Texts {
  const address = membersOf(claims.address)
  return Object.fromEntries([
    ...claimRows.map(({ name }) => [name, textOf(claims[name])]),
    ...addressRows.map(({ name }) => [name, textOf(address[name])]),
  ])
}

/**
 * Reads only the fields of the rows, so that a form cannot set any other claim. An unchanged value is kept without a check,
 * and stays verified: it may be older than these rules. `values` has undefined for each problem.
 */
export function readFields(
  rows: readonly Pick<Row, 'name' | 'read' | 'problem'>[],
  fields: Readonly<Record<string, string | undefined>>,
  before: Texts,
): { texts: Texts; values: Readonly<Record<string, string | undefined>>; problems: Problems } {
  const texts = Object.fromEntries(
    rows.map(({ name }) => [name, normalize(fields[name] ?? '', 'NFC').trim()]),
  )
  const values = Object.fromEntries(
    rows.map(({ name, read: reading }) => {
      const text = texts[name] ?? ''
      return [name, text === '' || text === before[name] ? text : reading(text)]
    }),
  )
  const problems = Object.fromEntries(
    rows.filter(({ name }) => values[name] === undefined).map(({ name, problem }) => [name, say(problem)]),
  )
  return { texts, values, problems }
}

/** The claims with the values of a form; a phone number that differs is not verified. */
export function claimsWith(current: Members, values: Texts): Record<string, unknown> {
  const claims: Record<string, unknown> = { ...current }
  for (const { name } of claimRows) setOrDrop(claims, name, values[name])
  claims.address = addressOf(current.address, values)
  if (claims.address === undefined) delete claims.address
  return withHonestPhone(current, claims)
}

/** A number that differs from the one before is not verified, and without a number there is no flag. */
export function withHonestPhone(before: Members, after: Members): Record<string, unknown> {
  const { phone_number_verified: _flag, ...claims } = after
  if (claims.phone_number === undefined) return claims
  return claims.phone_number === before.phone_number
    ? { ...after }
    : { ...claims, phone_number_verified: false }
}

/** A value that is not text was not shown in the form, so an empty field does not delete it. */
export function setOrDrop(
  record: Record<string, unknown>,
  name: string,
  value: string | undefined,
  before = record[name],
): void {
  if (value) record[name] = value
  else if (before === undefined || typeof before === 'string') delete record[name]
}

/** `formatted` repeats the other members, so it is dropped when one of them changes. */
function addressOf(before: unknown, values: Texts): unknown {
  const { formatted, ...members } = membersOf(before)
  const after: Record<string, unknown> = { ...members }
  for (const { name } of addressRows) setOrDrop(after, name, values[name])
  const same = addressRows.every(({ name }) => after[name] === members[name])
  const whole = same && formatted !== undefined ? { ...after, formatted } : after
  return Object.keys(whole).length > 0 ? whole : undefined
}
