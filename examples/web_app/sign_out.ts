/** The end of a session: by the person, or by the provider behind the back of the browser. https://openid.net/specs/openid-connect-backchannel-1_0.html */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { refused } from './guard.ts'
import { config } from './provider.ts'
import { cookieName, cookieOptions, end, endAll, sessionOf } from './sessions.ts'
import { revoke } from './tokens.ts'
import { clientId, home, issuer } from './settings.ts'

/** Here first, so that it works without the provider; then at the provider, whose session would sign the person in again. */
export async function signOut(request: Bun.BunRequest): Promise<Response> {
  const session = sessionOf(request)
  if (!session) return Response.redirect(home, 303)
  const form = await request.formData().catch(() => new FormData())
  const problem = refused(request, session, `${form.get('csrf') ?? ''}`)
  if (problem !== undefined) return new Response(problem, { status: 403 })
  end(session)
  request.cookies.delete({ name: cookieName('session'), ...cookieOptions })
  await revoke(session)
  const leave = { id_token_hint: session.idToken, post_logout_redirect_uri: home }
  return Response.redirect(oidc.buildEndSessionUrl(config, leave).href, 303)
}

const event = 'http://schemas.openid.net/event/backchannel-logout'
const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri ?? ''))

/** Every check of §2.6. Nothing is known of the sender, so that the token alone decides. */
async function readLogoutToken(token: string): Promise<{ sid: string | undefined; sub: string | undefined }> {
  const { payload } = await jwtVerify(token, keys, {
    issuer,
    audience: clientId,
    typ: 'logout+jwt', // an ID Token must not end a session
    algorithms: [config.clientMetadata().id_token_signed_response_alg ?? 'RS256'],
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
    maxTokenAge: 300,
    clockTolerance: 30,
  })
  const { sid, sub, events, nonce } = payload
  const happened = typeof events === 'object' && events !== null && Object.hasOwn(events, event)
  if (!happened) throw new Error('the token has not the event of a logout')
  if (nonce !== undefined) throw new Error('a logout token has no nonce')
  if (sid !== undefined && typeof sid !== 'string') throw new Error('sid is no string')
  if (sid === undefined && sub === undefined)
    throw new Error('the token names neither a session nor a person')
  return { sid, sub }
}

/** A token that comes twice ends nothing more than it did before, so that no list of `jti` is needed. */
export async function backchannelLogout(request: Request): Promise<Response> {
  const headers = { 'cache-control': 'no-store' }
  try {
    const form = await request.formData()
    endAll(await readLogoutToken(`${form.get('logout_token') ?? ''}`))
    return new Response(null, { status: 200, headers })
  } catch (error) {
    console.error('logout token refused:', (error as Error).message)
    return Response.json({ error: 'invalid_request' }, { status: 400, headers })
  }
}
