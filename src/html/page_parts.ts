/** Optional parts of pages: one line of HTML each, too small for files in `views/`. */
import { avatar, type ShownPerson } from './avatar.ts'
import { foreignText } from './foreign_text.ts'
import type { IconName } from './icon.ts'
import iconShapes from '../../views/icons.json' with { type: 'json' }
import type { Said } from '../lib/say.ts'
import { defineView, type Html, type View } from './view.ts'

const icons = Object.fromEntries(
  Object.keys(iconShapes).map((name) => [name, defineView(`icon_${name}`, `{{icon ${name}}}`, [])]),
) as Readonly<Record<IconName, View<never>>>

/** An icon, beside words that say the same. */
export const icon = (name: IconName): Html => icons[name]({})

/** An icon in a circle: what a page is about, at its head. */
export const sign = defineView('sign', '<span class="{{kind}}">{{icon}}</span>', ['kind', 'icon'])

export const alert = defineView(
  'alert',
  '<p class="alert" role="alert" id="alert">{{message}}{{icon circle-alert}}</p>',
  ['message'],
)

/** The problem with one field, shown beside it. The field's aria-describedby names `id`. */
export const fieldProblem = defineView('field_problem', '<p class="field_problem" id="{{id}}">{{text}}</p>', [
  'id',
  'text',
])

export const note = defineView('note', '<p class="notice">{{text}}{{icon info}}</p>', ['text'])

/** What the End-User did has succeeded. */
export const done = defineView('done', '<p class="notice">{{text}}{{icon circle-check}}</p>', ['text'])

/** The first stop of Tab on a page with a menu. */
export const skipLink = defineView('skip_link', '<a class="skip" href="#content">{{t layout.skip}}</a>', [])

export const stylesheet = defineView('stylesheet', '<link rel="stylesheet" href="{{path}}">', ['path'])

export const script = defineView('script', '<script src="{{path}}" defer></script>', ['path'])

export const hiddenField = defineView(
  'hidden_field',
  '<input type="hidden" name="{{name}}" value="{{value}}">',
  ['name', 'value'],
)

/** Text to compare or copy: written from left to right in every language. */
export const codeText = defineView('code_text', '<code dir="ltr">{{text}}</code>', ['text'])

export const strongCode = defineView('strong_code', '<strong><code dir="ltr">{{text}}</code></strong>', [
  'text',
])

/** Text that is in English on a page of any language. */
export const inEnglish = defineView('in_english', '<p class="muted" lang="en" dir="ltr">{{text}}</p>', [
  'text',
])

// <bdi>: the writing direction of a name must not reorder the sentence around it.
export const name = defineView('name', '<bdi class="strong">{{text}}</bdi>', ['text'])

export const host = defineView('host', '<bdi class="host">{{host}}</bdi>', ['host'])

export const nameLink = defineView('name_link', '<a href="{{url}}" rel="noreferrer">{{name}}</a>', [
  'url',
  'name',
])

export const continueTo = defineView('continue_to', '<p class="muted">{{t login.purpose}}</p>', ['client'])

export const askedBy = defineView('asked_by', '<p class="muted">{{t logout.asked_by}}</p>', ['client'])

export const notYou = defineView('not_you', '<a href="{{path}}">{{t common.not_you}}</a>', ['path'])

/** The End-User of a sign-in that is not complete. */
const signingIn = defineView(
  'signing_in',
  '<p class="account">{{avatar}}<span>{{t second_factor.signing_in_as}}</span></p><p class="small">{{notYou}}</p>',
  ['avatar', 'username', 'notYou'],
)
export const signingInAs = (person: ShownPerson, path: string): Html =>
  signingIn({
    avatar: avatar(person),
    username: name({ text: foreignText(person.username) }),
    notYou: notYou({ path }),
  })

export const signedInAs = defineView('signed_in_as', '<p>{{t common.signed_in_as}}</p>', ['username'])

export const goOn = defineView(
  'go_on',
  '<p><a class="button onward" href="{{url}}">{{t logged_out.back}}</a></p>',
  ['url'],
)

export const goOnTo = defineView(
  'go_on_to',
  '<p><a class="button onward" href="{{url}}" rel="noreferrer">{{t client.go_on}}</a></p>',
  ['url', 'host'],
)

export const wayOn = defineView(
  'way_on',
  '<p><a class="button onward" href="{{url}}" rel="noreferrer">{{label}}</a></p>',
  ['url', 'label'],
)

/** Only for browsers without scripts: a page that leaves after a fixed time may be gone before the End-User has read it. */
export const refresh = defineView(
  'refresh',
  '<noscript><meta http-equiv="refresh" content="{{content}}"></noscript>',
  ['content'],
)

