/** The checks for every use of a grant: the rules of the features, and that the account of its End-User is active. */
import { check } from '../auth/check.ts'
import type { Context } from '../contracts/context.ts'
import { requireSigners } from '../clients/signer.ts'
import type { Answer, GrantUse, Issue } from '../contracts/grant_type.ts'
import { Client } from '../models/client.ts'
import { Grant } from '../models/grant.ts'
import { isActive } from '../models/user.ts'

/**
 * Checks that this request may use the grant: by the key it is bound to (RFC 9449 §5, RFC 8705 §4) and by the rules of the
 * features. Throws `invalid_grant`, the error of a rule, or SignerUnavailable.
 */
export async function admit(grant: Grant, request: GrantUse): Promise<void> {
  const { tokens_since: since = 0 } = request.client
  check((grant.begun_at ?? 0) >= since, 'invalid_grant', () => ({
    rule: 'RFC 6749 §5.2',
    expected: 'a grant from after this client was made',
    problem: 'the grant belongs to a removed client that had the same client_id',
  }))
  if (grant.cnf !== undefined)
    check(Bun.deepEquals(grant.cnf, request.bound?.cnf), 'invalid_grant', () => ({
      rule: 'RFC 9449 §5',
      expected: 'a proof by the key that the grant is bound to',
      came: request.bound?.cnf,
      wanted: grant.cnf,
      problem: 'the grant is bound to a different key than the one this request proves',
    }))
  for (const rule of request.context.table.grantRules) if (rule.admit) await rule.admit(grant, request)
  requireSigners(request.context, request.client, grant.scope)
}

/**
 * What is issued for this answer after the rules of the features. Only this function checks the account of the End-User:
 * when it is not active, the grant ends and `invalid_grant` is thrown.
 */
export async function settled(answer: Answer, request: GrantUse): Promise<Issue> {
  let now = await requireActive(answer, request.context)
  for (const rule of request.context.table.grantRules) {
    const shaped = rule.shape?.(now, request) ?? now
    now = shaped instanceof Promise ? await shaped : shaped // most rules wait for nothing
  }
  if (request.client.exp !== undefined) await keepClient(request)
  return now
}

/** A client that registered itself stays once it gets tokens. */
async function keepClient({ client, context }: GrantUse): Promise<void> {
  await Client.keep(context, client.client_id)
  context.clients.forget(client.client_id)
}

async function requireActive(answer: Answer, context: Context): Promise<Issue> {
  if (!answer.grant) return answer
  const { user } = answer
  const active = isActive(user)
  if (!active) await Grant.end(context, answer.grant.grant_id)
  check(active, 'invalid_grant', () => ({
    rule: 'RFC 6749 §5.2',
    expected: 'a grant of an End-User with an active account',
    problem: 'the account of the End-User has been deleted or disabled',
  }))
  return { ...answer, user }
}
