/** Views of the pages of second factors. */
import codeSource from '../../../views/second_factor_code.html' with { type: 'text' }
import pageSource from '../../../views/second_factor.html' with { type: 'text' }
import phoneSource from '../../../views/second_factor_phone.html' with { type: 'text' }
import seedSource from '../../../views/totp_seed.html' with { type: 'text' }
import codesSource from '../../../views/recovery_codes.html' with { type: 'text' }
import { recoveryCodesPath } from '../../html/assets.ts'
import { ownScript, page } from '../../html/document.ts'
import type { IconName } from '../../html/icon.ts'
import { fieldProblem, hiddenField, icon, sign, tile } from '../../html/page_parts.ts'
import { defineView, type Html } from '../../html/view.ts'
import { type MessageKey, type Said, say } from '../../lib/say.ts'

const frame = defineView('second_factor', pageSource, ['sign', 'title', 'text', 'main', 'links'])

/** A page of a login step. */
export const stepView = (view: {
  title: Said
  icon: IconName
  who: Html
  text?: Said | undefined
  main: readonly Html[]
  links?: readonly Html[]
}): Html =>
  page(
    view.title,
    frame({
      sign: sign({ kind: 'sign', icon: icon(view.icon) }),
      title: view.title,
      text: [...(view.text ? [paragraph({ text: view.text })] : []), view.who],
      main: view.main,
      links: view.links?.length ? linkList({ links: view.links }) : [],
    }),
  )

export const paragraph = defineView('factor_text', '<p>{{text}}</p>', ['text'])
export const together = defineView('factor_parts', '{{parts}}', ['parts'])
const linkList = defineView('factor_links', '<ul class="login_links">{{links}}</ul>', ['links'])
export const linkItem = defineView('factor_link', '<li><a href="{{path}}">{{label}}</a></li>', [
  'path',
  'label',
])
export const choiceList = defineView('factor_choices', '<div class="choices">{{choices}}</div>', ['choices'])
const choiceView = defineView(
  'factor_choice',
  '<a class="button" href="{{path}}">{{icon}}<span>{{label}}</span><span class="onward_icon">{{icon chevron-right}}</span></a>',
  ['path', 'icon', 'label'],
)
export const choice = (view: { path: string; icon: IconName; label: Said }): Html =>
  choiceView({ ...view, icon: icon(view.icon) })

/** The same with an accessible name that ends with the text of the element `about`. */
export const choiceAbout = defineView(
  'factor_choice_about',
  '<a class="button" id="change_{{about}}" href="{{path}}" aria-labelledby="change_{{about}} {{about}}"><span>{{label}}</span></a>',
  ['path', 'label', 'about'],
)
const removeAbout = defineView(
  'factor_remove',
  '<form class="one_button" method="post" action="{{action}}">{{hidden}}<button class="danger" id="remove_{{about}}" type="submit" name="remove" value="remove" aria-labelledby="remove_{{about}} {{about}}">{{label}}</button></form>',
  ['action', 'hidden', 'about', 'label'],
)

/** Hidden fields, by name. */
export type Hidden = Readonly<Record<string, string>>

const hiddenFields = (hidden: Hidden): Html[] =>
  Object.entries(hidden).map(([name, value]) => hiddenField({ name, value }))

const codeForm = defineView('second_factor_code', codeSource, [
  'action',
  'problem',
  'hidden',
  'label',
  'inputmode',
  'autocomplete',
  'invalid',
  'describedBy',
  'trust',
])
const trustBox = defineView(
  'trust_device',
  '<label class="check"><input type="checkbox" name="trust_device" value="yes"> <span>{{t second_factor.trust}}</span></label>',
  ['n'],
)

