/** Starts a provider and an API for this application on this machine: `bun examples/native_app/start.ts`. Ctrl-C ends both. */
import { runExample } from '../start/latchkey.ts'
import { startWithApi } from '../start/with_api.ts'
import { client } from './client.ts'

const { PROVIDER_PORT = '5000', API_PORT = '9000' } = process.env

await runExample(async (add) => {
  const ports = { provider: Number(PROVIDER_PORT), api: Number(API_PORT) }
  const { issuer, api } = await add(startWithApi(ports, client))
  return `Ready. Ctrl-C ends the provider and the API. In another terminal:

  export ISSUER=${issuer} API=${api}
  bun examples/native_app/main.ts sign-in`
})
