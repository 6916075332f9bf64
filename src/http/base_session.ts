/**
 * The session at a page base: a cookie that proves the session of the issuer, by a MAC and without a record of its own. It
 * ends with that session and with its secret, and is worth nothing in another browser. docs/decisions/0103-administration-at-its-own-host.md
 */
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import { isMacOf, macOf } from '../lib/secret_keys.ts'
import { secretIn, Session, sidIn } from '../models/session.ts'
import { cookieName, setCookie } from './cookie.ts'
import { browserOf } from './csrf.ts'

const name = 'base_session'

/** The name of the cookie with the session of this request. */
export const sessionCookie = ({ base }: Call, { config }: Context): string =>
  cookieName(config, base === undefined ? 'session' : name)

/** The hash of the secret is that of the issuer's cookie: what makes that one invalid makes this one invalid. */
const proofText = (base: string, browser: string, { sid, secret_hash }: Session): string =>
  `base session\n${base}\n${browser}\n${sid}\n${secret_hash}`

/** Sets the session for this browser; `base` is that of the call. */
export const setBaseSession = (context: Context, base: string, browser: string, session: Session): string =>
  setCookie(
    context.config,
    name,
    session.sid + macOf(context.secrets.csrf, proofText(base, browser, session)),
  )

export const dropBaseSession = ({ config }: Context): string => setCookie(config, name, '', 0)

/** The session of the cookie of a page base. */
export async function sessionAtBase(
  call: Call,
  context: Context,
  cookie: string,
): Promise<Session | undefined> {
  const browser = browserOf(call, context)
  if (call.base === undefined || browser === undefined) return undefined
  const session = await Session.find(context, sidIn(cookie))
  return session && isMacOf(context.secrets.csrf, proofText(call.base, browser, session), secretIn(cookie))
    ? session
    : undefined
}
