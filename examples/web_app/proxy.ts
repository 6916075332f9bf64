/** Calls of the page to the API: the cookie of the browser comes in, an access token goes out. https://datatracker.ietf.org/doc/html/draft-ietf-oauth-browser-based-apps#section-6.1 */
import * as oidc from 'openid-client'
import { refused } from './guard.ts'
import { config, current } from './provider.ts'
import { type Session, sessionOf } from './sessions.ts'
import { api } from './settings.ts'
import { accessToken, SessionEnded } from './tokens.ts'

/** What may be called, and no path that a request could change. */
const targets: Readonly<Record<string, string>> = {
  'GET /api/notes': '/notes',
  'POST /api/notes': '/notes',
  'DELETE /api/notes': '/notes',
}

const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
const answer = (status: number, body: Record<string, string>): Response =>
  Response.json(body, { status, headers })

export async function callApi(request: Bun.BunRequest): Promise<Response> {
  const { pathname } = new URL(request.url)
  const key = `${request.method} ${pathname}`
  const target = Object.hasOwn(targets, key) ? targets[key] : undefined
  if (target === undefined || api === undefined) return answer(404, { error: 'not_found' })
  const session = sessionOf(request)
  if (!session) return answer(401, { error: 'signed_out' })
  const problem = refused(request, session, request.headers.get('x-csrf'))
  if (problem !== undefined) return answer(403, { error: 'refused', why: problem })
  const body = request.method === 'POST' ? await request.text() : undefined
  const call = { session, resource: api, url: new URL(target, api), method: request.method, body }
  return current.run(session.exchanges, () => forward(call).catch((error) => problemOf(error, session)))
}

interface Call {
  session: Session
  resource: string
  url: URL
  method: string
  body: string | undefined
}

/** A token that the API refuses before its time is replaced once: it may be revoked, or the API has a faster clock. */
async function forward({ session, resource, url, method, body }: Call): Promise<Response> {
  const send = (token: string) =>
    // No header of the browser goes on, its cookies least of all.
    oidc.fetchProtectedResource(
      config,
      token,
      url,
      method,
      body,
      new Headers(body === undefined ? {} : { 'content-type': 'application/json' }),
    )
  const token = await accessToken(session, resource)
  const found = await send(token).catch(async (error) => {
    if (challengeOf(error)?.error !== 'invalid_token') throw error
    return send(await accessToken(session, resource, token))
  })
  if (found.status >= 300 && found.status < 400) return answer(502, { error: 'api_unavailable' })
  const type = found.headers.get('content-type')?.startsWith('application/json')
    ? 'application/json'
    : undefined
  return new Response(found.body, {
    status: found.status,
    headers: { ...headers, ...(type !== undefined && { 'content-type': type }) },
  })
}

function challengeOf(error: unknown) {
  return error instanceof oidc.WWWAuthenticateChallengeError ? error.cause[0]?.parameters : undefined
}

/** What the page can do something about has a name of its own; everything else is for the log. */
function problemOf(error: unknown, session: Session): Response {
  if (error instanceof SessionEnded) return answer(401, { error: 'signed_out' })
  const challenge = challengeOf(error)
  if (challenge?.error === 'insufficient_user_authentication') {
    const { max_age, acr_values } = challenge
    session.wanted = {
      ...(/^\d{1,9}$/.test(max_age ?? '') && { maxAge: Number(max_age) }),
      ...(acr_values !== undefined && { acrValues: acr_values }),
    }
    return answer(403, { error: 'step_up' })
  }
  console.error('the API could not be called:', error instanceof Error ? error.message : error)
  return answer(502, { error: 'api_unavailable' })
}
