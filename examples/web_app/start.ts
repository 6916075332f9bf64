/** Starts a provider, an API and this application on this machine: `bun examples/web_app/start.ts`. Ctrl-C ends all three. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { startProgram, untilEnded } from '../start/latchkey.ts'
import { startWithApi } from '../start/with_api.ts'
import { clientAt } from './client.ts'

const { PORT = '8080', PROVIDER_PORT = '5000', API_PORT = '9000' } = process.env
const origin = `http://localhost:${PORT}`

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const about = { alg: 'ES256', kid: 'web-app-1' }
const folder = mkdtempSync(join(tmpdir(), 'latchkey-web-app-'))
const keyFile = join(folder, 'key.json')
writeFileSync(keyFile, JSON.stringify({ ...(await exportJWK(privateKey)), ...about }), { mode: 0o600 })

const ended = untilEnded()
const around = await startWithApi(
  { provider: Number(PROVIDER_PORT), api: Number(API_PORT) },
  clientAt(origin, { ...(await exportJWK(publicKey)), ...about, use: 'sig' }),
  // Logout tokens go to a server on this machine, which is refused otherwise.
  { OUTBOUND_ALLOW_HOSTS: new URL(origin).host },
)
const app = await startProgram(join(import.meta.dir, 'main.ts'), {
  PORT,
  ISSUER: around.issuer,
  API: around.api,
  CLIENT_ID: 'web-app',
  CLIENT_KEY_FILE: keyFile,
})
console.log('Ready. Ctrl-C ends the provider, the API and the application.')

await ended
await app.stop()
await around.stop()
rmSync(folder, { recursive: true, force: true })
process.exit(0)
