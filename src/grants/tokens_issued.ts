/** The log line and the metric of tokens that were issued. OWASP ASVS 5.0 V16.3 */
import { note } from '../models/audit/note.ts'
import { formatScope } from '../auth/scope.ts'
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import type { Issue } from '../contracts/grant_type.ts'
import type { Client } from '../models/client.ts'

/** `by` is the grant type, or the response type of tokens in a redirect. Without `call` no request is answered: they are pushed. */
export function noteTokens(
  call: Pick<Call, 'requestId' | 'address'> | undefined,
  context: Context,
  by: string,
  client: Client,
  issue: Issue,
): void {
  const { client_id } = client
  context.metrics.count('tokens_issued', 'grant_type', by)
  context.usage.count('tokens', client)
  if (issue.grant) context.usage.seen(client, issue.grant.sub, issue.grant.authentication.sid)
  note(call, context, 'tokens_issued', {
    client_id,
    grant_type: by,
    // A client that acts for itself is no End-User: `client_id` says which one it is.
    sub: issue.grant ? issue.grant.sub : issue.sub === client_id ? undefined : issue.sub,
    grant_id: issue.grant?.grant_id,
    scope: formatScope(issue.scope),
  })
}
