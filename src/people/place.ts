/** City and country of an IP address, from a MaxMind database that the operator provides. https://maxmind.github.io/MaxMind-DB/ */
import { readFile, stat } from 'node:fs/promises'
import type { CityResponse, Reader } from 'mmdb-lib'
import type { Config } from '../config.ts'
import { readNamed } from '../config/named_files.ts'
import { SettingFault } from '../config/setting_fault.ts'
import type { Context } from '../contracts/context.ts'
import type { Language } from '../lib/say.ts'

type Places = Reader<CityResponse>

/** The database as last read. A new file at the path is read again, so that an update needs no restart. */
const opened = new WeakMap<Config, { changed: number; places: Promise<Places> }>()

/** The package and the file are loaded at the first lookup and not at the start. */
async function open(path: string): Promise<Places> {
  const [{ Reader: Database }, bytes] = await Promise.all([import('mmdb-lib'), readFile(path)])
  return new Database<CityResponse>(bytes)
}

/** Whether the file is such a database. Throws SettingFault. */
export async function requirePlaces(path: string): Promise<void> {
  readNamed('GEOIP_DATABASE_PATH', path)
  await open(path).catch(() => {
    throw new SettingFault(
      'GEOIP_DATABASE_PATH',
      `expected a MaxMind database (.mmdb, city or country), got ${path}, which is none. Download it again, or unset the variable: no places are shown then`,
    )
  })
}

async function placesOf({ config }: Context, path: string): Promise<Places> {
  const changed = (await stat(path)).mtimeMs
  const before = opened.get(config)
  if (before?.changed === changed) return before.places
  const places = open(path)
  opened.set(config, { changed, places })
  return places
}

/** Language tags that the database spells differently. For a language that it lacks the English name is used. */
const databaseTags: Partial<Record<Language, 'pt-BR' | 'zh-CN'>> = { pt: 'pt-BR', zh: 'zh-CN' }

/** "Vienna, Austria" in `language`; undefined when the place is unknown or the database cannot be read, which is logged. */
export async function placeOf(
  context: Context,
  address: string | undefined,
  language: Language,
): Promise<string | undefined> {
  const path = context.config.geoipDatabasePath
  if (path === undefined || address === undefined) return undefined
  try {
    const found = (await placesOf(context, path)).get(address)
    const names = found?.city?.names as Readonly<Record<string, string | undefined>> | undefined
    const city = names?.[databaseTags[language] ?? language] ?? names?.en
    const code = found?.country?.iso_code
    const country =
      code === undefined ? undefined : new Intl.DisplayNames([language], { type: 'region' }).of(code)
    const known = [city, country].filter((each) => each !== undefined)
    return known.length === 0 ? undefined : known.join(', ')
  } catch (error) {
    context.log.warn('place_unknown', { problem: (error as Error).message })
    return undefined
  }
}

/** Degrees; undefined when the place is unknown or the database cannot be read, which is logged. */
export async function coordinatesOf(
  context: Context,
  address: string,
): Promise<{ latitude: number; longitude: number } | undefined> {
  const path = context.config.geoipDatabasePath
  if (path === undefined) return undefined
  try {
    const { latitude, longitude } = (await placesOf(context, path)).get(address)?.location ?? {}
    return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude }
  } catch (error) {
    context.log.warn('place_unknown', { problem: (error as Error).message })
    return undefined
  }
}
