/** Pages that register or use a passkey. Without JavaScript, their links to other sign-in methods still work. */
import ceremonySource from '../../../views/passkey.html' with { type: 'text' }
import otherSource from '../../../views/passkey_other.html' with { type: 'text' }
import removeSource from '../../../views/passkey_remove.html' with { type: 'text' }
import renameSource from '../../../views/passkey_rename.html' with { type: 'text' }
import listSource from '../../../views/passkeys.html' with { type: 'text' }
import stepSource from '../../../views/passkey_step.html' with { type: 'text' }
import type { Context } from '../../contracts/context.ts'
import { page } from '../../html/document.ts'
import { alert, hiddenField } from '../../html/page_parts.ts'
import { defineView, type Html } from '../../html/view.ts'
import { type MessageKey, type Said, say } from '../../lib/say.ts'
import { scriptCookie } from '../../http/cookie.ts'
import { scriptPath } from './script.ts'

/** Set by the script of the sign-in page if the browser supports passkeys. A forged cookie only causes the offer. */
export const supportedCookie = 'passkey_able'

/** A form's path and its hidden fields. */
export interface Form {
  action: string
  fields: Readonly<Record<string, string>>
}

const hidden = ({ fields }: Form): Html[] =>
  Object.entries(fields).map(([name, value]) => hiddenField({ name, value }))

const ceremony = defineView('passkey', ceremonySource, [
  'ceremony',
  'options',
  'from',
  'able',
  'without',
  'action',
  'fields',
  'trouble',
  'look',
  'label',
  'script',
])
const without = defineView('passkey_without', '<p class="notice">{{t passkeys.unable}}</p>', [])

/**
 * A button that runs the ceremony and posts the result as `credential`. The options are part of the page or fetched from
 * the path `from`. In the second case nothing is shown if the browser does not support passkeys.
 */
export const ceremonyView = (
  { basePath, config }: Context,
  view: {
    ceremony: 'create' | 'get'
    form: Form
    label: Said
    options: object | { from: string }
    primary?: boolean
  },
): Html => {
  const fetched = 'from' in view.options
  return ceremony({
    ceremony: view.ceremony,
    options: fetched ? '' : JSON.stringify(view.options),
    from: 'from' in view.options ? `${view.options.from as string}` : '',
    able: fetched ? scriptCookie(config, supportedCookie, '1', 3600) : '',
    without: fetched ? [] : without({}),
    action: view.form.action,
    fields: hidden(view.form),
    trouble: say(view.ceremony === 'get' ? 'passkeys.not_used' : 'passkeys.not_made'),
    look: view.primary === false ? '' : 'primary',
    label: view.label,
    script: `${basePath}${scriptPath}`,
  })
}

const step = defineView('passkey_step', stepSource, ['title', 'alert', 'text', 'ceremony', 'other'])
const other = defineView('passkey_other', otherSource, ['action', 'fields', 'label'])

export const otherWay = (form: Form, label: MessageKey): Html =>
  other({ action: form.action, fields: hidden(form), label: say(label) })

/** A page of a login step, or an error page after a refused passkey. */
export const stepPage = (view: {
  title: MessageKey
  text: MessageKey
  problem?: MessageKey | undefined
  ceremony: Html | Html[]
  other: Html | Html[]
}): Html =>
  page(
    say(view.title),
    step({
      title: say(view.title),
      alert: view.problem ? alert({ message: say(view.problem) }) : [],
      text: say(view.text),
      ceremony: view.ceremony,
      other: view.other,
    }),
  )

export const backLink = defineView(
  'passkey_back',
  '<p><a class="button" href="{{path}}">{{t passkeys.to_sign_in}}</a></p>',
  ['path'],
)

export const linkBelow = defineView(
  'passkey_other_ways',
  '<p><a href="{{path}}">{{t passkeys.other_ways}}</a></p>',
  ['path'],
)

const signal = defineView(
  'passkey_signal',
  '<div class="passkey" data-ceremony="signal" data-options="{{options}}"></div><script src="{{script}}" defer></script>',
  ['options', 'script'],
)

/** Makes the browser delete passkeys that the End-User removed here. https://www.w3.org/TR/webauthn-3/#sctn-signalAllAcceptedCredentials */
export const signalView = (
  { basePath }: Context,
  options: { rpId: string; userId: string; allAcceptedCredentialIds: readonly string[] },
): Html => signal({ options: JSON.stringify(options), script: `${basePath}${scriptPath}` })

export const list = defineView('passkeys', listSource, ['add', 'list', 'lost', 'signal'])
export const none = defineView('passkeys_none', '<p class="notice">{{t passkeys.none}}</p>', [])
export const rename = defineView('passkey_rename', renameSource, [
  'action',
  'csrf',
  'key',
  'name',
  'typed',
  'alert',
  'invalid',
  'describedBy',
  'remove',
])
export const fieldAlert = defineView(
  'passkey_field_alert',
  '<p class="alert" role="alert" id="alert_{{key}}">{{message}}</p>',
  ['key', 'message'],
)
export const addition = defineView(
  'passkey_addition',
  '<p>{{t passkeys.about}}</p>\n{{ceremony}} {{other}}',
  ['ceremony', 'other'],
)
export const lostCode = defineView(
  'passkey_lost_code',
  '<form method="post" action="{{action}}"><input type="hidden" name="csrf_token" value="{{csrf}}">{{field}}<div class="actions"><button class="danger" type="submit" name="remove" value="remove">{{t passkeys.lost_remove}}</button></div></form>',
  ['action', 'csrf', 'field'],
)
export const lostLink = defineView(
  'passkey_lost_link',
  '<p><a href="{{path}}">{{t passkeys.lost_link}}</a></p>',
  ['path'],
)
export const remove = defineView('passkey_remove', removeSource, ['text', 'form', 'back'])
