/** Every page a person sees: typed functions over the templates in `views/`, each answering a whole document. */
import consentSource from '../../views/consent.html' with { type: 'text' }
import consentScopeSource from '../../views/consent_scope.html' with { type: 'text' }
import errorSource from '../../views/error.html' with { type: 'text' }
import formPostSource from '../../views/form_post.html' with { type: 'text' }
import loggedOutSource from '../../views/logged_out.html' with { type: 'text' }
import loginSource from '../../views/login.html' with { type: 'text' }
import logoutSource from '../../views/logout.html' with { type: 'text' }
import selectAccountSource from '../../views/select_account.html' with { type: 'text' }
import { formPostPath } from './assets.ts'
import { page } from './document.ts'
import { foreignText, foreignUrl } from './foreign_text.ts'
import * as parts from './page_parts.ts'
import { toldAfter, toldBefore, type Told } from './sign_out_words.ts'
import { say, type Said } from '../lib/say.ts'
import { defineView, type Html } from './view.ts'

export { assets, type Asset } from './assets.ts'
export { startPage, type StartView } from './start_page.ts'

/** Hidden fields that every form of an interaction carries, and the path it posts to. */
type Form = { action: string; csrf: string; interaction: string }

const shownName = (name: string): string | Said => foreignText(name) || say('common.unnamed_application')

function client(clientName: string, clientUri?: string): Html {
  const name = parts.name({ text: shownName(clientName) })
  const url = foreignUrl(clientUri)
  return url ? parts.nameLink({ url, name }) : name
}

const hiddenFields = (fields: Readonly<Record<string, string>>): Html[] =>
  Object.entries(fields).map(([name, value]) => parts.hiddenField({ name, value }))

const login = defineView('login', loginSource, [
  'purpose',
  'action',
  'csrf',
  'interaction',
  'alert',
  'username',
  'usernameFocus',
  'passwordFocus',
  'invalid',
  'describedBy',
  'methods',
  'links',
])

/**
 * The sign-in form: fields `username` and `password`, button `login`. After an error the username is kept.
 * `loginMethods` are further ways to sign in, which features add below it.
 */
export const loginPage = (
  view: Form & {
    clientName?: string
    clientUri?: string
    username?: string
    error?: string | Said
    loginMethods?: readonly Html[]
    loginLinks?: readonly { label: Said; path: string }[]
  },
): Html =>
  page(
    say(view.error ? 'login.title_error' : 'login.title'),
    login({
      purpose: view.clientName ? parts.continueTo({ client: client(view.clientName, view.clientUri) }) : [],
      action: view.action,
      csrf: view.csrf,
      interaction: view.interaction,
      alert: view.error ? parts.alert({ message: view.error }) : [],
      username: view.username ?? '',
      usernameFocus: view.username ? '' : 'autofocus',
      passwordFocus: view.username ? 'autofocus' : '',
      invalid: view.error ? 'true' : 'false',
      describedBy: view.error ? 'alert' : '',
      methods: view.loginMethods?.length ? parts.loginMethodList({ methods: view.loginMethods }) : [],
      links: view.loginLinks?.length
        ? parts.loginLinkList({ links: view.loginLinks.map(parts.loginLink) })
        : [],
    }),
  )

const selectAccount = defineView('select_account', selectAccountSource, [
  'purpose',
  'action',
  'csrf',
  'interaction',
  'username',
])

/** Answers `prompt=select_account`: buttons `continue` and `other`. */
export const selectAccountPage = (view: Form & { username: string; clientName?: string }): Html =>
  page(
    'Choose an account',
    selectAccount({
      purpose: view.clientName ? parts.continueTo({ client: client(view.clientName) }) : [],
      action: view.action,
      csrf: view.csrf,
      interaction: view.interaction,
      username: foreignText(view.username),
    }),
  )

/** What each standard scope lets an application do, in words that follow "It will be able to". */
export const scopeDescriptions: Readonly<Record<string, string>> = {
  openid: 'Know that it is you who signed in',
  profile: 'See your profile: your name, picture, birthday, language and the like',
  email: 'See your email address',
  address: 'See your postal address',
  phone: 'See your phone number',
  offline_access: 'Keep this access while you are away, until you take it back',
}

export type ShownScope = { name: string; description: string; isNew?: boolean }

const consent = defineView('consent', consentSource, [
  'logo',
  'clientName',
  'username',
  'warning',
  'scopes',
  'details',
  'action',
  'csrf',
  'interaction',
  'clientHost',
  'links',
])
const consentScope = defineView('consent_scope', consentScopeSource, ['description', 'isNew', 'name'])

export const scopeRow = ({ name, description, isNew }: ShownScope): Html =>
  consentScope({
    description: foreignText(description || name, 200),
    isNew: isNew ? parts.newBadge({}) : [],
    name: description ? parts.scopeName({ name: foreignText(name) }) : [],
  })

function clientLinks(uris: readonly (readonly [label: string, uri: string | undefined])[]): Html | Html[] {
  const links = uris.flatMap(([label, uri]) => {
    const url = foreignUrl(uri)
    return url ? [parts.clientLink({ url, label })] : []
  })
  return links.length ? parts.clientLinks({ links }) : []
}

