/** The driver process: one job as JSON on the command line, one JSON line out per row. Knows providers by target only. */
import { flood } from './flood.ts'
import { measure } from './measure.ts'
import { openSession } from './session.ts'
import type { Job } from './target.ts'
import { workloads } from './workloads.ts'

const { target, rows, connections, ...load } = JSON.parse(Bun.argv[2] ?? 'null') as Job
const session = await openSession(target)
for (const row of rows) {
  const prepare = workloads[row]
  if (!prepare && row !== 'sign_in_flood') throw new Error(`no such workload: ${row}`)
  const result = prepare
    ? await measure(row, await Promise.all(Array.from({ length: connections }, () => prepare(session))), load)
    : await flood(session, load, connections)
  console.log(JSON.stringify(result))
}
process.exit(0) // connections are left open to the end; nothing else is pending
