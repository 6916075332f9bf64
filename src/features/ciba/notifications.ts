/** The two notifications: to the client about an answer (ping, push), and to the operator's service about a new request. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#ping_callback */
import { OAuthError } from '../../auth/errors.ts'
import { RefusedError } from '../../auth/refusal.ts'
import { leftHalfHash } from '../../auth/token.ts'
import type { Context } from '../../contracts/context.ts'
import { admit, settled } from '../../grants/grant_rules.ts'
import type { Answer } from '../../contracts/grant_type.ts'
import { noteTokens } from '../../grants/tokens_issued.ts'
import { mint } from '../../grants/mint.ts'
import { findClient } from '../../clients/find_client.ts'
import { OutboundError } from '../../outbound/error.ts'
import { seconds } from '../../lib/clock.ts'
import { utf8 } from '../../lib/bytes.ts'
import { hmac } from '../../lib/hash.ts'
import type { Client } from '../../models/client.ts'
import { Grant } from '../../models/grant.ts'
import { refreshHandle } from '../../models/refresh_token.ts'
import { User } from '../../models/user.ts'
import type { Notification, Notifications, Outcome } from './deliveries.ts'
import { firstIssue } from '../../grants/authorization_code.ts'
import { authReqId, BackchannelRequest, isOpen, notificationToken } from './records.ts'
import { cibaGrant, metadata, settings } from './settings.ts'

export const approvalsPath = '/approvals'

/** Any 2xx is a success. A refusal or a redirect is final and not tried again. */
async function post(
  context: Context,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<Outcome> {
  try {
    const { status } = await context.outbound.fetch(url, {
      purpose: 'notification',
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body,
    })
    if (status < 300) return 'done'
    return status >= 500 || status === 408 || status === 429 ? 'again' : 'never'
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    return error.reason === 'redirect' || error.reason === 'refused' ? 'never' : 'again'
  }
}

/** Ping (§10.2) says that there is an answer; push (§10.3) sends it. */
const client: Notification = {
  async run(context, id) {
    let request = await BackchannelRequest.find(context, id)
    if (!request || request.mode === 'poll') return 'done'
    if (isOpen(request, context)) return 'again'
    if (request.status === 'pending')
      request =
        (await BackchannelRequest.update(context, id, (current) =>
          current.status === 'pending' ? { ...current, status: 'expired' } : undefined,
        )) ?? (await BackchannelRequest.find(context, id))
    const registered = request && (await findClient(context, request.client_id))
    const url = registered && metadata.of(registered).backchannel_client_notification_endpoint
    const token = request && notificationToken(request, context)
    if (!request || !registered || url === undefined || token === undefined) return 'never'
    const body = {
      auth_req_id: authReqId(id, context),
      ...(request.mode === 'push' && (await outcomeOf(request, registered, context))),
    }
    return post(context, url, { authorization: `Bearer ${token}` }, JSON.stringify(body))
  },
  /** Ends the grant of tokens that could not be pushed. */
  async giveUp(context, id) {
    const request = await BackchannelRequest.find(context, id)
    if (request?.mode === 'push' && request.grant_id !== undefined) await Grant.end(context, request.grant_id)
  },
}

/** §10.3.1 and §12. */
async function outcomeOf(request: BackchannelRequest, client: Client, context: Context): Promise<object> {
  if (request.status === 'denied')
    return { error: 'access_denied', error_description: 'the End-User denied the request' }
  if (request.status === 'expired')
    return { error: 'expired_token', error_description: 'the End-User did not answer in time' }
  try {
    return await tokensOf(request, client, context)
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status >= 500) throw error
    return { error: 'transaction_failed', error_description: error.publicDescription }
  }
}

/** The ID Token contains the auth_req_id and the hash of the refresh token (§10.3.1), so that no part can be substituted. */
async function tokensOf(request: BackchannelRequest, client: Client, context: Context): Promise<object> {
  const [grant, user] = await Promise.all([
    request.grant_id === undefined ? undefined : Grant.find(context, request.grant_id),
    User.find(context, request.sub),
  ])
  if (!grant)
    throw new OAuthError('invalid_grant', {
      rule: 'OpenID Connect CIBA §11',
      expected: 'a grant that has not ended',
      problem: 'the grant has ended',
    })
  const use = { params: {}, raw: {}, client, context, bound: request.bound }
  await admit(grant, use)
  const refresh = grant.refresh && refreshHandle(context.secrets.refresh, grant.grant_id, 0)
  const alg = client.id_token_signed_response_alg
  const answer: Answer = {
    ...firstIssue(grant, user),
    idToken: {
      claims: {
        'urn:openid:params:jwt:claim:auth_req_id': authReqId(request.id, context),
        ...(refresh !== undefined && { 'urn:openid:params:jwt:claim:rt_hash': leftHalfHash(refresh, alg) }),
      },
    },
  }
  const issue = await settled(answer, use)
  const tokens = await mint(issue, client, request.bound, context)
  noteTokens(undefined, context, cibaGrant, client, issue)
  return tokens
}

/** Not in the specification: a signed POST to CIBA_NOTIFY_URL, whose service notifies the End-User. */
const person: Notification = {
  async run(context, id) {
    const { cibaNotifyUrl: url, cibaNotifySecret: secret } = settings(context)
    const request = await BackchannelRequest.find(context, id)
    if (!request || !isOpen(request, context) || url === undefined || secret === undefined) return 'done'
    const [asking, user] = await Promise.all([
      findClient(context, request.client_id),
      User.find(context, request.sub),
    ])
    if (!asking || !user) return 'done'
    const body = JSON.stringify({
      sub: user.sub,
      username: user.username,
      request: {
        id,
        client_id: asking.client_id,
        client_name: asking.client_name,
        binding_message: request.binding_message,
        scope: request.scope.join(' '),
        expires_at: request.expires_at,
      },
      approval_url: context.config.issuer + approvalsPath,
    })
    const t = seconds(context.clock)
    const signature = `t=${t},v1=${hmac(utf8(secret), `${t}.${body}`)}`
    return post(context, url, { 'latchkey-signature': signature }, body)
  },
}

export const notifications: Notifications = { client, person }
