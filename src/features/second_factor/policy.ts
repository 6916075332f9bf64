/** When a second factor is asked for, and which. docs/decisions/0019-second-factors.md */
import * as v from 'valibot'
import { acrOf, meetsAcr, openDemand } from '../../auth/acr.ts'
import { OAuthError } from '../../auth/errors.ts'
import type { Context } from '../../contracts/context.ts'
import {
  allowedFactors,
  mustHaveFactor,
  passedSecond,
  readyFactors,
  twoFactors,
} from '../../flow/second_factors.ts'
import type { GrantRule } from '../../contracts/grant_type.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { declareUserMembers, type User } from '../../models/user.ts'
import type { LoginStepInput, LoginStep, SecondFactor } from '../../contracts/feature.ts'
import { settingsOf } from './settings.ts'
import { isTrusted } from './trusted_device.ts'

export const choicePath = '/second-factor'
export const setUpPath = '/second-factor/set-up'

export const metadata = declareMetadata({ require_second_factor: v.optional(v.boolean()) })
const ofUser = declareUserMembers({ second_factor: v.unknown() })

/** Whether this client registered for sign-ins with a second factor alone. */
const isDuty = (client: Client): boolean => metadata.of(client).require_second_factor === true

/** Required by everybody, by a role, or by the record of this person (`second_factor` or an attribute of that name). */
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
  /** Any of these would do. */
  levels: readonly string[]
  /** Who cannot reach it: is refused by the answer to the client, may go on as they are, or can go no further. */
  otherwise: 'refused' | 'as_is' | 'stuck'
}

/** The level that the request, or the registration of its client, leaves open. */
export function wantedBy(state: LoginStepInput, reached: string): Wanted | undefined {
  const open = openDemand(reached, state.demand)
  if (open?.essential) return { levels: open.levels, otherwise: 'refused' }
  if (state.client && isDuty(state.client) && !meetsAcr(reached, twoFactors))
    return { levels: [twoFactors], otherwise: 'stuck' }
  return open && { levels: open.levels, otherwise: 'as_is' }
}

const reaches = (factor: SecondFactor, { levels }: Wanted): boolean =>
  levels.some((level) => meetsAcr(factor.acr, level))

/** The page for `wanted`; undefined when this person cannot reach it and that is for somebody else to say. */
function pageFor(
  wanted: Wanted,
  ready: readonly SecondFactor[],
  state: LoginStepInput,
  context: Context,
): string | undefined {
  const able = ready.find((factor) => reaches(factor, wanted))
  if (able) return able.path
  // To set up a factor for an application is an offer: it can be declined (who demands it hears of that), and where no page
  // may be shown it is not made for a mere wish.
  const { declined_by, params } = state.interaction
  const declined =
    (wanted.otherwise !== 'stuck' && declined_by === state.user.sub) ||
    (wanted.otherwise === 'as_is' && params?.prompt === 'none')
  const canBeSetUp = allowedFactors(context).some(
    (factor) => factor.enrolPath !== undefined && reaches(factor, wanted),
  )
  if (canBeSetUp && !declined)
    // Whoever has a weaker factor proves that one before a stronger one is set up.
    return ready.length > 0 && !passedSecond(state.amr) ? ready[0]!.path : setUpPath
  return wanted.otherwise === 'stuck' ? setUpPath : undefined
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
    if (ready.length > 0) return (await isTrusted(call, context, user)) ? undefined : ready[0]!.path
    return must ? setUpPath : undefined
  },
}

/** Whatever way a grant came about: without a second factor it gives a client that registered for one nothing. */
export const secondFactorRule: GrantRule = {
  name: 'second_factor',
  admit({ authentication }, { client }) {
    if (!isDuty(client) || authentication.amr.includes('mfa')) return
    throw new OAuthError('invalid_grant', {
      rule: 'RFC 9470 §5',
      expected: 'a sign-in with a second factor, as require_second_factor of the client demands',
      problem: 'this client registered require_second_factor, and this sign-in had none',
      next: 'ask the person again',
    })
  },
}
