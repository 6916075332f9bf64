/** What a configuration file asks for: clients by the names of RFC 7591, and settings. docs/configuration_files.md */
import { basename } from 'node:path'
import { translated } from '../../auth/metadata_promises.ts'
import { coreMetadata } from '../../auth/registration.ts'
import type { Context } from '../../contracts/context.ts'
import { privileges } from '../../clients/privileges.ts'
import { readSettingsOf, sections, type WantedSettings } from './setting_table.ts'
import { cameOf, type Found, membersOf, type Place, Problems, readBounded, readSource } from './source.ts'

/** A client of the file. */
export interface WantedClient {
  /** Metadata and privileges, by name. */
  given: Readonly<Record<string, unknown>>
  /** `generate`, or the place of the secret; undefined where the file does not say. */
  secret: string | undefined
  /** Seconds. */
  overlap: number
  place: Place
  /** Where each member stands. */
  places: Readonly<Record<string, Place>>
}

export interface Wanted {
  file: string
  clients: ReadonlyMap<string, WantedClient>
  /** By variable, with references in place of secrets. */
  settings: WantedSettings['settings']
  settingPlaces: WantedSettings['places']
}

/** A file that was read as far as no client is looked at: its settings decide what a client may have. */
export interface FileSource extends Omit<Wanted, 'clients'> {
  source: Found
  top: ReadonlyMap<string, Found>
  problems: Problems
}

const format = 1
const mostClients = 5_000
const longestOverlap = 90 * 86_400
const defaultOverlap = 86_400

/** Members of a client that are neither metadata nor privileges. */
const ofTheFile = ['client_id', 'client_secret', 'client_secret_overlap', 'disabled'] as const
const topMembers = ['latchkey', 'clients', ...sections]

const memberNames = ({ table }: Pick<Context, 'table'>): string[] => [
  ...ofTheFile,
  ...Object.keys(coreMetadata),
  ...Object.keys(table.clientMetadata),
  ...privileges,
]

const timeUnits: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Seconds; undefined for anything else. */
function readOverlap(value: unknown): number | undefined {
  if (value === 0 || value === '0') return 0
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(typeof value === 'string' ? value : '') ?? []
  const time = Number(count) * (timeUnits[unit] ?? NaN)
  return time >= 0 && time <= longestOverlap ? time : undefined
}

/** Throws Refusal for a file that cannot be read. */
export const sourceAt = (path: string): FileSource => sourceIn(readBounded(path), basename(path), path)

/** `path` is for messages, `file` the name that is kept. */
export function sourceIn(text: string, file: string, path: string): FileSource {
  const problems = new Problems(path)
  const source = readSource(text, path)
  const top = membersOf(source, topMembers, problems, '')
  const version = top.get('latchkey')
  if (version?.value !== format)
    problems.add(
      version?.place ?? source.place,
      'latchkey',
      `expected the version of the format: latchkey: ${format}`,
    )
  const { settings, places } = readSettingsOf(top, problems)
  return { file, source, top, problems, settings, settingPlaces: places }
}

/** Throws Refusal with all faults of the file. */
export function wantedOf(read: FileSource, context: Context): Wanted {
  const { file, source, top, problems, settings, settingPlaces } = read
  const clients = new Map<string, WantedClient>()
  for (const [at, found] of itemsOf(top.get('clients'), problems, 'clients').entries()) {
    const client = readClient(found, `clients[${at}]`, problems, context)
    if (!client) continue
    const twin = clients.get(client.id)
    if (twin)
      problems.add(
        client.client.place,
        `clients[${at}].client_id`,
        `came twice: line ${twin.place.line} has it too`,
      )
    else clients.set(client.id, client.client)
  }
  if (clients.size > mostClients)
    problems.add(source.place, 'clients', `expected at most ${mostClients} clients, got ${clients.size}`)
  problems.requireNone()
  return { file, clients, settings, settingPlaces }
}

function itemsOf(found: Found | undefined, problems: Problems, path: string): readonly Found[] {
  if (found === undefined || found.value === null) return []
  if (found.items) return found.items
  problems.add(found.place, path, `expected a list, got ${cameOf(found)}`)
  return []
}

function readClient(
  found: Found,
  path: string,
  problems: Problems,
  context: Context,
): { id: string; client: WantedClient } | undefined {
  const known = memberNames(context)
  const translations = [...(found.members?.keys() ?? [])].filter((name) => translated(name) !== undefined)
  const members = membersOf(found, [...known, ...translations], problems, path)
  const id = members.get('client_id')
  if (!id || typeof id.value !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(id.value)) {
    if (found.members)
      problems.add(
        id?.place ?? found.place,
        `${path}.client_id`,
        `expected 1 to 200 ASCII characters without spaces, got ${id ? cameOf(id) : 'nothing'}`,
        typeof id?.value === 'number' ? 'put it in quotes' : undefined,
      )
    return undefined
  }
  const secret = members.get('client_secret')
  if (secret && typeof secret.value !== 'string')
    problems.add(secret.place, `${path}.client_secret`, `expected where the secret is, got ${cameOf(secret)}`)
  const overlap = members.get('client_secret_overlap')
  const seconds = overlap ? readOverlap(overlap.value) : defaultOverlap
  if (overlap && seconds === undefined)
    problems.add(
      overlap.place,
      `${path}.client_secret_overlap`,
      `expected a duration such as 12h or 30d, at most ${longestOverlap / 86_400}d, or 0, got ${cameOf(overlap)}`,
    )
  const disabled = members.get('disabled')
  if (disabled && typeof disabled.value !== 'boolean')
    problems.add(disabled.place, `${path}.disabled`, `expected true or false, got ${cameOf(disabled)}`)
  const own: readonly string[] = ['client_id', 'client_secret', 'client_secret_overlap']
  const given = [...members].filter(
    ([name]) => !own.includes(name) && (known.includes(name) || translations.includes(name)),
  )
  return {
    id: id.value,
    client: {
      given: Object.fromEntries(given.map(([name, { value }]) => [name, value])),
      secret: typeof secret?.value === 'string' ? secret.value : undefined,
      overlap: seconds ?? defaultOverlap,
      place: found.place,
      places: Object.fromEntries([...members].map(([name, { place }]) => [name, place])),
    },
  }
}
