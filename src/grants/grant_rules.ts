/** Asking the rules that features add to grants: who may use one, and what becomes of what is issued. */
import { OAuthError } from '../auth/errors.ts'
import type { GrantRequest, Issue } from '../contracts/grant_type.ts'
import type { Grant } from '../models/grant.ts'

/**
 * Whether this request may use the grant at all: with the key it was bound to (RFC 9449 §5, RFC 8705 §4), and by every
 * feature's rule. Throws `invalid_grant` or the feature's error.
 */
export async function admit(grant: Grant, request: GrantRequest<unknown>): Promise<void> {
  if (grant.cnf !== undefined && !Bun.deepEquals(grant.cnf, request.bound?.cnf))
    throw new OAuthError('invalid_grant', {
      rule: 'RFC 9449 §5',
      expected: 'a proof by the key that the grant is bound to',
      came: request.bound?.cnf,
      problem: 'this grant is bound to another key of the client than the one proven',
    })
  for (const rule of request.context.table.grantRules) if (rule.admit) await rule.admit(grant, request)
}

/** What every feature's rule makes of it, one after the other. */
export async function shaped(issue: Issue, request: GrantRequest<unknown>): Promise<Issue> {
  let now = issue
  for (const rule of request.context.table.grantRules) if (rule.shape) now = await rule.shape(now, request)
  return now
}
