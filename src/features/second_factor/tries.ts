/** Wrong second factors, counted by account across sessions, browsers and instances. OWASP ASVS 5.0 V6.3.1 */
import { RefusedError } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { browserKnownTo } from '../../http/known_browser.ts'
import { countTry, forgetTries } from '../../people/rate_limit.ts'
import { tellOwner } from '../../people/tell_owner.ts'
import type { User } from '../../models/user.ts'
import { settingsOf } from './settings.ts'

const day = 86_400
/** A day allows as many windows' worth. */
const windowsADay = 5

/**
 * Only who passed the first factor gets here, so no stranger can lock the owner out; whoever has stolen the password is
 * counted apart from a browser in which the owner signed in before.
 */
export const counted = (call: Call, context: Context, user: User): string => {
  const known = browserKnownTo(call, context, user.username)
  return known === undefined ? user.sub : `${user.sub}\n${known}`
}

/** Before anything is compared, so that a race gains nothing. Throws `too_many_requests`, and tells the owner once a day. */
export async function countFactorTry(call: Call, context: Context, user: User): Promise<void> {
  const { secondFactorAttempts: limit } = settingsOf(context.config)
  const who = counted(call, context, user)
  try {
    await countTry(context, 'second_factor', who, limit, context.config.signInWindow)
    await countTry(context, 'second_factor_day', who, limit * windowsADay, day)
  } catch (error) {
    if (!(error instanceof RefusedError) || error.refusal.retryAfter === undefined) throw error
    context.log.warn('second_factor_guessed', { sub: user.sub, address: call.address })
    if (await context.store.create(`second_factor_told:${user.sub}`, '1', day * 1000))
      await tellOwner(call, context, user, { kind: 'second_factor_guessed' })
    throw error
  }
}

/** A right one: the window begins anew, the day does not. */
export const forgetFactorTries = (call: Call, context: Context, user: User): Promise<unknown> =>
  forgetTries(context, 'second_factor', counted(call, context, user))
