/** What an application of the examples needs on this machine: a provider that knows its client, and the API of examples/api. */
import { join } from 'node:path'
import { startLatchkey, startProgram } from './latchkey.ts'

export interface Surroundings {
  issuer: string
  /** The URI of the API: its address, and what `resource` and `aud` say. */
  api: string
  stop(): Promise<void>
}

/** `client` in the form of docs/configuration_files.md; `env` has further variables of docs/configuration.md, `apiEnv` those of the API. */
export async function startWithApi(
  ports: { provider: number; api: number },
  client: object,
  env: Record<string, string> = {},
  apiEnv: Record<string, string> = {},
): Promise<Surroundings> {
  const api = `http://localhost:${ports.api}`
  const provider = await startLatchkey(
    ports.provider,
    { scopes: ['read:notes', 'write:notes'], clients: [client] },
    { RESOURCES: api, ...env },
  )
  const { issuer } = provider
  const program = join(import.meta.dir, '../api/main.ts')
  const variables = { PORT: `${ports.api}`, ISSUER: issuer, ...apiEnv }
  const running = await startProgram(program, variables, 'API_PORT').catch(async (error: unknown) => {
    await provider.stop()
    throw error
  })
  const stop = async () => {
    await running.stop()
    await provider.stop()
  }
  return { issuer, api, stop }
}
