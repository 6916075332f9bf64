/** Members of a client that an operator or an administrator alone gives, and the form of each. docs/administration.md */
import { resourceProblem } from '../auth/resource_uri.ts'

interface Form {
  expected: string
  holds(value: unknown): boolean
}

const flag: Form = { expected: 'true or false', holds: (value) => typeof value === 'boolean' }

const isText = (value: unknown): value is string => typeof value === 'string'

const texts: Form = {
  expected: 'a list of texts',
  holds: (value) => Array.isArray(value) && value.every(isText),
}

export const longestRoleName = 200

const isObjectOfTexts = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((each) => isText(each) && each !== '' && each.length <= longestRoleName)

const forms: Readonly<Record<string, Form>> = {
  first_party: flag,
  require_pkce: flag,
  resource_server: flag,
  may_impersonate: flag,
  lab_client: flag,
  exchange_audiences: texts,
  role_names: { expected: 'an object such as {"admin": "Administrators"}', holds: isObjectOfTexts },
  allowed_resources: {
    expected: 'a list of absolute URIs without fragment, or *',
    holds: (value) =>
      Array.isArray(value) &&
      value.every((each) => isText(each) && (each === '*' || resourceProblem(each) === undefined)),
  },
}

export const privileges: readonly string[] = Object.keys(forms)

/** The privileges whose value has another form, and what was expected. */
export const misfitsOf = (
  own: Readonly<Record<string, unknown>>,
): readonly { member: string; expected: string }[] =>
  Object.entries(forms).flatMap(([member, { expected, holds }]) =>
    own[member] === undefined || holds(own[member]) ? [] : [{ member, expected }],
  )
