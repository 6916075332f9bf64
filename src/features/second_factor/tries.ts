/** Limits for wrong second factors of an account, across sessions, browsers and instances. OWASP ASVS 5.0 V6.3.1 */
import { note } from '../../models/audit/note.ts'
import { RefusedError } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { browserKnownTo } from '../../http/known_browser.ts'
import { countTry, forgetTries } from '../../people/rate_limit.ts'
import { tellOwner } from '../../people/tell_owner.ts'
import type { User } from '../../models/user.ts'
import { settingsOf } from './settings.ts'

const day = 86_400
/** The limit of a day, as a multiple of the limit of a window. */
const windowsADay = 5

/**
 * The key that tries are counted under. A browser that the account signed in with before has its own key, so that an
 * attacker with the password cannot lock the owner out. Without the first factor, no try is possible.
 */
export const tryKey = (call: Call, context: Context, user: User): string => {
  const known = browserKnownTo(call, context, user.username)
  return known === undefined ? user.sub : `${user.sub}\n${known}`
}

/** Call before the comparison, so that concurrent tries cannot exceed the limit. Throws `too_many_requests`, and notifies the owner once a day. */
export async function countFactorTry(call: Call, context: Context, user: User): Promise<void> {
  const { secondFactorAttempts: limit } = settingsOf(context.config)
  const key = tryKey(call, context, user)
  try {
    const named = { sub: user.sub, address: call.address }
    await countTry(context, 'second_factor', key, limit, context.config.signInWindow, named)
    await countTry(context, 'second_factor_day', key, limit * windowsADay, day, named)
  } catch (error) {
    if (!(error instanceof RefusedError) || error.refusal.retryAfter === undefined) throw error
    if (await context.store.create(`second_factor_told:${user.sub}`, '1', day * 1000))
      await tellOwner(call, context, user, { kind: 'second_factor_guessed' })
    else note(call, context, 'second_factor_guessed', { sub: user.sub })
    throw error
  }
}

/** After a correct code: resets the count of the window, not that of the day. */
export const forgetFactorTries = (call: Call, context: Context, user: User): Promise<unknown> =>
  forgetTries(context, 'second_factor', tryKey(call, context, user))
