/** The whole client: it signs a person in, renews the tokens and signs out. Tokens live in this tab alone (sessionStorage). https://authts.github.io/oidc-client-ts/ */
import { type INavigator, type User, UserManager } from 'oidc-client-ts'
import { type Exchange, note, redirectOf, watched } from '../exchanges/exchange.ts'
import { exchangesHtml, tokensHtml } from '../exchanges/html.ts'
import { requireIdToken, requireIssuer } from './verify.ts'

const { issuer, client_id } = (await (await fetch('/config.json')).json()) as {
  issuer: string
  client_id: string
}

const element = (id: string): HTMLElement => document.getElementById(id)!

/** What the page shows of the requests, without their secrets. Redirects leave the page, so they are kept like the tokens. */
const exchanges = new Map(
  JSON.parse(sessionStorage.getItem('exchanges') ?? '[]') as (readonly [string, Exchange])[],
)

function draw(): void {
  sessionStorage.setItem('exchanges', JSON.stringify([...exchanges]))
  element('tokens').innerHTML = tokensHtml(exchanges.values())
  element('exchanges').innerHTML = exchangesHtml(exchanges.values())
}

function keep(exchange: Exchange): void {
  note(exchanges, exchange)
  draw()
}

globalThis.fetch = watched(fetch.bind(globalThis), keep) as typeof fetch

/** Leaves this page for the provider, and keeps where it went. */
const redirects: INavigator = {
  prepare: async () => ({
    navigate({ url }) {
      keep(redirectOf('The browser goes to the provider', url))
      location.assign(url)
      return new Promise(() => {}) // the page ends here
    },
    close: () => {},
  }),
  callback: async () => {},
}

const settings = {
  authority: issuer,
  client_id,
  redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile email',
  loadUserInfo: true,
}
const manager = new UserManager(settings, redirects)
const { metadataService } = manager

/** The nonce is kept with the state, and compared by the library. */
async function signIn(): Promise<void> {
  await requireIssuer(metadataService, issuer)
  await manager.signinRedirect({ nonce: crypto.randomUUID() })
}

/** The user, whose ID Token is verified: otherwise nobody is signed in. */
async function verified(user: User | null | undefined): Promise<User | null> {
  if (!user) return null
  try {
    await requireIdToken(user, metadataService, { issuer, clientId: client_id })
    return user
  } catch (error) {
    await manager.removeUser()
    throw error
  }
}

/** Only `sub` is always there: people may leave out their name. */
const nameOf = ({ profile }: User): string => profile.name ?? profile.preferred_username ?? profile.sub

function show(user: User | null, status = user ? `Signed in as ${nameOf(user)}` : 'Signed out'): void {
  element('status').textContent = status
  element('sign_in').hidden = user !== null
  element('renew').hidden = element('sign_out').hidden = user === null
  element('user').hidden = user === null
  element('user').textContent = user
    ? JSON.stringify({ profile: user.profile, scope: user.scope, expires_at: user.expires_at }, null, 2)
    : ''
}

/** Runs what a button stands for, and says what went wrong. */
const onClick = (id: string, act: () => Promise<unknown>): void =>
  element(id).addEventListener('click', () => act().catch((error) => show(null, String(error))))

onClick('sign_in', signIn)
onClick('renew', async () => show(await verified(await manager.signinSilent()), 'Renewed'))
onClick('sign_out', () => {
  exchanges.clear() // the next person in this tab sees nothing of this one
  return manager.signoutRedirect()
})

/** Back from the provider, the library checks state and nonce, and verify.ts the rest; the code must not stay in the URL. */
async function start(): Promise<User | null> {
  const answer = new URLSearchParams(location.search)
  if (!answer.has('state') && location.pathname !== '/callback') return manager.getUser()
  keep(redirectOf('The browser comes back', location.href))
  try {
    if (location.pathname === '/callback') {
      await requireIssuer(metadataService, issuer, answer)
      return await verified(await manager.signinCallback())
    }
    await manager.signoutCallback()
    return null
  } finally {
    history.replaceState(null, '', '/')
  }
}

draw()
start().then(show, (error) => show(null, String(error)))
