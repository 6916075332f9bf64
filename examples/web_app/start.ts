/** Starts a provider, an API and this application on this machine: `bun examples/web_app/start.ts`. Ctrl-C ends all three. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { folderFor, runExample, startProgram } from '../start/latchkey.ts'
import { startWithApi } from '../start/with_api.ts'
import { clientAt } from './client.ts'

const { PORT = '8080', PROVIDER_PORT = '5000', API_PORT = '9000' } = process.env
const origin = `http://localhost:${PORT}`

await runExample(async (add) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const about = { alg: 'ES256', kid: 'web-app-1' }
  const folder = await add(folderFor('web-app'))
  const keyFile = join(folder.path, 'key.json')
  writeFileSync(keyFile, JSON.stringify({ ...(await exportJWK(privateKey)), ...about }), { mode: 0o600 })
  const { issuer, api } = await add(
    startWithApi(
      { provider: Number(PROVIDER_PORT), api: Number(API_PORT) },
      clientAt(origin, { ...(await exportJWK(publicKey)), ...about, use: 'sig' }),
      // Logout tokens go to a server on this machine, which is refused otherwise.
      { OUTBOUND_ALLOW_HOSTS: new URL(origin).host },
    ),
  )
  const env = { PORT, ISSUER: issuer, API: api, CLIENT_ID: 'web-app', CLIENT_KEY_FILE: keyFile }
  await add(startProgram(join(import.meta.dir, 'main.ts'), env))
  return 'Ready. Ctrl-C ends the provider, the API and the application.'
})
