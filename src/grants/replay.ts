/** A handle that was used before is a sign of theft: a warning in the log and a metric of its own. https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2 */
import { note } from '../models/audit/note.ts'
import type { Context } from '../contracts/context.ts'
import type { Grant } from '../models/grant.ts'

type Reusable = 'authorization_code' | 'refresh_token' | 'device_code' | 'auth_req_id'

/** Of a grant that has ended, only the client is known. */
type Replayed = Pick<Grant, 'client_id'> & { grant_id?: string | undefined; sub?: string | undefined }

export function noteReplay(
  context: Pick<Context, 'audit' | 'log' | 'metrics'>,
  what: Reusable,
  { client_id, grant_id, sub }: Replayed,
): void {
  note(undefined, context, `${what}_reused`, { client_id, grant_id, sub })
  context.metrics.count(`${what}_reuse`)
}
