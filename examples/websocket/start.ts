/** Starts a provider and this application on this machine: `bun examples/websocket/start.ts`. Ctrl-C ends both and removes what they made. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { startLatchkey, startProgram, untilEnded } from '../start/latchkey.ts'
import { clientAt } from './client.ts'

const { PORT = '9300', PROVIDER_PORT = '5000', ACCESS_TOKEN_TTL = '300' } = process.env
const origin = `http://localhost:${PORT}`
const resource = `${origin}/live`

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const about = { alg: 'ES256', kid: 'live-1' }
const folder = mkdtempSync(join(tmpdir(), 'latchkey-live-'))
const keyFile = join(folder, 'key.json')
writeFileSync(keyFile, JSON.stringify({ ...(await exportJWK(privateKey)), ...about }), { mode: 0o600 })

const ended = untilEnded()
const provider = await startLatchkey(
  Number(PROVIDER_PORT),
  {
    scopes: ['read:live'],
    clients: [
      clientAt(origin, { ...(await exportJWK(publicKey)), ...about, use: 'sig' }),
      // A program that opens connections for itself, with an access token.
      {
        client_id: 'display',
        grant_types: ['client_credentials'],
        scope: 'read:live',
        client_secret: 'env:DISPLAY_SECRET',
      },
    ],
  },
  {
    RESOURCES: resource,
    ACCESS_TOKEN_TTL,
    DISPLAY_SECRET: 'a-secret-for-this-machine',
    // Logout tokens go to a server on this machine, which is refused otherwise.
    OUTBOUND_ALLOW_HOSTS: new URL(origin).host,
  },
)
const app = await startProgram(join(import.meta.dir, 'main.ts'), {
  PORT,
  ISSUER: provider.issuer,
  API: resource,
  API_SCOPE: 'read:live',
  CLIENT_ID: 'live',
  CLIENT_KEY_FILE: keyFile,
})
console.log('Ready. Ctrl-C ends the provider and the application.')

await ended
await app.stop()
await provider.stop()
rmSync(folder, { recursive: true, force: true })
process.exit(0)
