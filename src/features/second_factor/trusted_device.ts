/** "Do not ask again on this device": a cookie that proves a second factor was passed in this browser. It never raises acr. OWASP ASVS 5.0 V6.3 */
import { note } from '../../models/audit/note.ts'
import type { Context } from '../../contracts/context.ts'
import { passedSecond } from '../../flow/second_factors.ts'
import type { Call } from '../../contracts/call.ts'
import { cookieName, readCookie, setCookie } from '../../http/cookie.ts'
import { browserOf } from '../../http/csrf.ts'
import { sha256 } from '../../lib/hash.ts'
import { isMacOf, macOf } from '../../lib/secret_keys.ts'
import { seconds } from '../../lib/clock.ts'
import { FactorGeneration } from '../../models/factor_generation.ts'
import type { User } from '../../models/user.ts'
import type { SignedIn } from '../../contracts/feature.ts'
import { settingsOf } from './settings.ts'

const cookie = 'trusted_device'

/** Bound to the browser, the account, its password and its factors: a change of any of them ends the trust. */
async function proofText(context: Context, browser: string, user: User, exp: string): Promise<string> {
  const generation = await FactorGeneration.of(context, user.sub)
  const password = sha256(user.password_hash ?? '')
  return `trusted device\n${browser}\n${user.sub}\n${exp}\n${generation}\n${password}`
}

export async function isTrusted(call: Call, context: Context, user: User): Promise<boolean> {
  const browser = browserOf(call, context)
  const [, exp, mac] =
    /^(\d{1,12})\.([\w-]{43})$/.exec(readCookie(call, cookieName(context.config, cookie)) ?? '') ?? []
  if (browser === undefined || exp === undefined || mac === undefined) return false
  const { trustedDeviceTtl } = settingsOf(context.config)
  // A shorter TRUSTED_DEVICE_TTL also applies to cookies that were set before.
  const left = Number(exp) - seconds(context.clock)
  if (left <= 0 || left > trustedDeviceTtl) return false
  return isMacOf(context.secrets.csrf, await proofText(context, browser, user, exp), mac)
}

/** Sets the cookie if a second factor was passed and the End-User chose this. */
export const rememberDevice: SignedIn = async (call, context, { user, session, trustDevice }) => {
  const { trustedDeviceTtl } = settingsOf(context.config)
  const browser = browserOf(call, context)
  if (!trustDevice || trustedDeviceTtl === 0 || browser === undefined || !passedSecond(session.amr)) return []
  const exp = `${seconds(context.clock) + trustedDeviceTtl}`
  const value = `${exp}.${macOf(context.secrets.csrf, await proofText(context, browser, user, exp))}`
  await note(call, context, 'device_trusted', { sub: user.sub })
  return [setCookie(context.config, cookie, value, trustedDeviceTtl)]
}
