/** The whole client: it signs a person in, renews the tokens and signs out. Tokens live in this tab alone (sessionStorage). https://authts.github.io/oidc-client-ts/ */
import { type User, UserManager } from 'oidc-client-ts'

const { issuer, client_id } = (await (await fetch('/config.json')).json()) as {
  issuer: string
  client_id: string
}

const manager = new UserManager({
  authority: issuer,
  client_id,
  redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile email',
  loadUserInfo: true,
})

const element = (id: string): HTMLElement => document.getElementById(id)!

/** Only `sub` is always there: people may leave out their name. */
const nameOf = ({ profile }: User): string => profile.name ?? profile.preferred_username ?? profile.sub

function show(user: User | null, status = user ? `Signed in as ${nameOf(user)}` : 'Signed out'): void {
  element('status').textContent = status
  element('sign_in').hidden = user !== null
  element('renew').hidden = element('sign_out').hidden = user === null
  element('user').textContent = user
    ? JSON.stringify({ profile: user.profile, scope: user.scope, expires_at: user.expires_at }, null, 2)
    : ''
}

/** Runs what a button stands for, and says what went wrong. */
const onClick = (id: string, act: () => Promise<unknown>): void =>
  element(id).addEventListener('click', () => act().catch((error) => show(null, String(error))))

onClick('sign_in', () => manager.signinRedirect())
onClick('renew', async () => show(await manager.signinSilent(), 'Renewed'))
onClick('sign_out', () => manager.signoutRedirect())

/** Back from the provider, the library checks state, nonce and the ID Token; the code must not stay in the URL. */
async function start(): Promise<User | null> {
  const back = new URLSearchParams(location.search).has('state')
  if (!back) return manager.getUser()
  try {
    if (location.pathname === '/callback') return (await manager.signinCallback()) ?? null
    await manager.signoutCallback()
    return null
  } finally {
    history.replaceState(null, '', '/')
  }
}

start().then(show, (error) => show(null, String(error)))
