/** Starts a provider and this server on this machine: `bun examples/mcp_server/start.ts`. Ctrl-C ends both and removes what they made. */
import { join } from 'node:path'
import { startLatchkey, startProgram, untilEnded } from '../start/latchkey.ts'

const { PORT = '9100', PROVIDER_PORT = '5000' } = process.env

const ended = untilEnded()
const provider = await startLatchkey(
  Number(PROVIDER_PORT),
  { clients: [] }, // they register themselves
  { PROFILE: 'mcp', RESOURCES: `http://localhost:${PORT}/mcp` },
)
const server = await startProgram(join(import.meta.dir, 'main.ts'), { PORT, ISSUER: provider.issuer })
console.log('Ready. Ctrl-C ends the provider and the server.')

await ended
await server.stop()
await provider.stop()
process.exit(0)
