/** A cookie with a MAC that proves that an account signed in with this browser before. https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies */
import type { Context } from '../contracts/context.ts'
import { isMacOf, macOf } from '../lib/secret_keys.ts'
import { canonicalUsername } from '../models/user.ts'
import type { Call } from '../contracts/call.ts'
import { cookieName, readCookie, setCookie } from './cookie.ts'
import { browserOf } from './csrf.ts'

const lifetimeSeconds = 180 * 86_400

const proofText = (browser: string, username: string): string =>
  `known browser\n${browser}\n${canonicalUsername(username)}`

/** The identifier of the browser if this account signed in with it before. */
export function browserKnownTo(call: Call, context: Context, username: string): string | undefined {
  const browser = browserOf(call, context)
  const cookie = readCookie(call, cookieName(context.config, 'known'))
  return browser !== undefined &&
    cookie !== undefined &&
    isMacOf(context.secrets.csrf, proofText(browser, username), cookie)
    ? browser
    : undefined
}

/** The cookies to set after a sign-in. The cookie with the browser's identifier must last as long as the proof. */
export function rememberBrowser(call: Call, context: Context, username: string): string[] {
  const browser = browserOf(call, context)
  if (browser === undefined) return []
  return [
    setCookie(context.config, 'browser', browser, lifetimeSeconds),
    setCookie(
      context.config,
      'known',
      macOf(context.secrets.csrf, proofText(browser, username)),
      lifetimeSeconds,
    ),
  ]
}
