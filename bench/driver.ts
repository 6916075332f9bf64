/** The driver process: one job as JSON on the command line, one JSON line out per row. Knows providers by target only. */
import { backchannelLogout } from './backchannel_logout.ts'
import { flood } from './flood.ts'
import { type Load, measure } from './measure.ts'
import { openSession, type Session } from './session.ts'
import type { Job, Result } from './target.ts'
import { workloads } from './workloads.ts'

/** Workloads that are no closed loop. */
const special: Record<string, (session: Session, load: Load, lanes: number) => Promise<Result>> = {
  sign_in_flood: flood,
  backchannel_logout: backchannelLogout,
}

const { target, rows, connections, ...load } = JSON.parse(Bun.argv[2] ?? 'null') as Job
const session = await openSession(target)
for (const row of rows) {
  const prepare = workloads[row]
  const run = special[row]
  if (!prepare && !run) throw new Error(`no such workload: ${row}`)
  const result = prepare
    ? await measure(row, await Promise.all(Array.from({ length: connections }, () => prepare(session))), load)
    : await run!(session, load, connections)
  console.log(JSON.stringify({ ...result, bytes: session.lastBytes() }))
}
process.exit(0) // connections are left open to the end; nothing else is pending
