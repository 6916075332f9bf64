/** Token revocation endpoint. https://www.rfc-editor.org/rfc/rfc7009 */
import { check } from '../auth/check.ts'
import { note } from '../models/audit/note.ts'
import { TokenParams } from '../auth/params.ts'
import { kindOf } from '../auth/token.ts'
import type { Context } from '../contracts/context.ts'
import { findAccessToken } from '../grants/live_token.ts'
import { form, shape } from '../http/call.ts'
import { authenticateClient } from '../http/client_authentication.ts'
import { empty } from '../http/reply.ts'
import { AccessToken } from '../models/access_token.ts'
import type { Client } from '../models/client.ts'
import { Grant } from '../models/grant.ts'
import { readRefreshHandle } from '../models/refresh_token.ts'
import { asClient, clientForm, troubles, unauthorizedClient } from '../openapi/parts.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'

export const revocation = defineEndpoint({
  name: 'revocation',
  path: '/revoke',
  cors: 'client',
  limited: 'by_proof',
  api: () => ({
    POST: {
      summary: 'Revoke a token; with a refresh token the whole grant ends',
      security: asClient,
      form: clientForm(TokenParams),
      responses: {
        200: { description: 'It is revoked, or was not active' },
        ...troubles,
        401: unauthorizedClient,
      },
    },
  }),
  async post(call, context) {
    const params = await form(call, context)
    const client = await authenticateClient(call, params, context)
    const { token } = shape(TokenParams, params)
    // §2.2: an unknown token counts as revoked, so both functions return without an error.
    const kind = kindOf(token)
    const ended =
      kind === 'refresh'
        ? await revokeRefresh(token, client, context)
        : await revokeAccess(token, client, context)
    if (ended) note(call, context, 'token_revoked', { client_id: client.client_id, token: kind, ...ended })
    return empty(200)
  },
})

function requireOwner(owner: string, client: Client): void {
  check(owner === client.client_id, 'invalid_grant', () => ({
    rule: 'RFC 7009 §2.1',
    expected: 'a token that was issued to this client',
    problem: 'this token was issued to another client',
  }))
}

/** What was revoked; nothing for a token that was not valid any more. */
interface Ended {
  grant_id: string | undefined
  sub: string | undefined
}

/** §2.1: revoking a refresh token, or an older token of the same grant, ends the whole grant. */
async function revokeRefresh(token: string, client: Client, context: Context): Promise<Ended | undefined> {
  const handle = readRefreshHandle(context.secrets.refresh, token)
  const grant = handle && (await Grant.find(context, handle.grantId))
  if (!grant) return undefined
  requireOwner(grant.client_id, client)
  await Grant.end(context, grant.grant_id)
  return { grant_id: grant.grant_id, sub: grant.sub }
}

async function revokeAccess(token: string, client: Client, context: Context): Promise<Ended | undefined> {
  const live = await findAccessToken(context, token)
  if (!live) return undefined
  requireOwner(live.claims.client_id, client)
  if (live.format === 'opaque') await AccessToken.remove(context, token)
  else await AccessToken.revokeJti(context, live.claims.jti!, live.claims.exp)
  return { grant_id: live.grant?.grant_id, sub: live.grant?.sub }
}
