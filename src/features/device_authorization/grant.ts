/** The device code grant: the device polls until the End-User has answered, no faster than its interval. https://www.rfc-editor.org/rfc/rfc8628#section-3.4 */
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
import { sha256 } from '../../lib/hash.ts'
import { Grant } from '../../models/grant.ts'
import { User } from '../../models/user.ts'
import { DeviceRequest } from './records.ts'

export const deviceCodeGrant = 'urn:ietf:params:oauth:grant-type:device_code'

const refuse = (code: string, expected: string, problem: string, values?: Pick<Grounds, 'came' | 'wanted'>) =>
  new OAuthError(code, { rule: 'RFC 8628 §3.5', expected, problem, status: 400, ...values })

const ended = () => refuse('invalid_grant', 'a grant that has not ended', 'the grant has ended')

export const deviceCode = defineGrantType(
  deviceCodeGrant,
  v.object({ device_code: v.string('a device_code') }),
  async (request) => {
    const { params, client, context, bound } = request
    const id = sha256(params.device_code)
    const device = await DeviceRequest.find(context, id)
    check(device, () =>
      refuse(
        'invalid_grant',
        'a device_code of this provider that has no answer yet',
        'the device_code is unknown or was used before: start again',
      ),
    )
    check(device.client_id === client.client_id, () =>
      refuse(
        'invalid_grant',
        'a device_code that was issued to this client',
        'the device_code was issued to another client',
        { came: client.client_id, wanted: device.client_id },
      ),
    )
    check(device.expires_at > seconds(context.clock), () =>
      refuse(
        'expired_token',
        'a device_code before the end of its expires_in',
        'the device_code has expired: start again',
      ),
    )
    if (device.status === 'pending') throw await pollingError(DeviceRequest, id, context)
    if (device.status === 'denied' || device.grant_id === undefined) {
      await DeviceRequest.take(context, id)
      throw refuse('access_denied', 'the approval of the End-User', 'the End-User denied the request')
    }
    const loaded = await Grant.load(context, device.grant_id)
    check(loaded, ended)
    await admit(loaded.record, request)
    const [taken, user] = await Promise.all([
      DeviceRequest.take(context, id),
      User.find(context, loaded.record.sub),
    ])
    if (!taken) {
      noteReplay(context, 'device_code', loaded.record)
      throw refuse(
        'invalid_grant',
        'a device_code that was not used before',
        'the device_code was used before',
      )
    }
    const grant = await Grant.prolong(
      context,
      loaded.record,
      (current) => redeemed(current, client, bound, context),
      loaded,
    )
    check(grant, ended)
    return firstIssue(grant, user)
  },
)
