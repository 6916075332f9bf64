/** Sentences on whom a plan concerns. */
import { printable } from '../output.ts'
import type { Affected, Connected, Found, Redirects } from './affected.ts'
import type { Lost } from './lost.ts'

const many = (count: number, one: string, several = `${one}s`): string =>
  `${count} ${count === 1 ? one : several}`
const people = (count: number): string => many(count, 'person', 'people')

/** Counts of people who were read; more are possible where not all were. */
const counted = (count: number, { isPartial }: Pick<Found, 'isPartial'>): string =>
  `${isPartial ? 'at least ' : ''}${people(count)}`

const withRole = (count: number, { rolesArePartial: isPartial }: Found): string =>
  counted(count, { isPartial })

const listed = (names: readonly string[], count: number): string =>
  `${names.map(printable).join(', ')}${count > names.length ? `, and ${count - names.length} more` : ''}`

/** Redirect URIs that go, beyond which a count stands. */
const mostUris = 10

function redirectWords({ last_used: uris, noted_since: since }: Redirects): string[] {
  const entries = Object.entries(uris)
  const used = entries.flatMap(([uri, day]) => (day === null ? [] : [{ uri, day }]))
  const unused = entries.length - used.length
  const shown = used.toSorted((a, b) => (a.day < b.day ? 1 : -1)).slice(0, mostUris)
  return [
    ...shown.map(({ uri, day }) => `${printable(uri)} was last used on ${day} (UTC).`),
    ...(used.length > shown.length
      ? [`And ${used.length - shown.length} more redirect URIs are in use.`]
      : []),
    ...(unused > 0
      ? [
          `No use${unused === entries.length ? '' : unused === 1 ? ' of the other one' : ` of the ${unused} others`} was noted${since === null ? '' : ` since ${since}`}.`,
        ]
      : []),
  ]
}

export function clientWords(affected: Affected, found: Found): string[] {
  const { names, grants, consents, scopes, roles, redirect_uris: redirects } = affected
  const concerned =
    affected.people > 0
      ? [
          `Concerns ${counted(affected.people, found)} (${listed(names, affected.people)}) with ${many(grants, 'grant')} and ${many(consents, 'consent')}.`,
        ]
      : found.isPartial
        ? [`No End-User among the first ${found.read} accounts is concerned.`]
        : []
  return [
    ...concerned,
    ...Object.entries(scopes).map(
      ([scope, count]) => `${counted(count, found)} agreed to ${printable(scope)}.`,
    ),
    ...Object.entries(roles).map(
      ([role, count]) => `The role ${printable(role)} is that of ${withRole(count, found)}.`,
    ),
    ...(redirects ? redirectWords(redirects) : []),
  ]
}

function providerWords(label: string, connected: Connected, found: Found): string {
  const { people: all, stranded, recoverable, names } = connected
  const name = printable(label)
  if (all === 0)
    return found.isPartial
      ? `Of the first ${found.read} accounts none is connected to ${name}.`
      : `No account is connected to ${name}.`
  const ways = 'a password, a passkey or another connection'
  const begin = `${counted(all, found)} can no longer sign in with ${name}`
  if (stranded === 0) return `${begin}; each of them has ${ways}.`
  const have = (count: number): string => (count === 1 ? 'has' : 'have')
  return `${begin}; ${stranded} of them ${have(stranded)} no other way, which is ${ways}: ${listed(names, stranded)}. ${recoverable} of these ${have(recoverable)} a verified email address for a link to a new password.`
}

/** What settings take away from people. */
export const settingWords = (lost: Lost, found: Found): string[] => [
  ...lost.scopes.map(
    (scope) => `${counted(found.scopes[scope] ?? 0, found)} agreed to ${printable(scope)} for an app.`,
  ),
  ...lost.providers.map(({ id, label }) => providerWords(label, found.providers[id]!, found)),
  ...lost.bound.map(
    (role) =>
      `${withRole(found.roles[role] ?? 0, found)} with the role ${printable(role)} ${found.roles[role] === 1 ? 'needs' : 'need'} a second step from now on.`,
  ),
  ...lost.released.map(
    (role) =>
      `${withRole(found.roles[role] ?? 0, found)} with the role ${printable(role)} ${found.roles[role] === 1 ? 'needs' : 'need'} no second step any more.`,
  ),
]
