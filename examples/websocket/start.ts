/** Starts a provider and this application on this machine: `bun examples/websocket/start.ts`. Ctrl-C ends both and removes what they made. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { folderFor, runExample, startLatchkey, startProgram } from '../start/latchkey.ts'
import { clientAt } from './client.ts'

const { PORT = '9300', PROVIDER_PORT = '5000', ACCESS_TOKEN_TTL = '300' } = process.env
const origin = `http://localhost:${PORT}`
const resource = `${origin}/live`

await runExample(async (add) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const about = { alg: 'ES256', kid: 'live-1' }
  const folder = await add(folderFor('live'))
  const keyFile = join(folder.path, 'key.json')
  writeFileSync(keyFile, JSON.stringify({ ...(await exportJWK(privateKey)), ...about }), { mode: 0o600 })

  const { issuer } = await add(
    startLatchkey(
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
    ),
  )
  const env = {
    PORT,
    ISSUER: issuer,
    API: resource,
    API_SCOPE: 'read:live',
    CLIENT_ID: 'live',
    CLIENT_KEY_FILE: keyFile,
  }
  await add(startProgram(join(import.meta.dir, 'main.ts'), env))
  return 'Ready. Ctrl-C ends the provider and the application.'
})
