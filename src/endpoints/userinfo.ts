/** UserInfo endpoint. https://openid.net/specs/openid-connect-core-1_0.html#UserInfo */
import { pick, requestedNames, withTheirValues } from '../auth/claims.ts'
import { scopeValues } from '../auth/scope.ts'
import { wrapDocument } from '../grants/documents.ts'
import { claimsOf, requestedClaims, subjectOf } from '../grants/person.ts'
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import type { Reply } from '../contracts/reply.ts'
import { findAccessToken } from '../grants/live_token.ts'
import { BearerParams, invalidToken } from '../http/bearer.ts'
import { findClient } from '../clients/find_client.ts'
import { json, wrapped } from '../http/reply.ts'
import { requireToken } from '../http/resource.ts'
import { isActive, User } from '../models/user.ts'
import {
  forbidden,
  jsonReply,
  type Operation,
  ref,
  troubles,
  unauthorizedToken,
  withToken,
} from '../openapi/parts.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'

const described: Operation = {
  summary: 'Claims of the End-User of the access token',
  security: withToken,
  responses: {
    200: jsonReply('What the scopes and the claims parameter asked for', ref('Claims')),
    ...troubles,
    401: unauthorizedToken,
    403: forbidden,
  },
}

export const userinfo = defineEndpoint({
  name: 'userinfo',
  path: '/userinfo',
  cors: 'client',
  limited: 'by_proof',
  resourceScopes: ['openid'],
  api: () => ({ GET: described, POST: { ...described, form: BearerParams } }),
  get: answer,
  post: answer,
})

async function answer(call: Call, context: Context): Promise<Reply> {
  const { claims, grant } = await requireToken(call, context, findAccessToken, 'openid')
  const user = grant && (await User.find(context, grant.sub))
  const client = await findClient(context, claims.client_id) // in the cache: `findAccessToken` has found it
  if (!grant || !user || !isActive(user) || !client)
    throw invalidToken(
      context,
      {
        rule: 'RFC 6750 §3.1',
        expected: 'an access token of an active account and a registered client',
        problem: 'the account or the client of this token does not exist any more or is disabled',
      },
      call,
    )
  // Claims requested by name are for the client that requested them, not for one that got its token by token exchange.
  const scope = scopeValues(claims.scope)
  const requests = claims.client_id === grant.client_id ? requestedClaims(grant, scope)?.userinfo : undefined
  const all = await claimsOf(user, client, context)
  const names = requestedNames(scope, withTheirValues(all, requests), context.scopeTable)
  const document = {
    ...pick(all, names, grant.claims_locales),
    sub: subjectOf(user.sub, client, context),
  }
  const wrap = await wrapDocument(call, context, { kind: 'userinfo', document, client })
  return wrap ? wrapped(wrap) : json(200, document)
}
