/** Starts a provider, an API and this application on this machine: `bun examples/single_page_app/start.ts`. Ctrl-C ends all three. */
import { join } from 'node:path'
import { startProgram, untilEnded } from '../start/latchkey.ts'
import { startWithApi } from '../start/with_api.ts'
import { clientAt } from './client.ts'

const { PORT = '3000', PROVIDER_PORT = '5000', API_PORT = '9000' } = process.env
const origin = `http://localhost:${PORT}`

const ended = untilEnded()
const around = await startWithApi(
  { provider: Number(PROVIDER_PORT), api: Number(API_PORT) },
  clientAt(origin),
  { CORS_ALLOWED_ORIGINS: origin },
  { ALLOWED_ORIGIN: origin },
)
const app = await startProgram(join(import.meta.dir, 'main.ts'), {
  PORT,
  ISSUER: around.issuer,
  API: around.api,
  CLIENT_ID: 'single-page-app',
})
console.log('Ready. Ctrl-C ends the provider, the API and the application.')

await ended
await app.stop()
await around.stop()
process.exit(0)
