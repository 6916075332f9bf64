/** A web application whose server holds the tokens; the browser has nothing but a session cookie. https://github.com/panva/openid-client */
import { AsyncLocalStorage } from 'node:async_hooks'
import { join } from 'node:path'
import * as oidc from 'openid-client'
import { type Exchange, note, redirectOf, watched } from '../exchanges/exchange.ts'
import { page } from './page.ts'

const {
  PORT = '8080',
  ISSUER = 'http://localhost:5000',
  CLIENT_ID = 'client123',
  CLIENT_SECRET = 'secret456',
} = process.env

const home = `http://localhost:${PORT}/`
const callback = `${home}callback`

/** What is remembered of a browser: a sign-in on its way, or the person and their tokens. */
interface Session {
  pending?: { pkceCodeVerifier: string; expectedState: string; expectedNonce: string }
  signedIn?: SignedIn
  /** What the page shows of the requests, without their secrets. */
  exchanges: Map<string, Exchange>
}

interface SignedIn {
  sub: string
  accessToken: string
  refreshToken: string | undefined
  idToken: string
}

// One process, so a Map will do; with more, use a store that they share.
const sessions = new Map<string, Session>()

/** The exchanges of the session for which this process sends a request. */
const current = new AsyncLocalStorage<Map<string, Exchange>>()
const watchedFetch = watched(fetch, (exchange) => note(current.getStore() ?? new Map(), exchange))

const config = await oidc.discovery(
  new URL(ISSUER),
  CLIENT_ID,
  undefined,
  oidc.ClientSecretBasic(CLIENT_SECRET),
  {
    [oidc.customFetch]: watchedFetch as oidc.CustomFetch,
    execute: [
      // The signature of an ID Token is verified, although it came over a connection to the provider.
      oidc.enableNonRepudiationChecks,
      // A provider at http://localhost is for development; anything else must speak TLS.
      ...(ISSUER.startsWith('http://localhost:') ? [oidc.allowInsecureRequests] : []),
    ],
  },
)

const sessionOf = (request: Bun.BunRequest): Session | undefined =>
  sessions.get(request.cookies.get('session') ?? '')

/** A new id each time that somebody's standing changes, so that nobody can plant one beforehand. */
function keep(request: Bun.BunRequest, session: Session): void {
  sessions.delete(request.cookies.get('session') ?? '')
  const id = oidc.randomState()
  sessions.set(id, session)
  request.cookies.set('session', id, { httpOnly: true, sameSite: 'lax', secure: home.startsWith('https:') })
}

async function signIn(request: Bun.BunRequest): Promise<Response> {
  const pending = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
  }
  const exchanges = new Map<string, Exchange>()
  keep(request, { pending, exchanges })
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: 'openid profile email',
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: pending.expectedState,
    nonce: pending.expectedNonce,
  })
  note(exchanges, redirectOf('The browser goes to the provider', url.href))
  return Response.redirect(url.href)
}

async function finish(request: Bun.BunRequest): Promise<Response> {
  const session = sessionOf(request)
  if (!session?.pending) return page(400, 'No sign-in is on its way in this browser', '/', 'Start again')
  const { pending, exchanges } = session
  const answer = callback + new URL(request.url).search
  note(exchanges, redirectOf('The browser comes back', answer))
  try {
    const redeem = () => oidc.authorizationCodeGrant(config, new URL(answer), pending)
    const tokens = await current.run(exchanges, redeem)
    keep(request, {
      exchanges,
      signedIn: {
        sub: tokens.claims()!.sub,
        accessToken: tokens.access_token,
        refreshToken: tokens.refresh_token,
        idToken: tokens.id_token!,
      },
    })
    return Response.redirect(home)
  } catch (error) {
    keep(request, { exchanges: new Map() })
    const text = `Signing in did not work: ${(error as Error).message}`
    return page(400, text, '/', 'Start again', [...exchanges.values()])
  }
}

async function show(request: Bun.BunRequest): Promise<Response> {
  const session = sessionOf(request)
  if (!session?.signedIn) return page(200, 'You are signed out', '/login', 'Sign in')
  const { signedIn, exchanges } = session
  const person = await current.run(exchanges, () => askFor(signedIn))
  if (person) return page(200, `You are ${nameOf(person)}`, '/logout', 'Sign out', [...exchanges.values()])
  keep(request, { exchanges: new Map() })
  return page(200, 'Your access has ended', '/login', 'Sign in')
}

async function askFor(signedIn: SignedIn): Promise<oidc.UserInfoResponse | undefined> {
  const ask = () => oidc.fetchUserInfo(config, signedIn.accessToken, signedIn.sub).catch(() => undefined)
  return (await ask()) ?? ((await renew(signedIn)) ? await ask() : undefined)
}

/** Only `sub` is always there: people may leave out their name, and the address. */
const nameOf = ({ name, preferred_username, sub, email }: oidc.UserInfoResponse): string =>
  `${name ?? preferred_username ?? sub}${email === undefined ? '' : ` <${email}>`}`

/** Fresh tokens for the refresh token; false when that is over too. */
async function renew(signedIn: SignedIn): Promise<boolean> {
  if (!signedIn.refreshToken) return false
  const tokens = await oidc.refreshTokenGrant(config, signedIn.refreshToken).catch(() => undefined)
  if (!tokens) return false
  signedIn.accessToken = tokens.access_token
  signedIn.refreshToken = tokens.refresh_token ?? signedIn.refreshToken
  return true
}

function signOut(request: Bun.BunRequest): Response {
  const idToken = sessionOf(request)?.signedIn?.idToken
  keep(request, { exchanges: new Map() }) // the next person at this browser sees nothing of this one
  if (!idToken) return Response.redirect(home)
  const leave = { id_token_hint: idToken, post_logout_redirect_uri: home }
  return Response.redirect(oidc.buildEndSessionUrl(config, leave).href)
}

Bun.serve({
  port: Number(PORT),
  routes: {
    '/': show,
    '/login': signIn,
    '/callback': finish,
    '/logout': signOut,
    '/style.css': () => new Response(Bun.file(join(import.meta.dir, '../exchanges/style.css'))),
  },
  fetch: () => page(404, 'There is nothing here', '/', 'Home'),
})

console.log(`The web application is at ${home}, its provider at ${ISSUER}`)
