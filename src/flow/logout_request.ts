/** The parameters of a logout request and their checks. https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout */
import * as v from 'valibot'
import { OAuthError } from '../auth/errors.ts'
import { optionalText, type Params } from '../auth/params.ts'
import { matchRedirectUri, type TrustedRedirect } from '../auth/redirect_uri.ts'
import { shown } from '../auth/refusal.ts'
import { findClient } from '../clients/find_client.ts'
import type { Context } from '../contracts/context.ts'
import { shape } from '../http/call.ts'
import { seconds } from '../lib/clock.ts'
import { seal, unseal } from '../lib/seal.ts'
import type { Client } from '../models/client.ts'
import { type Hint, notOurHint, readHint, unverifiedAudience } from './id_token_hint.ts'

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

/** The parameters of a query or a form, with the hint that `withSealedHint` put aside. */
export function logoutParams(given: Params, context: Context): LogoutParams {
  const { sealed_hint, ...rest } = given
  const id_token_hint = rest.id_token_hint ?? (sealed_hint && openedHint(sealed_hint, context))
  return shape(LogoutParams, id_token_hint === undefined ? rest : { ...rest, id_token_hint })
}

const sealLabel = 'id_token_hint of a logout request'
/** Seconds: a browser follows a redirect at once. */
const sealedFor = 300

/**
 * The same parameters for the query of a redirect. The ID Token is encrypted there: addresses are kept in histories and
 * logs, and an ID Token names the End-User.
 */
export function withSealedHint({ id_token_hint, ...rest }: Params, { secrets, clock }: Context): Params {
  if (id_token_hint === undefined) return rest
  const text = JSON.stringify({ hint: id_token_hint, exp: seconds(clock) + sealedFor })
  return { ...rest, sealed_hint: seal(secrets.people, text, sealLabel) }
}

/** Undefined when it has expired or is not ours: the End-User is then asked, as without a hint. */
function openedHint(sealed: string, { secrets, clock }: Context): string | undefined {
  const text = unseal(secrets.people, sealed, sealLabel)
  if (text === undefined) return undefined
  const { hint, exp } = JSON.parse(text) as { hint: string; exp: number }
  return exp > seconds(clock) ? hint : undefined
}

export async function readLogoutRequest(params: LogoutParams, context: Context): Promise<LogoutRequest> {
  const { id_token_hint, client_id } = params
  const named = client_id === undefined ? undefined : await findClient(context, client_id)
  const hint = id_token_hint === undefined ? undefined : await readHint(id_token_hint, context, named)
  const audience = hint?.aud ?? (id_token_hint && unverifiedAudience(id_token_hint, context))
  if (id_token_hint !== undefined && audience === undefined) throw notOurHint(id_token_hint)
  if (audience !== undefined && client_id !== undefined && client_id !== audience)
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect RP-Initiated Logout §2',
      expected: `client_id is the audience of id_token_hint: ${audience}`,
      came: client_id,
      problem: 'client_id differs from the audience of id_token_hint',
    })
  const client = named ?? (audience === undefined ? undefined : await findClient(context, audience))
  return { params, hint, client, redirect: readRedirect(params.post_logout_redirect_uri, client) }
}

function readRedirect(uri: string | undefined, client: Client | undefined): TrustedRedirect | undefined {
  if (uri === undefined) return undefined
  if (!client)
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect RP-Initiated Logout §3',
      expected: 'post_logout_redirect_uri needs an id_token_hint or a client_id to belong to',
    })
  const redirect = matchRedirectUri(client.post_logout_redirect_uris, uri)
  if (!redirect)
    throw new OAuthError('invalid_request', {
      rule: 'OpenID Connect RP-Initiated Logout §3',
      expected: `post_logout_redirect_uri is registered: ${client.post_logout_redirect_uris.join(', ') || 'none'}`,
      came: uri,
      problem: `post_logout_redirect_uri ${shown(uri)} is not registered for this client`,
    })
  return redirect
}
