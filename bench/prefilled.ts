/** Latchkey as `serve` runs it, on a memory store filled with COUNT sessions and COUNT tokens beforehand. For million.ts only. */
import { createApp } from '../src/app.ts'
import { open, openKeys, readSettings } from '../src/cli/open.ts'
import { seedDemo } from '../src/cli/seed_demo.ts'
import { systemRandom } from '../src/lib/random.ts'
import { fillSessions, fillTokens } from './fill.ts'

const count = Number(Bun.argv[2])
const { config } = await readSettings()
const opened = await open(config)
const keys = await openKeys(opened)
await seedDemo(opened)
await fillSessions(opened, count)
await fillTokens(opened, count)
const app = createApp({ ...opened, keys, random: systemRandom })
Bun.serve({
  hostname: config.host,
  port: config.port,
  development: false,
  fetch: (request, server) => app.handle(request, () => server.requestIP(request)?.address ?? ''),
})
