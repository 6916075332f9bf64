/** The one request that opens a connection: it has a ticket, and comes from the page that got it. https://www.rfc-editor.org/rfc/rfc6455#section-10.2 */
import { isLive, type Session, sessionOf } from '../web_app/sessions.ts'
import { origin } from '../web_app/settings.ts'
import type { Connection, Live } from './live.ts'
import { hashOf, type Ticket, type Tickets } from './tickets.ts'

const refusal = (status: number, error: string) =>
  Response.json({ error }, { status, headers: { 'cache-control': 'no-store' } })

/** Everything from the ticket to the connection is one step without a wait: nothing can happen in between. */
export function upgrade(
  request: Bun.BunRequest,
  server: Bun.Server<Connection>,
  { tickets, live }: { tickets: Tickets; live: Live },
): Response | undefined {
  // A name that another site gave to this address (DNS rebinding) is not ours.
  if (request.headers.get('host') !== new URL(origin).host) return refusal(421, 'another_host')
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') return refusal(426, 'not_a_websocket')
  // A browser sends the cookie of the person whatever page opens the connection, but always with the origin of that page.
  const from = request.headers.get('origin')
  if (from !== null && from !== origin) return refusal(403, 'another_origin')
  const ticket = tickets.redeem(new URL(request.url).searchParams.get('ticket') ?? '')
  const session = sessionOf(request)
  if (ticket?.purpose !== 'connect' || ticket.origin !== from || !isHolder(ticket, session))
    return refusal(401, 'bad_ticket')
  const goesOn = ticket.session !== null && session ? () => isLive(session) : () => true
  const data = live.admit(ticket, goesOn)
  if (!data) return refusal(429, 'too_many_connections')
  return server.upgrade(request, { data }) ? undefined : refusal(400, 'no_websocket')
}

/** A ticket of a session is good in the browser of that session alone, so a stolen one is not. */
const isHolder = ({ session }: Ticket, own: Session | undefined): boolean =>
  session === null || (own !== undefined && hashOf(own.id) === session)
