/** The fields of the profile: one row for each standard claim that an End-User edits. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
import * as read from '../../auth/person_claims.ts'
import type { Field } from '../../html/form_field.ts'
import { isPlainName } from '../../lib/plain_name.ts'
import type { MessageKey } from '../../lib/say.ts'

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
