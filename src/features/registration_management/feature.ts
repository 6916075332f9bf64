/** Registration management: a client reads, replaces and deletes its own registration. https://www.rfc-editor.org/rfc/rfc7592 */
import { note } from '../../models/audit/note.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import { type LeftOut, leftOutOf, namesOf } from '../../auth/misfits.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { jsonReply, type Operation, ref, text, troubles, unauthorizedToken } from '../../openapi/parts.ts'
import { registrationResponse } from '../../endpoints/registration.ts'
import { invalidToken, presentedToken } from '../../http/bearer.ts'
import { readJson } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { secretOf, withLongSecret } from '../../clients/client_secret.ts'
import { empty, json } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { countClient } from '../../http/request_limit.ts'
import { Client, newSecret } from '../../models/client.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { readReplacement } from './replacement.ts'
import { replaced } from '../../clients/replaced_client.ts'
import { isTokenOf, nextGeneration, tokenOf } from './token.ts'

const env = defineEntries([
  {
    name: 'REGISTRATION_MANAGEMENT',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'true',
    help: 'Clients that registered themselves may read, change and delete their registration (RFC 7592).',
  },
])

const path = '/register/'

/** §2.1: the same answer for an unknown client, a token of another client and the token from before an update. */
const refused = (context: Context) =>
  invalidToken(context, {
    rule: 'RFC 7592 §2',
    expected: 'the registration access token of the latest registration or update of this client',
    problem: 'the registration access token is not, or no longer, the one of this client',
  })

async function requireOwner(call: Call, context: Context): Promise<{ client: Client; token: string }> {
  const { scheme, token } = await presentedToken(call, context)
  const clientId = call.path.slice(path.length)
  call.clientId = clientId
  const client = /^[\w-]{1,200}$/.test(clientId) ? await Client.find(context, clientId) : undefined
  if (scheme !== 'bearer' || !client || client.disabled || !isTokenOf(token, client, context))
    throw refused(context)
  call.client = client
  await countClient(call, context, client)
  return { client, token }
}

/**
 * Changes the record and replaces its token in one step, so that of concurrent requests with one token one succeeds. A
 * used token is refused also for a retry, because a stolen token could redirect the client's codes; a client that lost an
 * answer registers again.
 */
async function useToken(
  { client, token }: { client: Client; token: string },
  context: Context,
  change: (current: Client) => Client,
): Promise<Client> {
  const updated = await Client.update(context, client.client_id, (current) => {
    if (current.disabled || !isTokenOf(token, current, context)) throw refused(context)
    return nextGeneration(change(current), current)
  })
  if (!updated) throw refused(context)
  context.clients.forget(client.client_id)
  return updated
}

/** §3: includes the secret, because the holder of the token could replace it by its own keys anyway. */
const answer = (client: Client, context: Context, leftOut?: LeftOut): Reply =>
  json(200, { ...registrationResponse(client, context, secretOf(client, context)), ...leftOut })

async function read(call: Call, context: Context): Promise<Reply> {
  const { client } = await requireOwner(call, context)
  return answer(client, context) // the token stays: a client that lost the answer reads again
}

async function update(call: Call, context: Context): Promise<Reply> {
  const owner = await requireOwner(call, context)
  const body = await readJson(call, context, 'invalid_client_metadata')
  const metadata = await readReplacement(body, owner.client, context)
  const secret = newSecret(context.random)
  const updated = await useToken(owner, context, (current) =>
    withLongSecret(replaced(current, metadata, context, secret), current, secret, context),
  )
  const leftOut = leftOutOf(body, metadata)
  const { client_id, client_name } = updated
  await note(call, context, 'client_updated', { client_id, client_name }, { left_out: namesOf(leftOut) })
  return answer(updated, context, leftOut)
}

/** §2.3: disables the client first, which decides between concurrent requests. Its grants and tokens are valid only while the client exists. */
async function remove(call: Call, context: Context): Promise<Reply> {
  const owner = await requireOwner(call, context)
  const { client_id } = await useToken(owner, context, (current) => ({ ...current, disabled: true }))
  await Client.remove(context, client_id)
  context.clients.forget(client_id)
  await note(call, context, 'client_removed', { client_id })
  return empty(204)
}

const described = (summary: string, more: Partial<Operation> = {}): Operation => ({
  summary,
  description:
    'Authorization: Bearer with the registration_access_token of the latest registration or update.',
  parameters: [{ name: 'file', in: 'path', required: true, schema: text('The client_id') }],
  responses: {
    200: jsonReply('The client as registered, with the token for the next request', ref('Client')),
    ...troubles,
    401: unauthorizedToken,
  },
  ...more,
})

const endpoint = defineEndpoint({
  name: 'client_configuration',
  path: `${path}*`,
  cors: 'client',
  limited: 'by_proof',
  advertised: false,
  api: () => ({
    GET: described('A client reads its registration'),
    PUT: described('A client replaces all its metadata, and the token is replaced', {
      json: ref('ClientMetadata'),
    }),
    DELETE: described('A client ends its registration, and all its tokens with it', {
      responses: {
        204: { description: 'The registration is deleted' },
        ...troubles,
        401: unauthorizedToken,
      },
    }),
  }),
  get: read,
  put: update,
  delete: remove,
})

export const registrationManagement = defineFeature({
  name: 'registration_management',
  when: (config) => featureConfig(config, 'registration_management', env).registrationManagement,
  env,
  endpoints: [endpoint],
  registrationRules: [
    {
      name: 'registration_management',
      extras: (context, client) => ({
        registration_client_uri: `${context.config.issuer}${path}${client.client_id}`,
        registration_access_token: tokenOf(client, context),
      }),
    },
  ],
})
