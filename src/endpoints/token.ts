/** Token endpoint: authenticates the client, lets the grant type decide what is issued, and mints the tokens. https://www.rfc-editor.org/rfc/rfc6749#section-3.2 */
import { check } from '../auth/check.ts'
import type { Params } from '../auth/params.ts'
import type { Context } from '../contracts/context.ts'
import { settled } from '../grants/grant_rules.ts'
import type { Bound } from '../contracts/grant_type.ts'
import { mint } from '../grants/mint.ts'
import { noteTokens } from '../grants/tokens_issued.ts'
import { form } from '../http/call.ts'
import type { Call } from '../contracts/call.ts'
import type { Reply } from '../contracts/reply.ts'
import { authenticateClient } from '../http/client_authentication.ts'
import { tokens } from '../http/reply.ts'
import type { Client } from '../models/client.ts'
import { asClient, jsonReply, ref, troubles, unauthorizedClient } from '../openapi/parts.ts'
import { tokenRequest } from '../openapi/token_request.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'

export const token = defineEndpoint({
  name: 'token',
  path: '/token',
  cors: 'client',
  limited: 'by_proof',
  api: (described) => ({
    POST: {
      summary: 'Issue tokens for a code, a refresh token or the client itself',
      security: asClient,
      form: tokenRequest(described),
      responses: {
        200: jsonReply('Tokens', ref('TokenResponse')),
        ...troubles,
        401: unauthorizedClient,
      },
    },
  }),
  post: async (call, context) => answerTokenRequest(call, context, await form(call, context)),
})

/** Answers the token request with these parameters. */
export async function answerTokenRequest(call: Call, context: Context, params: Params): Promise<Reply> {
  const client = await authenticateClient(call, params, context)
  const grantType = grantTypeOf(params.grant_type, client, context)
  const bound = await bind(call, client, context)
  const request = { params, raw: params, client, context, bound }
  const issue = await settled(await grantType.answer(request), request)
  const answer = await mint(issue, client, bound, context)
  noteTokens(call, context, grantType.name, client, issue)
  return tokens(answer)
}

const served = ({ table }: Context): string[] =>
  [...table.grantTypes.values()].filter((each) => !each.withoutTokenRequest).map(({ name }) => name)

function grantTypeOf(name: string | undefined, client: Client, context: Context) {
  check(name !== undefined, 'invalid_request', () => ({
    rule: 'RFC 6749 §4.1.3',
    expected: `grant_type is required: one of ${served(context).join(', ')}`,
    came: name,
  }))
  const grantType = context.table.grantTypes.get(name)
  check(grantType && !grantType.withoutTokenRequest, 'unsupported_grant_type', () => ({
    rule: 'RFC 6749 §5.2',
    expected: `grant_type must be among ${served(context).join(', ')}`,
    came: name,
    wanted: served(context),
  }))
  check(client.grant_types.includes(name), 'unauthorized_client', () => ({
    rule: 'RFC 7591 §2',
    expected: `grant_type is one that this client registered: ${client.grant_types.join(', ')}`,
    came: name,
    wanted: client.grant_types,
    problem: `this client is registered for ${client.grant_types.join(', ')}, not for ${name}`,
  }))
  return grantType
}

/** Combines all token bindings that the request proves. Without any, the client gets bearer tokens unless it must bind them. */
export async function bind(call: Call, client: Client, context: Context): Promise<Bound | undefined> {
  let all: Bound | undefined
  for (const binding of context.table.tokenBindings) {
    const binds = binding.bind(call, context, client)
    const bound = binds instanceof Promise ? await binds : binds // most requests prove no key
    if (binding.isRequired?.(client)) check(bound, () => binding.missing())
    if (bound)
      all = {
        cnf: { ...all?.cnf, ...bound.cnf },
        token_type: all === undefined || all.token_type === 'Bearer' ? bound.token_type : all.token_type,
      }
  }
  return all
}