/**
 * Asks whether a client may have the scopes: buttons `allow` and `deny`. `clientHost` is where the person is
 * sent next, `unverified` a client that registered itself; the logo of such a client is not shown, because
 * it may be anybody's. `describedAt` is the host that speaks for a client which describes itself at a URL. `details`
 * are blocks that features add.
 */
export function consentPage(
  view: Form & {
    clientName: string
    clientHost: string
    clientUri?: string
    logoUri?: string
    policyUri?: string
    tosUri?: string
    unverified: boolean
    describedAt?: string | undefined
    username: string
    scopes: readonly ShownScope[]
    details?: readonly Html[]
  },
): Html {
  const clientHost = foreignText(view.clientHost, 255)
  const host = view.describedAt === undefined ? clientHost : foreignText(view.describedAt, 255)
  const warning = view.describedAt === undefined ? parts.unverifiedWarning : parts.describedWarning
  const logo = view.unverified ? undefined : foreignUrl(view.logoUri, ['https:'])
  return page(
    'Allow access?',
    consent({
      logo: logo ? parts.clientLogo({ url: logo }) : [],
      clientName: shownName(view.clientName),
      username: foreignText(view.username),
      warning: view.unverified ? warning({ host }) : [],
      scopes: view.scopes.length ? parts.scopeList({ scopes: view.scopes.map(scopeRow) }) : [],
      details: view.details ?? [],
      action: view.action,
      csrf: view.csrf,
      interaction: view.interaction,
      clientHost,
      links: clientLinks([
        ['Website', view.clientUri],
        ['Privacy policy', view.policyUri],
        ['Terms of service', view.tosUri],
      ]),
    }),
  )
}

const logout = defineView('logout', logoutSource, [
  'user',
  'purpose',
  'told',
  'action',
  'csrf',
  'interaction',
  'hidden',
])

/** Asks before signing out: buttons `logout` and `stay`. https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout */
export const logoutPage = (
  view: Form & {
    clientName?: string
    username?: string
    told?: Told
    hidden: Readonly<Record<string, string>>
  },
): Html =>
  page(
    'Sign out?',
    logout({
      user: view.username ? parts.signedInAs({ user: parts.name({ text: foreignText(view.username) }) }) : [],
      purpose: view.clientName ? parts.askedBy({ client: client(view.clientName) }) : [],
      told: view.told ? toldBefore(view.told) : [],
      action: view.action,
      csrf: view.csrf,
      interaction: view.interaction,
      hidden: hiddenFields(view.hidden),
    }),
  )

const loggedOut = defineView('logged_out', loggedOutSource, ['goBack', 'told', 'notes', 'onward', 'frames'])

/** Seconds in which the frames of the page have loaded, or will not. */
const framesLoad = 5

/**
 * Says that the session has ended, and who hears of it; `frames` are invisible, such as those of front-channel
 * logout. `onward` leads back, and beside frames the page goes there by itself.
 */
export const loggedOutPage = (view: {
  clientName?: string
  told?: Told
  notes?: readonly string[]
  frames?: readonly Html[]
  onward?: string
}): Html =>
  page(
    'Signed out',
    loggedOut({
      goBack: view.clientName ? parts.goBack({ client: client(view.clientName) }) : [],
      told: view.told ? toldAfter(view.told) : [],
      notes: (view.notes ?? []).map((text) => parts.note({ text })),
      onward: view.onward === undefined ? [] : parts.goOn({ url: view.onward }),
      frames: view.frames?.length ? parts.frameBox({ frames: view.frames }) : [],
    }),
    view.frames?.length && view.onward !== undefined
      ? { head: [parts.goOnSoon({ content: `${framesLoad}; url=${view.onward}` })] }
      : {},
  )

const error = defineView('error', errorSource, ['title', 'description', 'hint', 'error', 'requestId'])

/** Descriptions are written for JSON; on a page they are sentences. Names of parameters stay as they are. */
const sentence = (text: string): string =>
  text.replace(/^[a-z](?=[a-z]* )/, (first) => first.toUpperCase()) + (/[.!?…]$/.test(text) ? '' : '.')

/** An error that must not travel to the client. `error` is its code, `hint` what to try next. */
export const errorPage = (view: {
  title: string
  error: string
  description: string
  requestId: string
  hint?: string
}): Html =>
  page(
    foreignText(view.title),
    error({
      title: view.title,
      description: sentence(foreignText(view.description, 1000)),
      hint: view.hint ? parts.note({ text: view.hint }) : [],
      error: view.error,
      requestId: view.requestId,
    }),
  )

const formPost = defineView('form_post', formPostSource, ['action', 'fields'])

/**
 * Posts `fields` to the client: at once with JavaScript, by a button without.
 * @throws TypeError when `action` is not http(s). https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html
 */
export const formPostPage = (view: { action: string; fields: Readonly<Record<string, string>> }): Html =>
  page('Returning to the application', formPost({ action: view.action, fields: hiddenFields(view.fields) }), {
    head: [parts.script({ path: formPostPath })],
  })
