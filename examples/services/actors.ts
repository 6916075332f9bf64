/** Which service acts. https://www.rfc-editor.org/rfc/rfc8693#section-4.1 */
import type { Actor, Caller } from '../api/caller.ts'
import { Answer } from './answer.ts'

/** All that act, the one that sent the token first. For the log: the ones before decide nothing (§4.1). */
export function chainOf({ act }: Caller): string[] {
  const chain: string[] = []
  for (let at: Actor | undefined = act; at && chain.length < 10; at = at.act) chain.push(at.sub)
  return chain
}

/** The token is an End-User's, and this service exchanged it. A name in a header or a body would prove nothing. */
export function requireActor(caller: Caller, service: string): void {
  if (caller.act?.sub !== service || caller.client_id !== service)
    throw new Answer(403, 'forbidden', `expected a token that ${service} exchanged`)
}

/** A client that acts for itself: its subject is its own name, which is never that of an End-User at this provider. */
export const isForItself = ({ sub, client_id, act }: Caller): boolean =>
  sub === client_id && act === undefined
