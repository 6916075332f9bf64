/** The settings that a configuration file may have, one row for each, and the variable that it stands for. docs/configuration_files.md, "Settings" */
import { cameOf, type Found, membersOf, type Place, type Problems } from './source.ts'
import { providerSecrets } from './provider_secrets.ts'
import { isPlace } from './secret_places.ts'

interface Row {
  /** The section, and the member in it where it has several. */
  readonly path: readonly [section: string, member?: string]
  readonly variable: string
  readonly form: Form
  /** Servers take it at their next start. */
  readonly restart?: true
}

interface Form {
  readonly expected: string
  /** The text of the variable; undefined for a value of another form. */
  text(value: unknown): string | undefined
  /** The value of the file for the text of the variable. */
  value(text: string): unknown
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string' && /^[^\s,]+$/.test(each))

const words: Form = {
  expected: 'a list of words',
  text: (value) => (isTexts(value) ? value.join(' ') : undefined),
  value: (text) => text.split(/[\s,]+/).filter(Boolean),
}

const word: Form = {
  expected: 'a word',
  text: (value) => (typeof value === 'string' && /^\S+$/.test(value) ? value : undefined),
  value: (text) => text,
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
const duration: Form = {
  expected: 'a duration such as 90d or 12h, or a number of seconds',
  text(value) {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return String(value)
    const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(String(value)) ?? []
    return count === undefined ? undefined : String(Number(count) * units[unit]!)
  },
  value(text) {
    const unit = ['d', 'h', 'm'].find((each) => Number(text) > 0 && Number(text) % units[each]! === 0)
    return unit ? `${Number(text) / units[unit]!}${unit}` : Number(text)
  },
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const json = (expected: string, holds: (value: unknown) => boolean): Form => ({
  expected,
  text: (value) => (holds(value) ? JSON.stringify(value) : undefined),
  value: (text) => JSON.parse(text) as unknown,
})

export const settingRows: readonly Row[] = [
  { path: ['scopes'], variable: 'SCOPES', form: words },
  { path: ['custom_scopes'], variable: 'CUSTOM_SCOPES', form: json('a mapping of scopes', isObject) },
  {
    path: ['upstream_providers'],
    variable: 'UPSTREAM_PROVIDERS',
    form: json('a list of mappings', (value) => Array.isArray(value) && value.every(isObject)),
  },
  { path: ['upstream', 'sign_up'], variable: 'UPSTREAM_SIGN_UP', form: word },
  { path: ['upstream', 'email_domains'], variable: 'UPSTREAM_EMAIL_DOMAINS', form: words },
  { path: ['upstream', 'link_by_email'], variable: 'UPSTREAM_LINK_BY_EMAIL', form: word },
  { path: ['upstream', 'without_auth_time'], variable: 'UPSTREAM_WITHOUT_AUTH_TIME', form: word },
  { path: ['upstream', 'trusted'], variable: 'UPSTREAM_TRUSTED', form: words },
  { path: ['roles', 'second_factor'], variable: 'SECOND_FACTOR_ROLES', form: words },
  { path: ['keys', 'signing_algs'], variable: 'SIGNING_ALGS', form: words, restart: true },
  { path: ['keys', 'rotation_interval'], variable: 'KEY_ROTATION_INTERVAL', form: duration, restart: true },
  { path: ['keys', 'activation_delay'], variable: 'KEY_ACTIVATION_DELAY', form: duration, restart: true },
]

export const sections: readonly string[] = [...new Set(settingRows.map(({ path: [section] }) => section))]

export const nameOf = ({ path }: Pick<Row, 'path'>): string => path.join('.')
export const rowOf = (variable: string): Row | undefined =>
  settingRows.find((each) => each.variable === variable)

export interface WantedSettings {
  settings: Readonly<Record<string, string>>
  /** Where each variable stands in the file. */
  places: Readonly<Record<string, Place>>
}

/** The settings of the file. Adds each fault to `problems`. */
export function readSettingsOf(top: ReadonlyMap<string, Found>, problems: Problems): WantedSettings {
  const settings: Record<string, string> = {}
  const places: Record<string, Place> = {}
  for (const section of sections) {
    const found = top.get(section)
    if (!found || found.value === null) continue
    const rows = settingRows.filter(({ path }) => path[0] === section)
    const isWhole = rows.some(({ path }) => path[1] === undefined)
    const names = rows.flatMap(({ path }) => path[1] ?? [])
    const members = isWhole ? undefined : membersOf(found, names, problems, section)
    for (const row of rows) {
      const own = row.path[1] === undefined ? found : members?.get(row.path[1])
      if (!own || own.value === null) continue
      const text = row.form.text(own.value)
      if (text === undefined)
        problems.add(own.place, nameOf(row), `expected ${row.form.expected}, got ${cameOf(own)}`)
      // An empty variable counts as unset.
      else if (text !== '') settings[row.variable] = text
      places[row.variable] = own.place
    }
  }
  for (const [at, provider] of (top.get('upstream_providers')?.items ?? []).entries())
    for (const member of providerSecrets) {
      const found = provider.members?.get(member)
      if (found && (typeof found.value !== 'string' || !isPlace(found.value)))
        problems.add(
          found.place,
          `upstream_providers[${at}].${member}`,
          'expected where the secret is: env:NAME, file:/PATH, vault:PATH#FIELD, awssm:NAME or gcpsm:NAME. A secret itself does not belong in the file',
        )
    }
  return { settings, places }
}

/** The sections of a file for these settings. */
export function sectionsOf(settings: Readonly<Record<string, string>>): Record<string, unknown> {
  const made: Record<string, unknown> = {}
  for (const row of settingRows) {
    const text = settings[row.variable]
    if (text === undefined) continue
    const [section, member] = row.path
    const value = row.form.value(text)
    made[section] = member === undefined ? value : { ...(made[section] as object), [member]: value }
  }
  return made
}
