/** Token introspection endpoint. https://www.rfc-editor.org/rfc/rfc7662 */
import { check } from '../auth/check.ts'
import { formatScope } from '../auth/scope.ts'
import { TokenParams } from '../auth/params.ts'
import { kindOf } from '../auth/token.ts'
import type { Context } from '../contracts/context.ts'
import type { LiveToken } from '../contracts/live_token.ts'
import { isForApi } from '../grants/accepting_api.ts'
import { wrapDocument } from '../grants/documents.ts'
import { findAccessToken } from '../grants/live_token.ts'
import { detailsFor } from '../grants/token_details.ts'
import { signInClaims, subjectOf } from '../grants/person.ts'
import { bindingOf } from '../http/bearer.ts'
import { form, shape } from '../http/call.ts'
import { authenticateClient } from '../http/client_authentication.ts'
import { json, wrapped } from '../http/reply.ts'
import { seconds } from '../lib/clock.ts'
import { type Client, isPublic } from '../models/client.ts'
import { Grant } from '../models/grant.ts'
import { Session } from '../models/session.ts'
import { readRefreshHandle } from '../models/refresh_token.ts'
import { clientPost, ref } from '../openapi/parts.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'

export const introspection = defineEndpoint({
  name: 'introspection',
  path: '/introspect',
  limited: 'by_proof',
  api: () => clientPost('Whether a token is active, and what it says', TokenParams, ref('Introspection')),
  async post(call, context) {
    const params = await form(call, context)
    const client = await authenticateClient(call, params, context)
    check(!isPublic(client), 'invalid_client', () => ({
      rule: 'RFC 7662 §2.1',
      expected: 'introspection requires client authentication (RFC 7662 2.1)',
    }))
    const { token } = shape(TokenParams, params)
    const found =
      kindOf(token) === 'refresh'
        ? await describeRefresh(token, client, context)
        : await describeAccess(token, client, context)
    const document = found ? { active: true, iss: context.config.issuer, ...found } : { active: false }
    const wrap = await wrapDocument(call, context, { kind: 'introspection', document, client })
    return wrap ? wrapped(wrap) : json(200, document)
  },
})

/**
 * §4, RFC 9701 §5: an API learns of the tokens that it may accept, any other client of its own. A client that is tied to
 * resources is an API: its own token for another API must not pass there as one for itself.
 */
const mayKnow = ({ claims }: LiveToken, client: Client, context: Context): boolean =>
  (claims.client_id === client.client_id && client.resource_uris === undefined) ||
  isForApi(claims.aud, client, context)

async function describeAccess(token: string, client: Client, context: Context) {
  const live = await findAccessToken(context, token)
  if (!live) return undefined
  if (!mayKnow(live, client, context)) {
    const { client_id, aud } = live.claims
    context.log.info('introspection_withheld', {
      client_id: client.client_id,
      token_client_id: client_id,
      aud,
      next: 'an operator ties an API to its resources: latchkey client set CLIENT_ID --resource-uri URI',
    })
    return undefined
  }
  const { grant_id: _, scope, cnf, ...claims } = live.claims
  return {
    ...claims,
    ...detailsFor(live.claims, client),
    ...(scope !== '' && { scope }),
    ...(cnf && { cnf }),
    ...(live.grant && {
      // A client with a pairwise subject identifier does not receive the username, which would identify the End-User.
      ...(live.claims.sub === live.grant.sub && { username: live.grant.username }),
      ...signInClaims(live.grant),
    }),
    token_type: (cnf && bindingOf(cnf, context)?.scheme) ?? 'Bearer',
  }
}

/** A refresh token is for this provider alone, so only its own client learns of it. */
async function describeRefresh(token: string, client: Client, context: Context) {
  const handle = readRefreshHandle(context.secrets.refresh, token)
  const grant = handle && (await Grant.find(context, handle.grantId))
  if (!grant || grant.refresh?.generation !== handle.generation) return undefined
  if (grant.client_id !== client.client_id || !(await sessionLives(grant, context))) return undefined
  const { client_id, sub, scope, exp, username, cnf } = grant
  const known = subjectOf(sub, client, context)
  return {
    client_id,
    sub: known,
    ...(scope.length > 0 && { scope: formatScope(scope) }),
    exp,
    ...(known === sub && { username }),
    ...(cnf && { cnf }),
  }
}

/** The session is read only when it may have run out: its end moves further away with each use. */
const sessionLives = async (grant: Grant, context: Context): Promise<boolean> =>
  !grant.session_bound ||
  (grant.session_until !== undefined && seconds(context.clock) < grant.session_until) ||
  (await Session.find(context, grant.authentication.sid)) !== undefined
