/** The pages of the core: typed functions over the templates in `views/`, each of which returns a whole document. */
import formPostSource from '../../views/form_post.html' with { type: 'text' }
import loggedOutSource from '../../views/logged_out.html' with { type: 'text' }
import loginSource from '../../views/login.html' with { type: 'text' }
import logoutSource from '../../views/logout.html' with { type: 'text' }
import selectAccountSource from '../../views/select_account.html' with { type: 'text' }
import { formPostPath, signedOutPath } from './assets.ts'
import {
  type ClientPlace,
  clientLinks,
  clientLogo,
  clientName,
  type ShownClient,
  signInPurpose,
  shownHost,
} from './client_parts.ts'
import { avatar, type ShownPerson } from './avatar.ts'
import { ownScript, page } from './document.ts'
import { foreignText } from './foreign_text.ts'
import * as parts from './page_parts.ts'
import { clientsNotified, clientsToNotify, type NotifiedClients } from './sign_out_words.ts'
import { say, type Said } from '../lib/say.ts'
import { defineView, type Html } from './view.ts'

export { assets } from './assets.ts'
export * from './consent_page.ts'
export * from './error_page.ts'
export { developerStartPage, startPage } from './start_page.ts'

/** The hidden fields of every form of an interaction, and the path it posts to. */
type Form = { action: string; csrf: string; interaction: string }

const hiddenFields = (fields: Readonly<Record<string, string>>): Html[] =>
  Object.entries(fields).map(([name, value]) => parts.hiddenField({ name, value }))

const login = defineView('login', loginSource, [
  'logo',
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
  'clientLinks',
])

/**
 * The sign-in form: fields `username` and `password`, button `login`. After an error the username is kept.
 * `loginMethods` are further ways to sign in, which features add below it.
 */
export const loginPage = (
  view: Form &
    ShownClient &
    Partial<ClientPlace> & {
      username?: string | undefined
      error?: Said | undefined
      loginMethods?: readonly Html[]
      loginLinks?: readonly { label: Said; path: string }[]
    },
): Html =>
  page(
    say(view.error ? 'login.title_error' : 'login.title'),
    login({
      logo: clientLogo(view),
      purpose: signInPurpose(view),
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
      clientLinks: clientLinks(view),
    }),
  )

const selectAccount = defineView('select_account', selectAccountSource, [
  'logo',
  'purpose',
  'action',
  'csrf',
  'interaction',
  'avatar',
  'username',
  'clientLinks',
])

/** Answers `prompt=select_account`: buttons `continue` and `other`. */
export const selectAccountPage = (view: Form & ShownClient & Partial<ClientPlace> & ShownPerson): Html =>
  page(
    say('select_account.title'),
    selectAccount({
      logo: clientLogo(view),
      purpose: signInPurpose(view),
      action: view.action,
      csrf: view.csrf,
      interaction: view.interaction,
      avatar: avatar(view),
      username: foreignText(view.username),
      clientLinks: clientLinks(view),
    }),
  )

const logout = defineView('logout', logoutSource, [
  'user',
  'purpose',
  'told',
  'action',
  'csrf',
  'interaction',
  'hidden',
  'clientLinks',
])

/** Asks before signing out: buttons `logout` and `stay`. https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout */
export const logoutPage = (
  view: Form &
    ShownClient & {
      username?: string | undefined
      told?: NotifiedClients | undefined
      hidden: Readonly<Record<string, string>>
    },
): Html =>
  page(
    say('logout.title'),
    logout({
      user: view.username
        ? parts.signedInAs({ username: parts.name({ text: foreignText(view.username) }) })
        : [],
      purpose: view.clientName ? parts.askedBy({ client: clientName(view) }) : [],
      told: view.told ? clientsToNotify(view.told) : [],
      action: view.action,
      csrf: view.csrf,
      interaction: view.interaction,
      hidden: hiddenFields(view.hidden),
      clientLinks: clientLinks(view),
    }),
  )

const backTo = defineView('logged_out_back', '{{t logged_out.text_back}}', ['client'])
const loggedOut = defineView('logged_out', loggedOutSource, ['text', 'told', 'notes', 'onward', 'frames'])

const signedOutText = (view: ShownClient & { ended?: boolean }): Said | Html => {
  if (view.ended === false) return say('logged_out.text_none')
  return view.clientName ? backTo({ client: clientName(view) }) : say('logged_out.text')
}

const onwardLink = (url: string, host: string | undefined): Html =>
  host === undefined ? parts.goOn({ url }) : parts.goOnTo({ url, host: shownHost(host) })

const again = defineView('sign_in_again', '<p><a href="{{path}}">{{t logged_out.again}}</a></p>', ['path'])

/** Seconds to wait for the frames of the page to load; `views/signed_out.js` waits as long. */
const framesLoad = 5

/**
 * Says that the session has ended, and which clients are notified. `frames` are invisible, such as those of front-channel
 * logout. `onward` is the link back to the client; a page with frames follows it by itself.
 */
export const loggedOutPage = (
  view: ShownClient & {
    /** False when this browser had no session: one in another browser may go on. */
    ended?: boolean
    told?: NotifiedClients | undefined
    notes?: readonly Said[]
    frames?: readonly Html[]
    onward?: string | undefined
    /** Of an unverified client: the link names where it leads. */
    onwardHost?: string | undefined
    /** The path of the sign-in. */
    again?: string | undefined
  },
): Html =>
  page(
    say('logged_out.title'),
    loggedOut({
      text: signedOutText(view),
      told: view.told ? clientsNotified(view.told) : [],
      notes: (view.notes ?? []).map((text) => parts.note({ text })),
      onward: [
        ...(view.onward === undefined ? [] : [onwardLink(view.onward, view.onwardHost)]),
        ...(view.again === undefined ? [] : [again({ path: view.again })]),
      ],
      frames: view.frames?.length ? parts.frameBox({ frames: view.frames }) : [],
    }),
    view.frames?.length && view.onward !== undefined
      ? {
          head: [parts.refresh({ content: `${framesLoad}; url=${view.onward}` }), ownScript(signedOutPath)],
          again: false,
        }
      : { again: false },
  )

const formPost = defineView('form_post', formPostSource, ['action', 'fields'])

/**
 * Posts `fields` to the client: at once with JavaScript, by a button without.
 * @throws TypeError when `action` is not http(s). https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html
 */
export const formPostPage = (view: { action: string; fields: Readonly<Record<string, string>> }): Html =>
  page(say('form_post.title'), formPost({ action: view.action, fields: hiddenFields(view.fields) }), {
    head: [ownScript(formPostPath)],
    again: false,
    scripts: false,
  })
