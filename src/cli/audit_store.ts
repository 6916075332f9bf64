/** The audit trail of the configured store, for commands that read it. */
import type { Audit } from '../models/audit/audit.ts'
import { withOpened } from './administration.ts'
import { openTrail } from './audit_trail.ts'
import { Refusal } from './failure.ts'
import { type Opened, readSettings } from './open.ts'

export async function withTrail<T>(work: (audit: Audit, opened: Opened) => Promise<T>): Promise<T> {
  const { config, environment } = await readSettings()
  if (config.store.kind === 'memory')
    throw new Refusal(
      'the memory store keeps the audit trail in the process of the server. Configure one store for the server and this command: STORE_URL=sqlite:latchkey.db, or REDIS_URL=redis://…',
    )
  return withOpened(config, environment.env, async (opened) => {
    const audit = await openTrail(opened, 'cli')
    if (!audit)
      throw new Refusal('there is no audit trail: set AUDIT_SIGNING_KEY to the value that the server has')
    return work(audit, opened)
  })
}
