/** Token introspection endpoint. https://www.rfc-editor.org/rfc/rfc7662 */
import { OAuthError } from '../auth/errors.ts'
import { formatScope } from '../auth/scope.ts'
import { TokenParams } from '../auth/params.ts'
import { kindOf } from '../auth/token.ts'
import type { Context } from '../contracts/context.ts'
import { wrapDocument } from '../grants/documents.ts'
import { findAccessToken } from '../grants/live_token.ts'
import { subjectOf } from '../grants/person.ts'
import { bindingOf } from '../http/bearer.ts'
import { form, shape } from '../http/call.ts'
import { authenticateClient } from '../http/client_authentication.ts'
import { findClient } from '../clients/find_client.ts'
import { json, wrapped } from '../http/reply.ts'
import { type Client, isPublic } from '../models/client.ts'
import { Grant } from '../models/grant.ts'
import { readRefreshHandle } from '../models/refresh_token.ts'
import { clientPost, ref } from '../openapi/parts.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'

export const introspection = defineEndpoint({
  name: 'introspection',
  path: '/introspect',
  limited: true,
  api: () => clientPost('Whether a token is active, and what it says', TokenParams, ref('Introspection')),
  async post(call, context) {
    const params = await form(call, context)
    const client = await authenticateClient(call, params, context)
    if (isPublic(client))
      throw new OAuthError('invalid_client', {
        rule: 'RFC 7662 §2.1',
        expected: 'introspection requires client authentication (RFC 7662 2.1)',
      })
    const { token } = shape(TokenParams, params)
    const found =
      kindOf(token) === 'refresh'
        ? await describeRefresh(token, context)
        : await describeAccess(token, context)
    const document =
      found && mayKnow(client, found)
        ? { active: true, iss: context.config.issuer, ...found }
        : { active: false }
    const wrap = await wrapDocument(call, context, { kind: 'introspection', document, client })
    return wrap ? wrapped(wrap) : json(200, document)
  },
})

interface Description {
  client_id: string
  aud?: string | string[]
}

/** §4: a client may introspect its own tokens, and a resource server those issued for it. For any other caller a token is not active. */
const mayKnow = (client: Client, found: Description): boolean =>
  client.resource_server ||
  found.client_id === client.client_id ||
  [found.aud].flat().includes(client.client_id)

async function describeAccess(token: string, context: Context) {
  const live = await findAccessToken(context, token)
  if (!live) return undefined
  const { grant_id: _, scope, cnf, ...claims } = live.claims
  return {
    ...claims,
    ...(scope !== '' && { scope }),
    ...(cnf && { cnf }),
    ...(live.grant && {
      // A client with a pairwise subject identifier does not receive the username, which would identify the End-User.
      ...(live.claims.sub === live.grant.sub && { username: live.grant.username }),
      auth_time: live.grant.authentication.auth_time,
      acr: live.grant.authentication.acr,
      amr: live.grant.authentication.amr,
    }),
    token_type: (cnf && bindingOf(cnf, context)?.scheme) ?? 'Bearer',
  }
}

async function describeRefresh(token: string, context: Context) {
  const handle = readRefreshHandle(context.secrets.refresh, token)
  const grant = handle && (await Grant.find(context, handle.grantId))
  if (!grant || grant.refresh?.generation !== handle.generation) return undefined
  const { client_id, sub, scope, exp, username } = grant
  const client = await findClient(context, client_id)
  if (!client) return undefined
  const known = subjectOf(sub, client, context)
  return {
    client_id,
    sub: known,
    scope: formatScope(scope),
    exp,
    ...(known === sub && { username }),
  }
}
