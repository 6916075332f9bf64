/** Which accounts this browser signed in with before, by a cookie that says it and a MAC that proves it. https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies */
import type { Context } from '../contracts/context.ts'
import { equalInConstantTime } from '../lib/equal.ts'
import { hmac } from '../lib/hash.ts'
import { canonicalUsername } from '../models/user.ts'
import type { Call } from '../contracts/call.ts'
import { cookieName, readCookie, setCookie } from './cookie.ts'
import { browserOf } from './csrf.ts'

/** Seconds. */
const lifetimeSeconds = 180 * 86_400

const proof = (context: Context, browser: string, username: string): string =>
  hmac(context.secrets.csrf, `known browser\n${browser}\n${canonicalUsername(username)}`)

/** The browser's name when this account signed in with it before; undefined otherwise. */
export function browserKnownTo(call: Call, context: Context, username: string): string | undefined {
  const browser = browserOf(call, context)
  const cookie = readCookie(call, cookieName(context.config, 'known'))
  return browser !== undefined &&
    cookie !== undefined &&
    equalInConstantTime(cookie, proof(context, browser, username))
    ? browser
    : undefined
}

/** The cookies that remember it: the browser's own name must live as long as what is known of it. */
export function rememberBrowser(call: Call, context: Context, username: string): string[] {
  const browser = browserOf(call, context)
  if (browser === undefined) return []
  return [
    setCookie(context.config, 'browser', browser, lifetimeSeconds),
    setCookie(context.config, 'known', proof(context, browser, username), lifetimeSeconds),
  ]
}
