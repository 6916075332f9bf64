/** The sign-in: to the provider with a pushed request, and back with a code. https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth */
import * as oidc from 'openid-client'
import { requireAtHash } from '../answers/at_hash.ts'
import { causeOf, explanationOf } from '../answers/cause.ts'
import { type Exchange, note, redirectOf } from '../exchanges/exchange.ts'
import { problemPage } from './page.ts'
import { type Pending, remember, take } from './pending.ts'
import { config, current } from './provider.ts'
import { begin, endedMeanwhile, sessionOf } from './sessions.ts'
import { revoke } from './tokens.ts'
import { api, apiScope, home, issuer, origin, redirectUri } from './settings.ts'

/** An address of this application, whatever was asked for: a sign-in that leads elsewhere helps phishing (CWE-601). Absolute, because `//` at the start of a path is another host. A `blob:` URL has the origin of this application, and is none of its pages. */
export function ownAddress(asked: string | null): string {
  const url = URL.parse(asked ?? '/', origin)
  return url?.href.startsWith(home) ? url.href : home
}

/** With `?step_up` the sign-in that the API asked for last (RFC 9470 §4). */
export async function startSignIn(request: Bun.BunRequest): Promise<Response> {
  const query = new URL(request.url).searchParams
  const session = sessionOf(request)
  const wanted = query.has('step_up') ? session?.wanted : undefined
  const state = oidc.randomState()
  const pending: Pending = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedNonce: oidc.randomNonce(),
    maxAge: wanted?.maxAge,
    acrValues: wanted?.acrValues,
    returnTo: ownAddress(query.get('return_to')),
    startedAt: Date.now(),
    exchanges: new Map(),
  }
  const params = new URLSearchParams({
    redirect_uri: redirectUri,
    scope: ['openid profile email offline_access', ...(api === undefined ? [] : [apiScope])].join(' '),
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state,
    nonce: pending.expectedNonce,
    ...(wanted?.maxAge !== undefined && { max_age: `${wanted.maxAge}` }),
    ...(wanted?.acrValues !== undefined && { acr_values: wanted.acrValues }),
  })
  // Each token is for one of these, so that one API cannot use it at another (RFC 8707).
  for (const resource of api === undefined ? [] : [issuer, api]) params.append('resource', resource)
  try {
    // The parameters go from server to server, so that the browser cannot read or change them (RFC 9126).
    const url = config.serverMetadata().pushed_authorization_request_endpoint
      ? await current.run(pending.exchanges, () => oidc.buildAuthorizationUrlWithPAR(config, params))
      : oidc.buildAuthorizationUrl(config, params)
    note(pending.exchanges, redirectOf('The browser goes to the provider', url.href))
    remember(request, state, pending)
    return Response.redirect(url.href, 303)
  } catch (error) {
    return failed(error, pending.exchanges)
  }
}

export async function finishSignIn(request: Bun.BunRequest): Promise<Response> {
  const answer = new URL(new URL(request.url).search, redirectUri)
  const state = answer.searchParams.get('state')
  const pending = take(request, state)
  if (!pending || state === null)
    return problemPage(400, 'This answer belongs to no sign-in of this browser, or was used already')
  const { exchanges } = pending
  note(exchanges, redirectOf('The browser comes back', answer.href))
  try {
    const person = await current.run(exchanges, () => redeem(answer, state, pending))
    if (endedMeanwhile(person, pending.startedAt))
      throw new Error('the session at the provider has ended meanwhile')
    const before = sessionOf(request)
    begin(request, { ...person, exchanges })
    if (before) await revoke(before) // a sign-in again has tokens of its own
    return Response.redirect(pending.returnTo, 303)
  } catch (error) {
    return failed(error, exchanges) // a session that this browser has stays
  }
}

/** The library checks iss and state of the answer; signature, iss, aud, azp, exp, nonce and auth_time of the ID Token. */
async function redeem(answer: URL, expectedState: string, { maxAge, acrValues, ...pending }: Pending) {
  const tokens = await oidc.authorizationCodeGrant(
    config,
    answer,
    {
      pkceCodeVerifier: pending.pkceCodeVerifier,
      expectedNonce: pending.expectedNonce,
      expectedState,
      idTokenExpected: true,
      ...(maxAge !== undefined && { maxAge }),
    },
    api === undefined ? {} : { resource: issuer },
  )
  const { id_token: idToken = '', access_token } = tokens
  const claims = tokens.claims()!
  await requireAtHash(idToken, access_token)
  if (acrValues !== undefined && !acrValues.split(' ').includes(String(claims.acr)))
    throw new Error(`the sign-in has not the strength that was asked for (${acrValues})`)
  const person = await oidc.fetchUserInfo(config, access_token, claims.sub)
  const name = person.name ?? person.preferred_username ?? person.sub // only `sub` is always there
  return {
    sub: claims.sub,
    sid: typeof claims.sid === 'string' ? claims.sid : undefined,
    name,
    email: person.email,
    idToken,
    refreshToken: tokens.refresh_token,
  }
}

const failed = (error: unknown, exchanges: ReadonlyMap<string, Exchange>): Response =>
  problemPage(400, `Signing in did not work: ${causeOf(error)}`, {
    explanation: explanationOf(error, issuer),
    exchanges: [...exchanges.values()],
  })
