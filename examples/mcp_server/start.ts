/** Starts a provider and this server on this machine: `bun examples/mcp_server/start.ts`. Ctrl-C ends both and removes what they made. */
import { join } from 'node:path'
import { runExample, startLatchkey, startProgram } from '../start/latchkey.ts'

const { PORT = '9100', PROVIDER_PORT = '5000' } = process.env

await runExample(async (add) => {
  const { issuer } = await add(
    startLatchkey(
      Number(PROVIDER_PORT),
      { clients: [] }, // they register themselves
      { PROFILE: 'mcp', RESOURCES: `http://localhost:${PORT}/mcp` },
    ),
  )
  await add(startProgram(join(import.meta.dir, 'main.ts'), { PORT, ISSUER: issuer }))
  return 'Ready. Ctrl-C ends the provider and the server.'
})
