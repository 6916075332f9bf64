/** The CIBA grant type: the client polls until the End-User has answered; an approval is redeemed once. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#token_request */
import { check } from '../../auth/check.ts'
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import type { Grounds } from '../../auth/refusal.ts'
import { firstIssue, redeemed } from '../../grants/authorization_code.ts'
import { admit } from '../../grants/grant_rules.ts'
import { defineGrantType } from '../../contracts/grant_type.ts'
import { noteReplay } from '../../grants/replay.ts'
import { pollingError } from '../../grants/polling.ts'
import { seconds } from '../../lib/clock.ts'
import { Grant } from '../../models/grant.ts'
import { User } from '../../models/user.ts'
import { BackchannelRequest, readAuthReqId } from './records.ts'
import { cibaGrant, modeOf } from './settings.ts'

const refuse = (code: string, expected: string, problem: string, values?: Pick<Grounds, 'came' | 'wanted'>) =>
  new OAuthError(code, { rule: 'OpenID Connect CIBA §11', expected, problem, status: 400, ...values })
const ended = () => refuse('invalid_grant', 'a grant that has not ended', 'the grant has ended')

export const ciba = defineGrantType(
  cibaGrant,
  v.object({ auth_req_id: v.string('an auth_req_id') }),
  async (request) => {
    const { params, client, context, bound } = request
    check(modeOf(client) !== 'push', () =>
      refuse(
        'unauthorized_client',
        'a client that registered for poll or ping',
        'this client registered for push: tokens are sent to it',
      ),
    )
    const id = readAuthReqId(params.auth_req_id, context)
    check(id !== undefined, () =>
      refuse(
        'invalid_grant',
        'an auth_req_id of this provider',
        'auth_req_id was not issued by this provider',
      ),
    )
    const found = await BackchannelRequest.find(context, id)
    check(found, expired)
    check(found.client_id === client.client_id, () =>
      refuse(
        'invalid_grant',
        'an auth_req_id that was issued to this client',
        'the auth_req_id was issued to another client',
        { came: client.client_id, wanted: found.client_id },
      ),
    )
    check(found.mode !== 'push', () =>
      refuse(
        'unauthorized_client',
        'a request in the mode poll or ping',
        'the answer to this request is pushed',
      ),
    )
    if (found.status === 'redeemed') noteReplay(context, 'auth_req_id', found)
    check(found.status !== 'redeemed', usedBefore)
    check(found.expires_at > seconds(context.clock), expired)
    if (found.status === 'pending') throw await pollingError(BackchannelRequest, id, context)
    check(found.status === 'approved' && found.grant_id !== undefined, () =>
      refuse('access_denied', 'the approval of the End-User', 'the End-User denied the request'),
    )
    const [loaded, user] = await Promise.all([
      Grant.load(context, found.grant_id),
      User.find(context, found.sub),
    ])
    check(loaded, ended)
    await admit(loaded.record, request)
    const spent = await BackchannelRequest.update(context, id, (current) =>
      current.status === 'approved' ? { ...current, status: 'redeemed' } : undefined,
    )
    if (!spent) noteReplay(context, 'auth_req_id', found)
    check(spent, usedBefore)
    const activate = (current: Grant) => redeemed(current, client, bound, context)
    const grant = await Grant.prolong(context, loaded.record, activate, loaded)
    check(grant, ended)
    return firstIssue(grant, user)
  },
)

const expired = () =>
  refuse(
    'expired_token',
    'an auth_req_id before the end of its expires_in',
    'the auth_req_id has expired: begin again',
  )

const usedBefore = () =>
  refuse('invalid_grant', 'an auth_req_id that was not used before', 'the auth_req_id was used before')
