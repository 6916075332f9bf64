/** What holds for every use of a grant: the rules that features add, and that its End-User has an active account. */
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import type { Answer, GrantUse, Issue } from '../contracts/grant_type.ts'
import { Grant } from '../models/grant.ts'
import { isActive } from '../models/user.ts'

/**
 * Whether this request may use the grant at all: with the key it was bound to (RFC 9449 §5, RFC 8705 §4), and by every
 * feature's rule. Throws `invalid_grant` or the feature's error.
 */
export async function admit(grant: Grant, request: GrantUse): Promise<void> {
  if (grant.cnf !== undefined && !Bun.deepEquals(grant.cnf, request.bound?.cnf))
    throw new OAuthError('invalid_grant', {
      rule: 'RFC 9449 §5',
      expected: 'a proof by the key that the grant is bound to',
      came: request.bound?.cnf,
      problem: 'this grant is bound to another key of the client than the one proven',
    })
  for (const rule of request.context.table.grantRules) if (rule.admit) await rule.admit(grant, request)
}

/**
 * What is issued for this answer, by every feature's rule. The account of the End-User is judged here and nowhere else: a
 * grant whose End-User may have nothing any more ends. Throws `invalid_grant` then.
 */
export async function settled(answer: Answer, request: GrantUse): Promise<Issue> {
  let now = await requireActive(answer, request.context)
  for (const rule of request.context.table.grantRules) if (rule.shape) now = await rule.shape(now, request)
  return now
}

async function requireActive(answer: Answer, context: Context): Promise<Issue> {
  if (!answer.grant) return answer
  const { user } = answer
  if (isActive(user)) return { ...answer, user }
  await Grant.end(context, answer.grant.grant_id)
  throw new OAuthError('invalid_grant', {
    rule: 'RFC 6749 §5.2',
    expected: 'a grant of an End-User who may sign in here',
    problem: 'the End-User of this grant is gone or may no longer sign in',
  })
}
