/** Tickets are given to a page of this server with the session of its browser, and to a program with an access token for this resource. */
import { byJwt } from '../api/jwt.ts'
import { createGuard } from '../api/guard.ts'
import { keysOf } from '../api/keys.ts'
import { Refused } from '../api/refusal.ts'
import { refused } from '../web_app/guard.ts'
import { sessionOf } from '../web_app/sessions.ts'
import { issuer, origin } from '../web_app/settings.ts'
import { accessToken, SessionEnded } from '../web_app/tokens.ts'
import { hashOf, type Ticket } from './tickets.ts'

export const scope = 'read:live'

/** The URI of the stream: `aud` of the tokens that open it. */
export const resource = `${origin}/live`

export const guard = createGuard({
  issuer,
  resource,
  scopes: [scope],
  verify: byJwt(issuer, resource, keysOf(issuer)),
})

type Access = Omit<Ticket, 'purpose'>

/** Throws `Refused` or `Unavailable`. */
export const accessOf = (request: Request & { cookies: Bun.CookieMap }): Promise<Access> =>
  request.headers.has('authorization') ? ofToken(request) : ofSession(request)

async function ofToken(request: Request): Promise<Access> {
  const { sub, exp } = await guard.callerOf(request, scope)
  const from = request.headers.get('origin')
  if (from !== null && from !== origin) throw new Refused(403, undefined, `a page of ${from}`)
  return { sub, name: sub, origin: from, session: null, until: exp * 1000 }
}

/** Milliseconds: a token with less than this left is renewed, so that a ticket gives some minutes of access. */
const soon = 120_000

/**
 * The connection ends with the access token of the session, which is renewed here when it is about to end: so the provider is
 * asked, and an End-User without access any more gets no ticket.
 */
async function ofSession(request: Request & { cookies: Bun.CookieMap }): Promise<Access> {
  const session = sessionOf(request as Bun.BunRequest)
  if (!session) throw new Refused(401)
  const problem = refused(request, session, request.headers.get('x-csrf'))
  if (problem !== undefined) throw new Refused(403, undefined, problem)
  const kept = session.accessToken
  const isShort = kept !== undefined && kept.expiresAt - Date.now() < soon
  await accessToken(session, resource, isShort ? kept.token : undefined).catch((error: unknown) => {
    throw error instanceof SessionEnded ? new Refused(401, undefined, error.message) : error
  })
  const until = session.accessToken?.expiresAt ?? 0
  return { sub: session.sub, name: session.name, origin, session: hashOf(session.id), until }
}
