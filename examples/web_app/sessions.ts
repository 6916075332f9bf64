/** Who is signed in, in the memory of this process. Tokens stay here: the browser has the random name of its session alone. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Exchange } from '../exchanges/exchange.ts'
import { isSecure } from './settings.ts'

export interface Session {
  id: string
  /** The pages of this session know it, and no page of another site and of another session does. */
  csrf: string
  sub: string
  /** The session at the provider, as back-channel logout names it. */
  sid: string | undefined
  name: string
  email: string | undefined
  idToken: string
  refreshToken: string | undefined
  /** For the API; `expiresAt` in milliseconds since 1970. */
  accessToken?: { resource: string; token: string; expiresAt: number }
  /** The one refresh that is under way. */
  refreshing?: { resource: string; token: Promise<string> }
  /** Which sign-in the API asked for last. */
  wanted?: { maxAge?: number; acrValues?: string }
  begunAt: number
  usedAt: number
  /** What the page shows of the requests, without their secrets. */
  exchanges: Map<string, Exchange>
}

const minutes = 60_000
const idleFor = 30 * minutes
const lastsFor = 8 * 60 * minutes
const mostSessions = 10_000

// One process, so a Map will do; with more, use a store that they share.
const sessions = new Map<string, Session>()

/** `__Host-` keeps cookies of other hosts of the site away, and exists on https alone. Ports of localhost share cookies, so that the name is our own. */
export const cookieName = (name: string): string => (isSecure ? `__Host-${name}` : `web_app_${name}`)

/** Lax: the way back from the provider is a navigation from another site, on which a Strict cookie is not sent. */
export const cookieOptions = { httpOnly: true, sameSite: 'lax', secure: isSecure, path: '/' } as const

const randomName = (): string => randomBytes(32).toString('base64url')

/** A new name each time, so that a name that an attacker planted before the sign-in is worth nothing. */
export function begin(
  request: Bun.BunRequest,
  person: Omit<Session, 'id' | 'csrf' | 'begunAt' | 'usedAt'>,
): Session {
  end(sessionOf(request))
  const now = Date.now()
  for (const each of sessions.values()) {
    if (sessions.size < mostSessions && !isOver(each, now)) break // the oldest come first
    end(each)
  }
  const session = { ...person, id: randomName(), csrf: randomName(), begunAt: now, usedAt: now }
  sessions.set(session.id, session)
  request.cookies.set(cookieName('session'), session.id, cookieOptions)
  return session
}

const isOver = ({ begunAt, usedAt }: Session, now: number): boolean =>
  now - begunAt > lastsFor || now - usedAt > idleFor

export function sessionOf(request: Bun.BunRequest): Session | undefined {
  const session = sessions.get(request.cookies.get(cookieName('session')) ?? '')
  if (!session) return undefined
  const now = Date.now()
  if (isOver(session, now)) return end(session)
  session.usedAt = now
  return session
}

const watchers: ((session: Session) => void)[] = []

/** For what must end with a session, such as an open connection (../websocket). */
export const onEnd = (watch: (session: Session) => void): void => void watchers.push(watch)

export function end(session: Session | undefined): undefined {
  if (session && sessions.delete(session.id)) watchers.forEach((watch) => watch(session))
}

export const isLive = ({ id }: Session): boolean => sessions.has(id)

/** Of back-channel logout: a session at the provider, or all sessions of a person. */
export interface Ended {
  sid: string | undefined
  sub: string | undefined
}

const fits = ({ sid, sub }: Ended, session: Pick<Session, 'sid' | 'sub'>): boolean =>
  sid === undefined ? session.sub === sub : session.sid === sid

/** What ended lately: a sign-in whose answer was under way at that moment must not begin a session. */
const lately: (Ended & { at: number })[] = []

export function endAll(ended: Ended): void {
  const now = Date.now()
  while (lately[0] && (now - lately[0].at > 10 * minutes || lately.length > 1_000)) lately.shift()
  lately.push({ ...ended, at: now })
  for (const session of sessions.values()) if (fits(ended, session)) end(session)
}

/** `startedAt`: when the sign-in began. A person who signs in again after that has a session again. */
export const endedMeanwhile = (person: Pick<Session, 'sid' | 'sub'>, startedAt: number): boolean =>
  lately.some((each) => fits(each, person) && (each.sid !== undefined || each.at >= startedAt))

/** Compares in constant time. */
export function hasCsrf(session: Session, sent: string | null): boolean {
  const [own, other] = [Buffer.from(session.csrf), Buffer.from(sent ?? '')]
  return own.length === other.length && timingSafeEqual(own, other)
}
