/** Finds the registered clients that would not work under each profile: part of `latchkey config check`. docs/configuration.md, "PROFILE" */
import { type Config, ConfigError } from '../config.ts'
import type { Env } from '../config/read.ts'
import { type Profile, profiles } from '../config/entry.ts'
import { Client } from '../models/client.ts'
import { buildTable, featuresFor } from '../table.ts'
import { allOf } from './administration.ts'
import { demandsOn } from './client_demands.ts'
import { open, readConfig } from './open.ts'
import { newStore } from './open_store.ts'

export interface ClientFinding {
  client_id: string
  demands: string[]
}

export interface ProfileFinding {
  profile: Profile
  /** Settings that contradict the profile, so that the provider would not start. */
  problems: readonly string[]
  /** Clients that would have to change. */
  clients: ClientFinding[]
}

/** One finding for each profile, under the same environment with another PROFILE. */
export function checkProfiles(clients: readonly Client[], env: Env): ProfileFinding[] {
  return profiles.map((profile) => {
    try {
      const config = readConfig({ ...env, PROFILE: profile })
      const provider = { config, table: buildTable(featuresFor(config)) }
      const found = clients.map((client) => ({
        client_id: client.client_id,
        demands: demandsOn(client, provider),
      }))
      return { profile, problems: [], clients: found.filter(({ demands }) => demands.length > 0) }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return { profile, problems: error.problems, clients: [] }
    }
  })
}

/**
 * All clients in the configured store; for the memory store in development the demo clients. A SQLite file and tables that do
 * not exist are not created. Throws StoreUnavailable.
 */
export async function registeredClients(config: Config): Promise<Client[]> {
  const { store, environment } = config
  if ((await newStore(config)) !== undefined) return []
  const opened = await open({ ...config, logLevel: 'silent' })
  try {
    if (store.kind === 'memory' && environment === 'development') {
      const { seedDemo } = await import('./seed_demo.ts')
      await seedDemo(opened)
    }
    return await allOf(Client.every(opened))
  } finally {
    await opened.store.close()
  }
}
