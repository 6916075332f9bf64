/** When a second factor is required, and which one. docs/decisions/0019-second-factors.md */
import * as v from 'valibot'
import { acrOf, meetsAcr, openDemand } from '../../auth/acr.ts'
import { OAuthError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import {
  allowedFactors,
  askedFactors,
  mustHaveFactor,
  passedSecond,
  readyFactors,
  twoFactors,
} from '../../flow/second_factors.ts'
import type { GrantRule } from '../../contracts/grant_type.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import type { Grant } from '../../models/grant.ts'
import { declareUserMembers, type User } from '../../models/user.ts'
import type { LoginStepInput, LoginStep, SecondFactor } from '../../contracts/feature.ts'
import { settingsOf } from './settings.ts'
import { isTrusted } from './trusted_device.ts'

export const choicePath = '/second-factor'
export const setUpPath = '/second-factor/set-up'

export const metadata = declareMetadata({
  require_second_factor: v.optional(v.pipe(v.boolean(), v.description('Every sign-in has a second factor'))),
})
const ofUser = declareUserMembers({ second_factor: v.unknown() })

/** Whether this client accepts only sign-ins with a second factor. */
const requiresSecondFactor = (client: Client): boolean => metadata.of(client).require_second_factor === true

/** Required of all End-Users, of a role, or by the user record (`second_factor`, or an attribute of that name). */
export function needsSecondFactor({ config }: Context, user: User): boolean {
  const { secondFactor, secondFactorRoles = [] } = settingsOf(config)
  const marks: unknown[] = [ofUser.of(user).second_factor, user.attributes.second_factor]
  return (
    secondFactor === 'required' ||
    user.roles.some((role) => secondFactorRoles.includes(role)) ||
    marks.some((mark) => mark === true || mark === 'required')
  )
}

export interface Wanted {
  /** Any of these is enough. */
  levels: readonly string[]
  /** If the End-User cannot reach it: the client gets an error, the sign-in continues without it, or it cannot continue. */
  otherwise: 'refused' | 'as_is' | 'blocked'
}

/** The level that the request or its client requires and that was not reached yet. */
export function wantedBy(state: LoginStepInput, reached: string): Wanted | undefined {
  const open = openDemand(reached, state.demand)
  if (open?.essential) return { levels: open.levels, otherwise: 'refused' }
  if (state.client && requiresSecondFactor(state.client) && !meetsAcr(reached, twoFactors))
    return { levels: [twoFactors], otherwise: 'blocked' }
  return open && { levels: open.levels, otherwise: 'as_is' }
}

const reaches = (factor: SecondFactor, { levels }: Wanted): boolean =>
  levels.some((level) => meetsAcr(factor.acr, level))

/** The page for `wanted`; undefined if the End-User cannot reach it and the sign-in goes on or is refused elsewhere. */
function pageFor(
  wanted: Wanted,
  ready: readonly SecondFactor[],
  state: LoginStepInput,
  context: Context,
): string | undefined {
  // The End-User may decline to set up a factor for a client, or to use a passkey that no sign-in asks for; a client that
  // requires the level then gets an error. For a voluntary level and prompt=none no page may be shown.
  const { declined_by, params } = state.interaction
  const isSilent = params?.prompt === 'none'
  const declined =
    (wanted.otherwise !== 'blocked' && declined_by === state.user.sub) ||
    (wanted.otherwise === 'as_is' && isSilent)
  const usable = ready.find((factor) => reaches(factor, wanted))
  if (usable && !(declined && askedFactors(ready, state.user, context).length === 0)) return usable.path
  const canBeSetUp = allowedFactors(context).some(
    (factor) => factor.enrolPath !== undefined && reaches(factor, wanted),
  )
  // To set a factor up is no part of a silent request: of `acr_values` it says that they are not met.
  const isUnmet = isSilent && wanted.levels === state.demand.requested
  if (canBeSetUp && !declined && !isUnmet)
    // An existing weaker factor must be proven before a stronger one is set up.
    return ready.length > 0 && !passedSecond(state.amr) ? ready[0]!.path : setUpPath
  return wanted.otherwise === 'blocked' ? setUpPath : undefined
}

export const secondFactorStep: LoginStep = {
  name: 'second_factor',
  whileSignedIn: true,
  async path(context, state) {
    const { user, amr, session, call } = state
    const wanted = wantedBy(state, session?.acr ?? acrOf(amr))
    const must = mustHaveFactor(user, context)
    if (!wanted && (passedSecond(amr) || (session && !must))) return undefined
    const ready = await readyFactors(user, context)
    const page = wanted && pageFor(wanted, ready, state, context)
    if (page !== undefined) return page
    if (passedSecond(amr) || (session && !must)) return undefined
    const [first] = askedFactors(ready, user, context)
    if (first) return (await isTrusted(call, context, user)) ? undefined : first.path
    return must ? setUpPath : undefined
  },
}

/** Throws for a client with require_second_factor if the End-User of the grant signed in without one. */
function requireSecondFactorOf({ authentication }: Grant, client: Client): void {
  if (!requiresSecondFactor(client) || authentication.amr.includes('mfa')) return
  throw new OAuthError('invalid_grant', {
    rule: 'RFC 9470 §5',
    expected: 'a sign-in with a second factor, as require_second_factor of the client demands',
    problem: 'this client registered require_second_factor, and this sign-in had no second factor',
    next: 'send the End-User through the authorization endpoint again',
  })
}

/** A client with require_second_factor gets no tokens for a sign-in without one, whatever the grant type. */
export const secondFactorRule: GrantRule = {
  name: 'second_factor',
  admit: (grant, { client }) => requireSecondFactorOf(grant, client), // before anything is spent
  /** Checked again, because not every grant type calls `admit`: token exchange copies a token of another client. */
  shape(issue, { client }) {
    if (issue.grant) requireSecondFactorOf(issue.grant, client)
    return issue
  },
}
