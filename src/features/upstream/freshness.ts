/** When a provider authenticated the End-User, by `auth_time`: a sign-in of days ago is none of now. https://openid.net/specs/openid-connect-core-1_0.html#IDToken */
import type { Context } from '../../contracts/context.ts'
import { factorOwed } from '../../flow/second_factors.ts'
import type { User } from '../../models/user.ts'
import { quoted, UpstreamError } from './request.ts'
import type { Claims } from './row.ts'
import { policyOf } from './settings.ts'
import type { State } from './state.ts'

/** Allowed clock difference. */
const toleranceMs = 60_000

/** What an authorization response says of the time. All in milliseconds. */
export interface ProviderTime {
  /** Undefined: now. 0: the provider does not say it. */
  provenAt: number | undefined
  /** A fresh sign-in was requested, and this is none. */
  isStale: boolean
}

/** `auth_time` of the ID Token. A time in the future is not believed. */
function statedTime(auth_time: unknown, now: number): number {
  const at = typeof auth_time === 'number' && Number.isFinite(auth_time) ? auth_time * 1000 : 0
  return at > 0 && at <= now + toleranceMs ? Math.min(at, now) : 0
}

export function providerTime(
  context: Context,
  { fresh_since: since }: Pick<State, 'fresh_since'>,
  idToken: Claims | undefined,
): ProviderTime {
  const at = statedTime(idToken?.auth_time, context.clock.now())
  const isSilent = idToken?.auth_time === undefined
  if (isSilent && policyOf(context.config).upstreamWithoutAuthTime === 'accept')
    return { provenAt: undefined, isStale: false }
  if (since === undefined) return { provenAt: at, isStale: false }
  const isFresh = at >= since - toleranceMs
  // The clock of the provider may be behind by as much as is allowed.
  return { provenAt: isFresh ? Math.max(at, since) : at, isStale: !isFresh }
}

/** The page of the factor that the account proves here in place of a fresh sign-in. Throws UpstreamError if there is none. */
export async function localFactor(
  context: Context,
  user: User | undefined,
  { provenAt }: ProviderTime,
): Promise<string> {
  const factor = user && !user.disabled && (await factorOwed(user, { acr: '', amr: [] }, context))
  if (factor) return factor.path
  const said = provenAt === 0 ? 'none; UPSTREAM_WITHOUT_AUTH_TIME=accept takes it for now' : quoted(provenAt)
  throw new UpstreamError('not_fresh', `a fresh sign-in was requested, and auth_time is ${said}`)
}
