/** Starts a provider, an API and this application on this machine: `bun examples/single_page_app/start.ts`. Ctrl-C ends all three. */
import { join } from 'node:path'
import { runExample, startProgram } from '../start/latchkey.ts'
import { startWithApi } from '../start/with_api.ts'
import { clientAt } from './client.ts'

const { PORT = '3000', PROVIDER_PORT = '5000', API_PORT = '9000' } = process.env
const origin = `http://localhost:${PORT}`

await runExample(async (add) => {
  const { issuer, api } = await add(
    startWithApi(
      { provider: Number(PROVIDER_PORT), api: Number(API_PORT) },
      clientAt(origin),
      { CORS_ALLOWED_ORIGINS: origin },
      { ALLOWED_ORIGIN: origin },
    ),
  )
  const env = { PORT, ISSUER: issuer, API: api, CLIENT_ID: 'single-page-app' }
  await add(startProgram(join(import.meta.dir, 'main.ts'), env))
  return 'Ready. Ctrl-C ends the provider, the API and the application.'
})