/** A sentence, and a list of names below it. */
export const namesUnder = defineView(
  'names_under',
  '<p class="told_title">{{text}}</p>\n<ul class="told">{{names}}</ul>',
  ['text', 'names'],
)

export const nameItem = defineView('name_item', '<li><bdi>{{name}}</bdi></li>', ['name'])

export const loginMethodList = defineView(
  'login_methods',
  '<p class="or">{{t common.or}}</p>\n<div class="methods">{{methods}}</div>',
  ['methods'],
)

export const loginLinkList = defineView('login_links', '<ul class="login_links">{{links}}</ul>', ['links'])

export const loginLink = defineView('login_link', '<li><a href="{{path}}">{{label}}</a></li>', [
  'path',
  'label',
])

export const signOut = defineView(
  'sign_out',
  '<ul class="login_links"><li><a href="{{path}}">{{t account.sign_out}}</a></li></ul>',
  ['path'],
)

export const clientLogo = defineView(
  'client_logo',
  '<img class="client_logo" src="{{url}}" alt="" width="56" height="56" referrerpolicy="no-referrer">',
  ['url'],
)

const deviceMark = defineView('device_mark', '<span class="tile_mark">{{icon}}</span>', ['icon'])
/** A device, with the mark of its browser in the corner. */
export const deviceTile = ({ device, browser }: { device: IconName; browser: IconName | undefined }): Html =>
  tile({ icon: [icon(device), ...(browser ? [deviceMark({ icon: icon(browser) })] : [])] })

/** An icon in place of a picture, such as the logo of a client that has none. */
export const tile = defineView('tile', '<span class="tile">{{icon}}</span>', ['icon'])

export const unverifiedWarning = defineView(
  'unverified_warning',
  '<p class="warning"><strong>{{t consent.unchecked}}</strong> {{t consent.self_registered}}{{icon triangle-alert}}</p>',
  ['host'],
)

export const describedWarning = defineView(
  'described_warning',
  '<p class="warning"><strong>{{t consent.unchecked}}</strong> {{t consent.described}}{{icon triangle-alert}}</p>',
  ['host'],
)

export const refusedWarning = defineView(
  'refused_warning',
  '<p class="warning"><strong>{{t consent.unchecked}}</strong> {{t client.refused}}{{icon triangle-alert}}</p>',
  ['host'],
)

export const unverifiedDevice = defineView(
  'unverified_device',
  '<p class="warning"><strong>{{t consent.unchecked}}</strong> {{t consent.made_up}}{{icon triangle-alert}}</p>',
  [],
)

export const scopeList = defineView(
  'scope_list',
  '<p class="scopes_title" id="scopes">{{t common.able}}</p>\n<ul class="scopes" aria-labelledby="scopes">\n{{scopes}}\n</ul>',
  ['scopes'],
)

export const scopeName = defineView('scope_name', '<code dir="ltr"><bdi>{{name}}</bdi></code>', ['name'])

export const newBadge = defineView('new_badge', '<span class="badge">{{t consent.new}}</span>', [])

export const clientLinks = defineView('client_links', '<ul class="client_links">{{links}}</ul>', ['links'])

export const clientLink = defineView(
  'client_link',
  '<li><a href="{{url}}" rel="noreferrer">{{label}}</a></li>',
  ['url', 'label'],
)

export const frameBox = defineView('frame_box', '<div class="frames" aria-hidden="true">{{frames}}</div>', [
  'frames',
])

export const demoUser = defineView(
  'demo_user',
  '<tr><td><code dir="ltr">{{username}}</code></td><td><code dir="ltr">{{password}}</code></td></tr>',
  ['username', 'password'],
)

export const startLink = defineView(
  'start_link',
  '<li><a href="{{url}}">{{icon}}<span>{{label}}</span></a><p class="small">{{description}}</p></li>',
  ['url', 'icon', 'label', 'description'],
)

const detail = defineView(
  'authorization_detail',
  '<section class="detail"><h2><bdi>{{type}}</bdi></h2><dl class="facts">{{lines}}</dl></section>',
  ['type', 'lines'],
)
const detailLine = defineView(
  'detail_line',
  '<div><dt><bdi>{{name}}</bdi></dt><dd><bdi>{{value}}</bdi></dd></div>',
  ['name', 'value'],
)

/** A text that the client chose, or words of the operator. */
type Label = Html | Said | string

const label = (text: Label): Label => (typeof text === 'string' ? foreignText(text) : text)

/** One entry of `authorization_details` (RFC 9396). The client chose every value of it. */
export const authorizationDetail = (
  type: Label,
  lines: readonly (readonly [name: Label, value: string])[],
): Html =>
  detail({
    type: label(type),
    lines: lines.map(([name, value]) => detailLine({ name: label(name), value: foreignText(value, 10_000) })),
  })
