/** What this provider knows of a token of its own: whether it is valid now, and why not. Nothing is used up. https://www.rfc-editor.org/rfc/rfc7662#section-2.2 */
import { formatScope } from '../../auth/scope.ts'
import { grantIdOf } from '../../auth/token.ts'
import type { Context } from '../../contracts/context.ts'
import { findAccessToken } from '../../grants/live_token.ts'
import { hint } from '../../http/hints.ts'
import { seconds } from '../../lib/clock.ts'
import { AccessToken } from '../../models/access_token.ts'
import { AuthorizationCode } from '../../models/authorization_code.ts'
import { Client } from '../../models/client.ts'
import { Grant } from '../../models/grant.ts'
import { readRefreshHandle } from '../../models/refresh_token.ts'
import type { Json, Pasted } from './pasted.ts'

export interface State {
  title: string
  /** Whether it would be accepted now; undefined where that is not said of it. */
  active: boolean | undefined
  /** Why it is not active, or what the reader should know. */
  why: string
  /** What is stored of it, as claims. */
  claims: Json
}

const ended =
  'The authorization that it belongs to has ended: by a sign-out, by a revocation, because access of the app was removed, because a code or a refresh token was used twice, or because it ran out.'

async function clientProblem(context: Context, clientId: unknown, iat: unknown): Promise<string | undefined> {
  const client = typeof clientId === 'string' ? await Client.find(context, clientId) : undefined
  if (!client) return 'Its client is not registered here any more.'
  if (client.disabled) return 'Its client is disabled.'
  return typeof iat === 'number' && iat < (client.tokens_since ?? 0)
    ? 'It was issued to an earlier client with this client_id.'
    : undefined
}

/** The first reason, in the order in which the provider itself looks. */
async function whyNot(context: Context, claims: Json): Promise<string> {
  const { exp, jti, grant_id, client_id, iat } = claims
  if (typeof exp === 'number' && exp <= seconds(context.clock)) return 'It has expired.'
  if (typeof jti === 'string' && (await AccessToken.isRevoked(context, jti))) return 'It was revoked.'
  if (typeof grant_id === 'string' && !(await Grant.find(context, grant_id))) return ended
  return (
    (await clientProblem(context, client_id, iat)) ??
    'The store may have lost what was revoked since it was issued, so this provider takes it no more.'
  )
}

/** Of a JWT access token whose signature is that of this provider. */
export async function stateOfJwt(text: string, claims: Json, context: Context): Promise<State> {
  const live = await findAccessToken(context, text)
  return {
    title: 'Access token (JWT) of this provider',
    active: live !== undefined,
    why: live ? 'Introspection answers that it is active.' : await whyNot(context, claims),
    claims,
  }
}

async function ofAccess(text: string, context: Context): Promise<State> {
  const title = 'Opaque access token'
  const found = await AccessToken.find(context, text)
  if (!found) {
    const why = 'Nothing is stored of it: it has expired, was revoked, or was never issued.'
    return { title, active: false, why, claims: {} }
  }
  const live = await findAccessToken(context, text)
  const why = live ? 'Introspection answers that it is active.' : await whyNot(context, found)
  return { title, active: live !== undefined, why, claims: found }
}

const ofGrant = ({ client_id, sub, scope, exp, cnf }: Grant): Json => ({
  client_id,
  sub,
  scope: formatScope(scope),
  exp,
  ...(cnf && { cnf }),
})

async function ofRefresh(text: string, context: Context): Promise<State> {
  const title = 'Refresh token'
  const handle = readRefreshHandle(context.secrets.refresh, text)
  if (!handle)
    return {
      title,
      active: false,
      why: 'It begins as the refresh tokens of this provider do, and its check value does not fit: it was changed, cut off, or made with another SECRET_KEY.',
      claims: {},
    }
  const grant = await Grant.find(context, handle.grantId)
  if (!grant) return { title, active: false, why: ended, claims: {} }
  const claims = ofGrant(grant)
  const behind = (grant.refresh?.generation ?? 0) - handle.generation
  if (behind > 0) {
    const times = behind === 1 ? 'once' : `${behind} times`
    const why = `It was replaced by a later one (${times}). This page does not use it. A client that does ends the whole authorization, unless it only repeats its last refresh.`
    return { title, active: false, why, claims }
  }
  const problem = await clientProblem(context, grant.client_id, undefined)
  return problem === undefined
    ? {
        title,
        active: true,
        why: 'It is the newest of its authorization. It is for the token endpoint alone.',
        claims,
      }
    : { title, active: false, why: problem, claims }
}

async function ofCode(text: string, context: Context): Promise<State> {
  const title = 'Authorization code'
  const grantId = grantIdOf(text)
  const [code, grant] = await Promise.all([
    AuthorizationCode.find(context, text),
    grantId === undefined ? undefined : Grant.find(context, grantId),
  ])
  if (!code)
    return {
      title,
      active: false,
      why: 'Nothing is stored of it: it has expired, or was never issued.',
      claims: {},
    }
  const { client_id, redirect_uri, exp, code_challenge } = code
  const claims = { client_id, redirect_uri, exp, ...(code_challenge && { code_challenge }) }
  if (grant?.code_used)
    return {
      title,
      active: false,
      why: 'It was redeemed. A second use ends the tokens of the first.',
      claims,
    }
  if (exp <= seconds(context.clock)) return { title, active: false, why: 'It has expired.', claims }
  if (!grant) return { title, active: false, why: ended, claims }
  return {
    title,
    active: true,
    why: 'It can be redeemed once, by its client with the code verifier.',
    claims,
  }
}

const readers: Readonly<Record<string, (text: string, context: Context) => Promise<State>>> = {
  access: ofAccess,
  refresh: ofRefresh,
  code: ofCode,
}

export const stateOfHandle = async (
  { kind, text }: Extract<Pasted, { form: 'handle' }>,
  context: Context,
): Promise<State> =>
  (await readers[kind]?.(text, context)) ?? {
    title: 'Initial access token',
    active: undefined,
    why: hint(context, 'It allows to register a client. `latchkey client token list` shows those that hold.'),
    claims: {},
  }
