/** The whole client: it signs a person in, calls the API, renews the tokens, sees the end of the session, and signs out. */
import * as oidc from 'openid-client'
import { causeOf, explanationOf } from '../answers/cause.ts'
import { redirectOf, watched } from '../exchanges/exchange.ts'
import { type Call, notesPage } from '../notes_page/notes.ts'
import { lastPerson } from './kept.ts'
import { discover } from './provider.ts'
import { watchSession } from './session_watch.ts'
import { settings } from './settings.ts'
import { addressOfSignIn, finishSignIn, OtherPerson, type Session, type Wanted } from './sign_in.ts'
import { callApi, renew, SessionEnded, stepUp } from './tokens.ts'
import { draw, element, forgetExchanges, keep, say, showPerson } from './view.ts'

const { issuer, clientId, api } = settings
const home = `${location.origin}/`

/** The tokens live here, in memory: a script of an attacker may use them while the page is open, and cannot take them away. */
let session: Session | undefined
let stopWatching = () => {}
let wanted: Wanted = {}

const send = watched(fetch.bind(globalThis), keep) as typeof fetch
let found: Promise<oidc.Configuration> | undefined
const provider = (): Promise<oidc.Configuration> =>
  (found ??= discover(send).catch((error) => {
    found = undefined
    throw error
  }))

function leave(title: string, url: URL): void {
  keep(redirectOf(title, url.href))
  location.assign(url)
}

async function signIn(how: Wanted = {}): Promise<void> {
  if (!session) forgetExchanges()
  leave('The browser goes to the provider', await addressOfSignIn(await provider(), how))
}

function forget(): void {
  session = undefined
  stopWatching()
  lastPerson.forget()
  forgetExchanges()
  showPerson(undefined)
  element('notes_card').hidden = true
}

/** Says what happened. An ended session is no fault: the person signs in again. */
function failed(error: unknown): void {
  if (error instanceof SessionEnded) forget()
  say(`This did not work: ${causeOf(error)}`, explanationOf(error, issuer))
}

/** Only `sub` is always there: people may leave out their name. */
const nameOf = ({ name, preferred_username, sub }: oidc.UserInfoResponse): string =>
  name ?? preferred_username ?? sub

async function begin(config: oidc.Configuration, begun: Session): Promise<void> {
  session = begun
  lastPerson.set(begun.sub)
  const { person, sub, sessionState } = begun
  say(`Signed in as ${nameOf(person)}`)
  showPerson({ sub, name: nameOf(person), email: person.email })
  const frame = config.serverMetadata().check_session_iframe
  // The provider knows what has changed: this person may be signed in still, in a session that is new.
  if (typeof frame === 'string' && sessionState !== undefined)
    stopWatching = watchSession(frame, { clientId, sessionState }, () => {
      signIn({ silentlyFor: sub }).catch(failed)
    })
  if (api !== undefined) {
    element('notes_card').hidden = false
    notesPage(callNotes(config, begun, api))
  }
}

const problem = (status: number, error: string): Response => Response.json({ error }, { status })

const callNotes =
  (config: oidc.Configuration, begun: Session, resource: string): Call =>
  async (method, body) => {
    if (session !== begun) return problem(401, 'signed_out')
    try {
      return await callApi(config, begun, { resource, path: '/notes', method, body })
    } catch (error) {
      const asked = stepUp(error)
      if (asked) wanted = asked
      else failed(error)
      return problem(
        403,
        asked ? 'step_up' : error instanceof SessionEnded ? 'signed_out' : 'api_unavailable',
      )
    }
  }

async function signOut(): Promise<void> {
  const before = session
  forget()
  const config = await provider()
  const { refreshToken, idToken } = before ?? {}
  if (refreshToken !== undefined)
    await oidc.tokenRevocation(config, refreshToken).catch((error) => console.warn(causeOf(error)))
  const params = { post_logout_redirect_uri: home, ...(idToken !== undefined && { id_token_hint: idToken }) }
  location.assign(oidc.buildEndSessionUrl(config, params))
}

async function finish(answer: URL): Promise<void> {
  history.replaceState(null, '', '/') // the code must not stay in the address
  keep(redirectOf('The browser comes back', answer.href))
  const config = await provider()
  await begin(config, await finishSignIn(config, answer))
}

/** After a reload the tokens are gone. The provider knows whether the person is signed in, and is asked once. */
async function start(): Promise<void> {
  if (location.pathname === '/callback') return finish(new URL(location.href))
  const sub = lastPerson.get()
  if (sub === undefined) return say('Signed out')
  lastPerson.forget()
  await signIn({ silentlyFor: sub })
}

const onClick = (id: string, act: () => Promise<unknown>): void =>
  element(id).addEventListener('click', () => act().catch(failed))

onClick('sign_in', () => signIn())
onClick('step_up', () => signIn(wanted))
onClick('sign_out', signOut)
onClick('renew', async () => {
  if (!session) return
  await renew(await provider(), session, issuer)
  say('Renewed')
})

draw()
showPerson(undefined)
start().catch((error: unknown) => {
  const code = error instanceof oidc.AuthorizationResponseError ? error.error : ''
  const isSilence = ['login_required', 'interaction_required', 'consent_required'].includes(code)
  if (isSilence || error instanceof OtherPerson) forget()
  if (isSilence) say('Signed out')
  else say(`Signing in did not work: ${causeOf(error)}`, explanationOf(error, issuer))
})
