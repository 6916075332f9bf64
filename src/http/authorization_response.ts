/** Authorization responses: always with `iss`, and with the `state` of the request. https://www.rfc-editor.org/rfc/rfc9207 */
import { isLoopbackRedirect, type TrustedRedirect, withQuery } from '../auth/redirect_uri.ts'
import type { RefusedError } from '../auth/refusal.ts'
import { newHandle } from '../auth/token.ts'
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import type { ResponseMode, ResponseType } from '../contracts/feature.ts'
import { seconds } from '../lib/clock.ts'
import { AuthorizationCode } from '../models/authorization_code.ts'
import type { Client } from '../models/client.ts'
import { hostOf } from './client_words.ts'
import { descriptionFor, errorBody, errorPageReply, logRefusal } from './error_reply.ts'
import { redirectToClient } from './reply.ts'
import type { Reply } from '../contracts/reply.ts'
import type { Params } from '../auth/params.ts'

export interface Destination {
  client: Client
  redirect: TrustedRedirect
  mode: string
  params: Params
}

export async function respond(
  to: Destination,
  answer: Record<string, string>,
  context: Context,
): Promise<Reply> {
  const { state } = to.params
  const mode = context.table.responseModes.get(to.mode) ?? query
  return mode.respond(context, {
    redirect: to.redirect,
    params: { ...answer, state, iss: context.config.issuer },
    client: to.client,
  })
}

export const respondWithError = (
  call: Call,
  context: Context,
  error: RefusedError,
  to: Destination,
): Promise<Reply> => {
  logRefusal(error, call, context)
  return respond(to, errorBody(error.code, descriptionFor(error, context), call), context)
}

/**
 * Whether the browser may be sent to `redirect` before the End-User has seen a page. A stranger can register any host, so
 * a link to this provider would lead there (RFC 9700 §4.11.2).
 */
export const mayRedirectAtOnce = (client: Client, redirect: string, { config }: Context): boolean =>
  !client.self_registered || config.unverifiedClientsRedirect === 'at_once' || isLoopbackRedirect(redirect)

/** The error as a page that names the host of the client and links to it with the error. */
export async function pageWithError(
  call: Call,
  context: Context,
  error: RefusedError,
  to: Destination,
): Promise<Reply> {
  const { headers } = await respondWithError(call, context, error, to)
  const { location } = headers // a mode that posts a form, or an app, has no URL to link to
  return errorPageReply(error, call, context, {
    host: hostOf(to.redirect),
    url: location !== undefined && /^https?:/.test(location) ? location : undefined,
  })
}

export const query: ResponseMode = {
  name: 'query',
  inQuery: true,
  respond: (_context, { redirect, params }) => redirectToClient(withQuery(redirect, params)),
}

/** response_type=code: the response has a code and no tokens. */
export const code: ResponseType = {
  name: 'code',
  defaultMode: 'query',
  async answer(context, { request, grant }) {
    const handle = newHandle('code', grant.grant_id, context.random)
    await AuthorizationCode.put(context, handle, {
      grant_id: grant.grant_id,
      client_id: grant.client_id,
      redirect_uri: request.redirect,
      code_challenge: request.codeChallenge,
      nonce: request.nonce,
      exp: seconds(context.clock) + context.config.authorizationCodeTtl,
    })
    return { code: handle }
  },
}
