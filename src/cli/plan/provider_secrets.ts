/** Secrets of upstream providers in a configuration file: references, which each server reads. docs/configuration_files.md, "Settings" */
import { generateKeyPairSync } from 'node:crypto'
import { ConfigError } from '../../config.ts'
import type { Env } from '../../config/read.ts'
import { PlaceProblem, referredSecret } from './secret_places.ts'

export const providersVariable = 'UPSTREAM_PROVIDERS'

/** Members of a provider that are secrets. */
export const providerSecrets = ['client_secret', 'private_key'] as const

type Provider = Record<string, unknown>

const providersIn = (text: string): Provider[] => JSON.parse(text) as Provider[]

/** The text of the variable with each secret in place of its reference. Throws ConfigError, which quotes none. */
export async function providersWithSecrets(text: string, env: Env): Promise<string> {
  const problems: string[] = []
  const providers = providersIn(text)
  for (const provider of providers)
    for (const member of providerSecrets) {
      const place = provider[member]
      if (typeof place !== 'string') continue
      try {
        provider[member] = await referredSecret(place, env)
      } catch (error) {
        if (!(error instanceof PlaceProblem)) throw error
        problems.push(`${providersVariable}: ${member} of ${String(provider.id)}: ${error.message}`)
      }
    }
  if (problems.length > 0) throw new ConfigError(problems)
  return JSON.stringify(providers)
}

/** The text with a stand-in for each secret, to check all the rest where no server runs. */
export function withStandIns(text: string): string {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const standIns = {
    client_secret: 'a stand-in for the secret',
    private_key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
  const providers = providersIn(text)
  for (const provider of providers)
    for (const member of providerSecrets)
      if (provider[member] !== undefined) provider[member] = standIns[member]
  return JSON.stringify(providers)
}
