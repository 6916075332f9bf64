/** Notes when a code is issued and used, so that a refusal of it can say what happened before. */
import type { AuthorizationRequest } from '../../auth/authorization_request.ts'
import type { Context } from '../../contracts/context.ts'
import type { GrantUse } from '../../contracts/grant_type.ts'
import type { Grant } from '../../models/grant.ts'
import type { History } from './failure.ts'
import { memoryOf } from './memory.ts'

/** Uses that are kept of one grant. A refresh token is used again and again. */
const mostUses = 8
const bytesOfHistory = 1_000

function change(context: Context, grantId: string, next: (history: History) => History): void {
  const { histories } = memoryOf(context)
  histories.set(grantId, next(histories.get(grantId) ?? { uses: [] }), bytesOfHistory)
}

/** For the socket `responseParameters`: it adds none. */
export function noteIssued(
  context: Context,
  { request, grant }: { request: AuthorizationRequest; grant: Grant },
): Record<string, string> {
  const { codeChallenge, redirect } = request
  const issued = {
    at: context.clock.now(),
    clientId: grant.client_id,
    redirectUri: redirect,
    challenge: codeChallenge,
  }
  change(context, grant.grant_id, (history) => ({ ...history, issued }))
  if (codeChallenge !== undefined) memoryOf(context).challenges.set(codeChallenge, grant.grant_id, 150)
  return {}
}

/** For the socket `grantRules`: it refuses nothing. */
export function noteUse(grant: Grant, { client, context, raw }: GrantUse): void {
  const use = {
    at: context.clock.now(),
    clientId: client.client_id,
    grantType: raw.grant_type ?? 'unknown',
  }
  change(context, grant.grant_id, (history) => ({
    ...history,
    uses: [...history.uses, use].slice(-mostUses),
  }))
}
