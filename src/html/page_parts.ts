/** The pieces of a page that are there or not: one line of HTML each, too small for files in `views/`. */
import { foreignText } from './foreign_text.ts'
import { defineView, type Html } from './view.ts'

export const alert = defineView('alert', '<p class="alert" role="alert" id="alert">{{message}}</p>', [
  'message',
])

/** What is wrong with one field, beside it: the field's aria-describedby names `id`. */
export const fieldProblem = defineView('field_problem', '<p class="field_problem" id="{{id}}">{{text}}</p>', [
  'id',
  'text',
])

export const note = defineView('note', '<p class="notice">{{text}}</p>', ['text'])

export const stylesheet = defineView('stylesheet', '<link rel="stylesheet" href="{{path}}">', ['path'])

export const script = defineView('script', '<script src="{{path}}" defer></script>', ['path'])

export const hiddenField = defineView(
  'hidden_field',
  '<input type="hidden" name="{{name}}" value="{{value}}">',
  ['name', 'value'],
)

/** What people compare or copy: always written from left to right. */
export const codeText = defineView('code_text', '<code dir="ltr">{{text}}</code>', ['text'])

export const strongCode = defineView('strong_code', '<strong><code dir="ltr">{{text}}</code></strong>', [
  'text',
])

/** Words that are in English whatever the language of the page. */
export const inEnglish = defineView('in_english', '<p class="muted" lang="en" dir="ltr">{{text}}</p>', [
  'text',
])

// <bdi> keeps a name's writing direction from rearranging the sentence round it.
export const name = defineView('name', '<bdi class="strong">{{text}}</bdi>', ['text'])

export const host = defineView('host', '<bdi class="host">{{host}}</bdi>', ['host'])

export const nameLink = defineView('name_link', '<a href="{{url}}" rel="noreferrer">{{name}}</a>', [
  'url',
  'name',
])

export const continueTo = defineView('continue_to', '<p class="muted">{{t login.purpose}}</p>', ['client'])

export const askedBy = defineView('asked_by', '<p class="muted">{{t logout.asked_by}}</p>', ['client'])

export const signedInAs = defineView('signed_in_as', '<p>{{t common.signed_in_as}}</p>', ['username'])

export const goOn = defineView(
  'go_on',
  '<p><a class="button onward" href="{{url}}">{{t logged_out.back}}</a></p>',
  ['url'],
)

/** For browsers without scripts: with them a page that moves by the clock would take itself away from who reads slowly. */
export const refresh = defineView(
  'refresh',
  '<noscript><meta http-equiv="refresh" content="{{content}}"></noscript>',
  ['content'],
)

/** Names under a sentence about them. */
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

export const unverifiedWarning = defineView(
  'unverified_warning',
  '<p class="warning"><strong>{{t consent.unchecked}}</strong> {{t consent.self_registered}}</p>',
  ['host'],
)

export const describedWarning = defineView(
  'described_warning',
  '<p class="warning"><strong>{{t consent.unchecked}}</strong> {{t consent.described}}</p>',
  ['host'],
)

export const unverifiedDevice = defineView(
  'unverified_device',
  '<p class="warning"><strong>{{t consent.unchecked}}</strong> {{t consent.made_up}}</p>',
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
  '<li><a href="{{url}}">{{label}}</a><span>{{description}}</span></li>',
  ['url', 'label', 'description'],
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

/** One of the things a rich authorization request asks for; the client chose every word of it. */
export const authorizationDetail = (
  type: string,
  lines: readonly (readonly [name: string, value: string])[],
): Html =>
  detail({
    type: foreignText(type),
    lines: lines.map(([name, value]) =>
      detailLine({ name: foreignText(name), value: foreignText(value, 10_000) }),
    ),
  })
