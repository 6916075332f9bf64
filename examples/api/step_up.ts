/** Some things want a newer or stronger sign-in than the one behind the token. https://www.rfc-editor.org/rfc/rfc9470 */
import type { Caller } from './caller.ts'
import { Refused } from './refusal.ts'

export interface Wanted {
  /** Seconds since the End-User signed in. */
  maxAge: number
  /** Any of these; none is any. */
  acrValues: readonly string[]
}

/** Says what would do, so that the client asks for just that in its next authorization request (§3, §4). */
export function requireSignIn({ auth_time, acr }: Caller, { maxAge, acrValues }: Wanted): void {
  const recent = auth_time !== undefined && Date.now() / 1000 - auth_time <= maxAge
  const strong = acrValues.length === 0 || (acr !== undefined && acrValues.includes(acr))
  if (recent && strong) return
  throw new Refused(401, 'insufficient_user_authentication', 'an older or a weaker sign-in', {
    ...(!strong && { acr_values: acrValues.join(' ') }),
    ...(!recent && { max_age: `${maxAge}` }),
  })
}
