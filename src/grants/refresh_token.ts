/** The grant type refresh_token: each use rotates the token, a retry within the grace period gets the same successor, and other reuse ends the grant. https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2 */
import { check } from '../auth/check.ts'
import * as v from 'valibot'
import { OAuthError } from '../auth/errors.ts'
import { optionalText } from '../auth/params.ts'
import type { Grounds } from '../auth/refusal.ts'
import type { Rule } from '../auth/rule.ts'
import { parseScope, requireWithin } from '../auth/scope.ts'
import type { Context } from '../contracts/context.ts'
import { type Client, isPublic } from '../models/client.ts'
import type { Loaded } from '../models/define_record.ts'
import { Grant } from '../models/grant.ts'
import { lastGeneration, readRefreshHandle } from '../models/refresh_token.ts'
import { Session } from '../models/session.ts'
import { User } from '../models/user.ts'
import { admit } from './grant_rules.ts'
import { noteReplay } from './replay.ts'
import { defineGrantType } from '../contracts/grant_type.ts'

const Params = v.object({
  refresh_token: v.pipe(v.string('a refresh token'), v.description('The newest one')),
  scope: optionalText('Within what was granted'),
})

const refuse = (rule: Rule, expected: string, problem: string, values?: Pick<Grounds, 'came' | 'wanted'>) =>
  new OAuthError('invalid_grant', { rule, expected, problem, ...values })

export const refreshToken = defineGrantType('refresh_token', Params, async (request) => {
  const { params, client, context } = request
  const handle = readRefreshHandle(context.secrets.refresh, params.refresh_token)
  const loaded = handle && (await Grant.load(context, handle.grantId))
  const found = loaded?.record
  check(found?.refresh, () =>
    refuse(
      'RFC 6749 §6',
      'a valid refresh token of this provider',
      'the refresh token is unknown, has expired or was revoked',
    ),
  )
  check(found.client_id === client.client_id, () =>
    refuse(
      'RFC 6749 §6',
      'a refresh token that was issued to this client',
      'the refresh token was issued to another client',
      { came: client.client_id, wanted: found.client_id },
    ),
  )
  // The client has become public since (RFC 7592 §2.2). Only its authentication protected a stolen token.
  const isUnproven = isPublic(client) && found.authenticated === true
  if (isUnproven) await Grant.end(context, found.grant_id)
  check(!isUnproven, () =>
    refuse(
      'RFC 6749 §6',
      'the client authenticates, as it did when the token was issued',
      'the client authenticated when it got this token and no longer does: a new authorization request is needed',
    ),
  )
  await admit(found, request)
  const scope = params.scope === undefined ? found.scope : parseScope(params.scope)
  requireWithin(scope, found.scope, 'the scopes of this grant') // RFC 6749 §6: narrower, never wider
  const [session, user] = await Promise.all([
    found.session_bound ? Session.find(context, found.authentication.sid) : true,
    User.find(context, found.sub),
  ])
  if (!session) await Grant.end(context, found.grant_id)
  check(session, () =>
    refuse(
      'OpenID Connect Core §11',
      'a session that has not ended, or the scope offline_access',
      'the session of this refresh token has ended; with offline_access the token would remain valid',
    ),
  )
  const moved = await rotate(context, loaded!, handle!.generation, client)
  check(moved, () =>
    refuse(
      'RFC 9700 §4.14.2',
      'the refresh token of the latest answer',
      'the refresh token was used before; all tokens of this grant are revoked',
    ),
  )
  const { grant, generation } = moved
  return {
    scope,
    grant,
    user,
    refresh: generation,
    ...(scope.includes('openid') && { idToken: {} }),
  }
})

/** An instance whose clock is behind may see a rotation in the future. That counts as zero milliseconds ago. */
const isWithinGrace = (rotatedAt: number, { clock, config }: Context): boolean =>
  Math.max(0, clock.now() - rotatedAt) < config.refreshTokenGrace * 1000

/** Rotates the token, or answers a retry within the grace period with the same successor. Any other reuse ends the grant: undefined. */
async function rotate(
  context: Context,
  loaded: Loaded<Grant>,
  generation: number,
  client: Client,
): Promise<{ grant: Grant; generation: number } | undefined> {
  const found = loaded.record
  // For a public client whose token is bound to no key, rotation is the only protection against theft (RFC 9700 §2.2.2).
  const stays = !context.config.refreshTokenRotation && (!isPublic(client) || found.cnf !== undefined)
  if (stays && found.refresh?.generation === generation) return { grant: found, generation }
  const moveOn = (current: Grant): Grant | undefined =>
    current.refresh?.generation === generation && generation < lastGeneration
      ? { ...current, refresh: { generation: generation + 1, rotated_at: context.clock.now() } }
      : undefined
  const moved = await Grant.update(context, found.grant_id, moveOn, loaded)
  if (moved) return { grant: moved, generation: generation + 1 }
  const now = await Grant.find(context, found.grant_id)
  const justRotated =
    now?.refresh?.generation === generation + 1 && isWithinGrace(now.refresh.rotated_at, context)
  if (now && justRotated) return { grant: now, generation: generation + 1 }
  await Grant.end(context, found.grant_id)
  noteReplay(context, 'refresh_token', found)
  return undefined
}
