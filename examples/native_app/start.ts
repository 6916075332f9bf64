/** Starts a provider and an API for this application on this machine: `bun examples/native_app/start.ts`. Ctrl-C ends both. */
import { untilEnded } from '../start/latchkey.ts'
import { startWithApi } from '../start/with_api.ts'
import { client } from './client.ts'

const { PROVIDER_PORT = '5000', API_PORT = '9000' } = process.env

const ended = untilEnded()
const around = await startWithApi({ provider: Number(PROVIDER_PORT), api: Number(API_PORT) }, client)
console.log(`Ready. Ctrl-C ends the provider and the API. In another terminal:

  export ISSUER=${around.issuer} API=${around.api}
  bun examples/native_app/main.ts sign-in`)

await ended
await around.stop()
process.exit(0)