/** A field for a code. The page never repeats what was typed. */
export const codeFormOf = (view: {
  action: string
  hidden: Hidden
  label: MessageKey
  /** Also letters, for recovery codes. */
  letters?: boolean
  error?: Said | undefined
  /** Days for which a device may be trusted, if that is offered. */
  trustDays?: number | undefined
}): Html =>
  codeForm({
    action: view.action,
    problem: view.error ? fieldProblem({ id: 'code_problem', text: view.error }) : [],
    hidden: hiddenFields(view.hidden),
    label: say(view.label),
    inputmode: view.letters ? 'text' : 'numeric',
    autocomplete: view.letters ? 'off' : 'one-time-code',
    invalid: view.error ? 'true' : 'false',
    describedBy: view.error ? 'code_problem' : '',
    trust: view.trustDays ? trustBox({ n: view.trustDays }) : [],
  })

const buttonForm = defineView(
  'factor_button',
  '<form class="one_button" method="post" action="{{action}}">{{hidden}}<button class="{{look}}" type="submit" name="{{name}}" value="{{value}}">{{label}}</button></form>',
  ['action', 'hidden', 'look', 'name', 'value', 'label'],
)

export const buttonFormOf = (view: {
  action: string
  hidden: Hidden
  name: string
  label: Said
  look?: 'primary' | 'danger' | 'plain'
}): Html =>
  buttonForm({
    action: view.action,
    hidden: hiddenFields(view.hidden),
    look: view.look ?? 'plain',
    name: view.name,
    value: view.name,
    label: view.label,
  })

export const removeFormOf = (view: { action: string; hidden: Hidden; about: string; label: Said }): Html =>
  removeAbout({ ...view, hidden: hiddenFields(view.hidden) })

const phoneForm = defineView('second_factor_phone', phoneSource, [
  'action',
  'problem',
  'hidden',
  'phone',
  'invalid',
  'describedBy',
])

export const phoneFormOf = (view: {
  action: string
  hidden: Hidden
  phone: string
  error?: Said | undefined
}): Html =>
  phoneForm({
    action: view.action,
    problem: view.error ? fieldProblem({ id: 'phone_problem', text: view.error }) : [],
    hidden: hiddenFields(view.hidden),
    phone: view.phone,
    invalid: view.error ? 'true' : 'false',
    describedBy: view.error ? 'phone_problem phone_hint' : 'phone_hint',
  })

const seed = defineView('totp_seed', seedSource, ['image', 'account', 'seed'])

/** `image` is the path of the QR code, `uri` the URI in it. */
export const seedView = (image: string, uri: string, letters: string): Html =>
  seed({
    image,
    account: uri.replace(/^otpauth:\/\/totp\//, ''),
    seed: letters.match(/.{1,4}/g)!.join(' '),
  })

const codes = defineView('recovery_codes', codesSource, [
  'text',
  'codes',
  'action',
  'hidden',
  'script',
  'back',
])
const codeItem = defineView('recovery_code', '<li><code>{{code}}</code></li>', ['code'])

export const recoveryCodesView = (view: {
  text: Said
  codes: readonly string[]
  action: string
  hidden: Hidden
  back: string
}): Html =>
  codes({
    text: view.text,
    script: ownScript(recoveryCodesPath),
    codes: view.codes.map((code) => codeItem({ code })),
    action: view.action,
    hidden: hiddenFields(view.hidden),
    back: view.back,
  })

/** One factor at /account/factors: name, state and actions. */
const factorItem = defineView(
  'factor_entry',
  '<li class="entry">{{image}}<div class="entry_text"><h2 id="{{id}}">{{name}}</h2><p>{{text}}</p></div>{{actions}}</li>',
  ['image', 'id', 'name', 'text', 'actions'],
)
export const factorEntry = (view: {
  id: string
  icon: IconName
  name: Said
  text: Said
  actions: Html | readonly Html[]
}): Html => factorItem({ ...view, image: tile({ icon: icon(view.icon) }) })
export const factorList = defineView('factor_entries', '<ul class="entries">{{entries}}</ul>', ['entries'])
