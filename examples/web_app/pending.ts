/** Sign-ins on their way: one for each `state`, tied to the browser that began it. Two tabs are two sign-ins. */
import { randomBytes } from 'node:crypto'
import type { Exchange } from '../exchanges/exchange.ts'
import { cookieName, cookieOptions } from './sessions.ts'

export interface Pending {
  pkceCodeVerifier: string
  expectedNonce: string
  maxAge: number | undefined
  acrValues: string | undefined
  /** An address of this application. */
  returnTo: string
  startedAt: number
  /** What the page shows of the requests, without their secrets. */
  exchanges: Map<string, Exchange>
}

const lastsFor = 10 * 60_000
/** An attacker who opens the sign-in a million times makes the oldest of them fail, and ends no session. */
const most = 10_000

const pendings = new Map<string, Pending & { browser: string }>()

/** A cookie of its own: it exists before the person is known, so that it must never name a session. */
export function remember(request: Bun.BunRequest, state: string, pending: Pending): void {
  const name = cookieName('sign_in')
  const browser = request.cookies.get(name) ?? randomBytes(32).toString('base64url')
  request.cookies.set(name, browser, { ...cookieOptions, maxAge: lastsFor / 1000 })
  for (const [key, { startedAt }] of pendings) {
    if (pendings.size < most && pending.startedAt - startedAt <= lastsFor) break
    pendings.delete(key)
  }
  pendings.set(state, { ...pending, browser })
}

/** Once: the answer of a sign-in that was used already is no answer, and neither is one in another browser. */
export function take(request: Bun.BunRequest, state: string | null): Pending | undefined {
  const pending = pendings.get(state ?? '')
  if (!pending || pending.browser !== request.cookies.get(cookieName('sign_in'))) return undefined
  pendings.delete(state ?? '')
  return Date.now() - pending.startedAt <= lastsFor ? pending : undefined
}
