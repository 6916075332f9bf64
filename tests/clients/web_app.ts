/** The web application of the examples with its provider and its API, as examples/web_app/start.ts starts them, with settings for a test. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { type RunningLatchkey, startLatchkey } from '../../examples/start/latchkey.ts'
import { clientAt } from '../../examples/web_app/client.ts'
import { freePort } from '../support/free_port.ts'
import { type Example, startExample } from './example.ts'

export interface WebApp {
  /** As browsers see it. */
  origin: string
  /** Where it listens on this machine. */
  listens: string
  provider: RunningLatchkey
  api: string
  stop(): Promise<void>
}

/** `env` of the provider; `apiEnv` of the API; `appEnv` of the application. */
export async function startWebApp({
  env = {},
  apiEnv = {},
  appEnv = {},
}: Partial<Record<'env' | 'apiEnv' | 'appEnv', Record<string, string>>> = {}): Promise<WebApp> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const about = { alg: 'ES256', kid: 'test' }
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-web-app-test-'))
  const keyFile = join(folder, 'key.json')
  writeFileSync(keyFile, JSON.stringify({ ...(await exportJWK(privateKey)), ...about }), { mode: 0o600 })
  const [port, apiPort] = [freePort(), freePort()]
  const listens = `http://localhost:${port}`
  const origin = appEnv.BASE_URL ?? listens
  const api = `http://localhost:${apiPort}`
  const client = clientAt(origin, { ...(await exportJWK(publicKey)), ...about, use: 'sig' })
  const configuration = { scopes: ['read:notes', 'write:notes'], clients: [client] }
  const provider = await startLatchkey(freePort(), configuration, {
    RESOURCES: api,
    OUTBOUND_ALLOW_HOSTS: new URL(listens).host,
    ...env,
  })
  const { issuer } = provider
  const running: Example[] = []
  const stop = async () => {
    for (const each of running) await each.stop()
    await provider.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    running.push(await startExample('api', { PORT: `${apiPort}`, ISSUER: issuer, ...apiEnv }))
    const app = { PORT: `${port}`, ISSUER: issuer, API: api, CLIENT_ID: 'web-app', CLIENT_KEY_FILE: keyFile }
    running.push(await startExample('web_app', { ...app, ...appEnv }))
  } catch (error) {
    await stop()
    throw error
  }
  return { origin, listens, provider, api, stop }
}
