/** What an access token says, after it was checked. https://www.rfc-editor.org/rfc/rfc9068#section-2.2 */
import { Refused } from './refusal.ts'

/** The chain of clients that act for the End-User, the last one first. https://www.rfc-editor.org/rfc/rfc8693#section-4.1 */
export interface Actor {
  sub: string
  act?: Actor
}

export interface Caller {
  /** The End-User; for a client that acts for itself its own `client_id`. */
  sub: string
  client_id: string
  scope: readonly string[]
  /** Seconds. */
  exp: number
  /** How and when the End-User signed in (seconds). */
  auth_time: number | undefined
  acr: string | undefined
  /** What the token is bound to: its holder needs a proof of that. */
  cnf: Readonly<Record<string, unknown>> | undefined
  act: Actor | undefined
  /** The session at the provider, where the token names it. */
  sid: string | undefined
}

/** Throws `Refused` for a token that is not good here, and `Unavailable` when that cannot be known. */
export type Verify = (token: string) => Promise<Caller>

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)
const object = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined

/** The members of a JWT, or of an answer of introspection, in their types. */
export function callerOf(claims: Record<string, unknown>): Caller {
  const [sub, client_id, exp] = [text(claims.sub), text(claims.client_id), number(claims.exp)]
  if (sub === undefined || client_id === undefined || exp === undefined)
    throw new Refused(401, 'invalid_token', 'sub, client_id or exp is missing')
  return {
    sub,
    client_id,
    scope: (text(claims.scope) ?? '').split(' ').filter(Boolean),
    exp,
    auth_time: number(claims.auth_time),
    acr: text(claims.acr),
    cnf: object(claims.cnf),
    act: object(claims.act) as Actor | undefined,
    sid: text(claims.sid),
  }
}

export const isExpired = ({ exp }: Caller, now = Date.now()): boolean => exp * 1000 <= now
