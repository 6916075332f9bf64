/** Which registered clients each profile would break: part of `latchkey config check`. docs/configuration.md, "PROFILE" */
import { existsSync } from 'node:fs'
import { type Config, ConfigError } from '../config.ts'
import { type Profile, profiles } from '../config/entry.ts'
import { Client } from '../models/client.ts'
import { buildTable, featuresFor } from '../table.ts'
import { listAll } from './administration.ts'
import { demandsOn } from './client_demands.ts'
import { open, readConfig } from './open.ts'

export interface ClientFinding {
  client_id: string
  demands: string[]
}

export interface ProfileFinding {
  profile: Profile
  /** The settings as they are contradict it: it would not even start. */
  problems: readonly string[]
  /** Those that would be refused, or would have to change. */
  clients: ClientFinding[]
}

/** One for each profile, under the environment as it is but for PROFILE. */
export function checkProfiles(
  clients: readonly Client[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): ProfileFinding[] {
  return profiles.map((profile) => {
    try {
      const config = readConfig({ ...env, PROFILE: profile })
      const ground = { config, table: buildTable(featuresFor(config)) }
      const found = clients.map((client) => ({
        client_id: client.client_id,
        demands: demandsOn(client, ground),
      }))
      return { profile, problems: [], clients: found.filter(({ demands }) => demands.length > 0) }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return { profile, problems: error.problems, clients: [] }
    }
  })
}

/**
 * All clients that the configured store knows, those of the walkthrough where a server would put them. A database that
 * is not there yet is not made. Throws what the store throws when it is away.
 */
export async function registeredClients(config: Config): Promise<Client[]> {
  const { store: place, environment } = config
  if (place.kind === 'sqlite' && !existsSync(place.path)) return []
  const opened = await open({ ...config, logLevel: 'silent' })
  try {
    if (place.kind === 'memory' && environment === 'development') {
      const { seedDemo } = await import('./seed_demo.ts')
      await seedDemo(opened)
    }
    return await listAll((offset, limit) => Client.list(opened, offset, limit))
  } finally {
    await opened.store.close()
  }
}
