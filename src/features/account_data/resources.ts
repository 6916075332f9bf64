/** Export and deletion as an API for clients with an access token of the scope. https://www.rfc-editor.org/rfc/rfc9470 */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import {
  forbidden,
  jsonReply,
  object,
  text,
  troubles,
  unauthorizedToken,
  withToken,
} from '../../openapi/parts.ts'
import { factorOwed, twoFactors } from '../../flow/second_factors.ts'
import { findAccessToken } from '../../grants/live_token.ts'
import { subjectOf } from '../../grants/person.ts'
import { OAuthError } from '../../auth/errors.ts'
import { challenge, invalidToken } from '../../http/bearer.ts'
import type { Call } from '../../contracts/call.ts'
import { findClient } from '../../clients/find_client.ts'
import { plainNameOf } from '../../http/client_words.ts'
import { exportPerson } from '../../people/person_data.ts'
import { json } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { requireToken } from '../../http/resource.ts'
import { tellAndChange, tellOwner } from '../../people/tell_owner.ts'
import type { Client } from '../../models/client.ts'
import { defineRecord } from '../../models/define_record.ts'
import type { Grant } from '../../models/grant.ts'
import { isActive, User } from '../../models/user.ts'
import * as v from 'valibot'
import { requestDeletion } from './deletion.ts'
import { seconds } from '../../lib/clock.ts'

export const exportScope = 'data_export'
export const deleteScope = 'account_delete'

/** Seconds since the sign-in, as on the page (`stronglySignedIn`). */
const freshnessSeconds = 600

interface Holder {
  user: User
  client: Client
  grant: Grant
}

/** The End-User, client and grant of the token. A token that another client got by token exchange is refused. */
async function requireHolder(call: Call, context: Context, scope: string): Promise<Holder> {
  const { claims, grant } = await requireToken(call, context, findAccessToken, scope)
  const [user, client] = await Promise.all([
    grant && User.find(context, grant.sub),
    findClient(context, claims.client_id),
  ])
  if (!grant || !user || !isActive(user) || !client)
    throw invalidToken(
      context,
      {
        rule: 'RFC 6750 §3.1',
        expected: 'an access token of an active account',
        problem: 'the account of this token does not exist or is not active',
      },
      call,
    )
  if (grant.client_id !== client.client_id)
    throw invalidToken(
      context,
      {
        rule: 'RFC 8693 §1.1',
        expected: `an access token of the client that the End-User authorized: ${grant.client_id}`,
        came: client.client_id,
        problem: 'this token was issued to another client than the one that the End-User authorized',
      },
      call,
    )
  return { user, client, grant }
}

/** At most one mail a day for each client, also when it exports more often. */
const notified = defineRecord('export_told', v.object({ exp: v.number() }))
const day = 86_400

export const exportEndpoint = defineEndpoint({
  name: 'data_export',
  path: '/user/data-export',
  cors: 'client',
  limited: 'by_proof',
  advertised: false,
  resourceScopes: [exportScope],
  api: () => ({
    GET: {
      summary: 'Everything that is kept about the End-User of the access token',
      security: withToken,
      responses: {
        200: jsonReply(
          'A copy, grouped by kind of data',
          object({
            issuer: text('This provider'),
            sub: text('The End-User'),
            exported_at: text('ISO 8601'),
            data: object({}),
          }),
        ),
        ...troubles,
        401: unauthorizedToken,
        403: forbidden,
      },
    },
  }),
  async get(call, context): Promise<Reply> {
    const holder = await requireHolder(call, context, exportScope)
    await requireSecondFactor(call, context, holder)
    const { user, client } = holder
    const body = await exportPerson(user.sub, context, subjectOf(user.sub, client, context))
    const exp = seconds(context.clock) + day
    if (await notified.create(context, `${encodeURIComponent(user.sub)}|${client.client_id}`, { exp }))
      await tellOwner(call, context, user, {
        kind: 'data_exported_to',
        detail: plainNameOf(client),
        more: { client_id: client.client_id },
      })
    return {
      status: 200,
      body,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    }
  },
})

/** §3: `demand` tells the client how the End-User must sign in again, so that the new token is accepted. */
const signInAgain = (call: Call, context: Context, expected: string, problem: string, demand: string) =>
  new OAuthError('insufficient_user_authentication', {
    rule: 'RFC 9470 §3',
    expected,
    problem,
    headers: challenge(context, 'insufficient_user_authentication', problem, call, [demand]),
  })

function requireFresh(call: Call, context: Context, { grant }: Holder): void {
  if (context.clock.now() / 1000 - grant.authentication.auth_time <= freshnessSeconds) return
  const [expected, problem] = [
    `a sign-in at most ${freshnessSeconds} seconds ago`,
    `the End-User signed in more than ${freshnessSeconds} seconds ago`,
  ]
  throw signInAgain(call, context, expected, problem, `max_age="${freshnessSeconds}"`)
}

/** As on the page: on a trusted device the password alone neither copies the data nor ends the account. */
async function requireSecondFactor(call: Call, context: Context, { user, grant }: Holder): Promise<void> {
  if (!(await factorOwed(user, grant.authentication, context))) return
  const expected = 'a sign-in with the second factor that the End-User has set up'
  const problem = 'the End-User has a second factor and signed in without it'
  throw signInAgain(call, context, expected, problem, `acr_values="${twoFactors}"`)
}

export const deleteEndpoint = defineEndpoint({
  name: 'account_delete_api',
  path: '/user/delete-account',
  cors: 'client',
  limited: 'by_proof',
  advertised: false,
  resourceScopes: [deleteScope],
  api: () => ({
    DELETE: {
      summary:
        'Delete the account of the access token; the End-User must have signed in at most ten minutes ago',
      security: withToken,
      responses: {
        202: jsonReply(
          'All tokens and sessions have ended; the account is erased at erased_at, unless the End-User signs in and keeps it',
          object({ erased_at: text('ISO 8601') }, ['erased_at']),
        ),
        ...troubles,
        401: unauthorizedToken,
        403: forbidden,
      },
    },
  }),
  async delete(call, context) {
    const holder = await requireHolder(call, context, deleteScope)
    requireFresh(call, context, holder)
    await requireSecondFactor(call, context, holder)
    const { user, client } = holder
    const deletion = await tellAndChange(
      call,
      context,
      user,
      { kind: 'deletion_asked_by', detail: plainNameOf(client), more: { client_id: client.client_id } },
      () => requestDeletion(context, user.sub),
    )
    if (!deletion)
      throw invalidToken(
        context,
        { rule: 'RFC 6750 §3.1', expected: 'an account that exists', problem: 'the account does not exist' },
        call,
      )
    return json(202, { erased_at: new Date(deletion.due).toISOString() })
  },
})
