/** The device asks until its person has answered, with the patience it is told to have. https://www.rfc-editor.org/rfc/rfc8628#section-3.4 */
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { firstIssue, redeemed } from '../../grants/authorization_code.ts'
import { admit } from '../../grants/grant_rules.ts'
import { defineGrantType } from '../../contracts/grant_type.ts'
import { askForPatience } from '../../grants/patience.ts'
import { sha256 } from '../../lib/hash.ts'
import { Grant } from '../../models/grant.ts'
import { User } from '../../models/user.ts'
import { Waiting } from './records.ts'

export const deviceCodeGrant = 'urn:ietf:params:oauth:grant-type:device_code'

const refuse = (code: string, expected: string, problem: string) =>
  new OAuthError(code, { rule: 'RFC 8628 §3.5', expected, problem, status: 400 })

const ended = () => refuse('invalid_grant', 'an authorization that lives', 'the authorization has ended')

export const deviceCode = defineGrantType(
  deviceCodeGrant,
  v.object({ device_code: v.string('a device_code') }),
  async (request) => {
    const { params, client, context, bound } = request
    const id = sha256(params.device_code)
    const waiting = await Waiting.find(context, id)
    if (!waiting)
      throw refuse(
        'expired_token',
        'a device_code before the end of its expires_in',
        'the device_code is unknown or has expired: start again',
      )
    if (waiting.client_id !== client.client_id)
      throw refuse(
        'invalid_grant',
        'a device_code that was issued to this client',
        'the device_code was issued to another client',
      )
    if (waiting.status === 'pending') throw await askForPatience(Waiting, id, context)
    if (waiting.status === 'denied' || waiting.grant_id === undefined) {
      await Waiting.take(context, id)
      throw refuse('access_denied', 'the consent of the End-User', 'the person did not allow it')
    }
    const loaded = await Grant.load(context, waiting.grant_id)
    if (!loaded) throw ended()
    await admit(loaded.record, request)
    const [taken, user] = await Promise.all([
      Waiting.take(context, id),
      User.find(context, loaded.record.sub),
    ])
    if (!taken)
      throw refuse(
        'invalid_grant',
        'a device_code that was not used before',
        'the device_code was used before',
      )
    const grant = await Grant.update(
      context,
      waiting.grant_id,
      (current) => redeemed(current, client, bound, context),
      loaded,
    )
    if (!grant) throw ended()
    return firstIssue(grant, user)
  },
)
