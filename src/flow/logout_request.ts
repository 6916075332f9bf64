/** The parameters of a logout request and their checks. https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout */
import { check } from '../auth/check.ts'
import * as v from 'valibot'
import { optionalText, type Params } from '../auth/params.ts'
import { matchRedirectUri, type TrustedRedirect } from '../auth/redirect_uri.ts'
import { shown } from '../auth/refusal.ts'
import { findClient } from '../clients/find_client.ts'
import type { Context } from '../contracts/context.ts'
import { shape } from '../http/call.ts'
import type { Client } from '../models/client.ts'
import { type Hint, notOurHint, readHint, unverifiedAudience, withOpenHint } from './id_token_hint.ts'

export const LogoutParams = v.object({
  id_token_hint: optionalText('An ID Token of the session; with it the End-User is not asked'),
  client_id: optionalText('Required with post_logout_redirect_uri and no id_token_hint'),
  post_logout_redirect_uri: optionalText('One that the client registered, character by character'),
  state: optionalText('Returned unchanged'),
  ui_locales: optionalText('Languages of the pages, separated by spaces, best first'),
})
export type LogoutParams = v.InferOutput<typeof LogoutParams>

/** The checked parameters of a logout request (§2). */
export interface LogoutRequest {
  params: LogoutParams
  client: Client | undefined
  hint: Hint | undefined
  redirect: TrustedRedirect | undefined
}

/** The parameters of a query or a form. With a sealed hint that has expired, the End-User is asked as without a hint. */
export const logoutParams = (given: Params, context: Context): LogoutParams =>
  shape(LogoutParams, withOpenHint(given, context, undefined))

export async function readLogoutRequest(params: LogoutParams, context: Context): Promise<LogoutRequest> {
  const { id_token_hint, client_id } = params
  const named = client_id === undefined ? undefined : await findClient(context, client_id)
  const hint = id_token_hint === undefined ? undefined : await readHint(id_token_hint, context, named)
  const audience = hint?.aud ?? (id_token_hint && unverifiedAudience(id_token_hint, context))
  if (id_token_hint !== undefined) check(audience !== undefined, () => notOurHint(id_token_hint))
  if (audience !== undefined && client_id !== undefined)
    check(client_id === audience, 'invalid_request', () => ({
      rule: 'OpenID Connect RP-Initiated Logout §2',
      expected: `client_id is the audience of id_token_hint: ${audience}`,
      came: client_id,
      wanted: audience,
      problem: 'client_id differs from the audience of id_token_hint',
    }))
  const client = named ?? (audience === undefined ? undefined : await findClient(context, audience))
  return { params, hint, client, redirect: readRedirect(params.post_logout_redirect_uri, client) }
}

function readRedirect(uri: string | undefined, client: Client | undefined): TrustedRedirect | undefined {
  if (uri === undefined) return undefined
  check(client, 'invalid_request', () => ({
    rule: 'OpenID Connect RP-Initiated Logout §3',
    expected: 'post_logout_redirect_uri needs an id_token_hint or a client_id to belong to',
  }))
  const redirect = matchRedirectUri(client.post_logout_redirect_uris, uri, client)
  check(redirect, 'invalid_request', () => ({
    rule: 'OpenID Connect RP-Initiated Logout §3',
    expected: `post_logout_redirect_uri is registered: ${client.post_logout_redirect_uris.join(', ') || 'none'}`,
    came: uri,
    wanted: client.post_logout_redirect_uris,
    problem: `post_logout_redirect_uri ${shown(uri)} is not registered for this client`,
  }))
  return redirect
}
