/** Parts of the forms of the teaching lab. Their words are English and stand in the pages. */
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import { hiddenField } from '../html/page_parts.ts'
import { defineView, type Html } from '../html/view.ts'
import { csrfToken, ensureBrowser } from '../http/csrf.ts'

const form = defineView(
  'lab_form',
  '<form method="post" action="{{action}}">{{hidden}}<div class="form_grid">{{fields}}</div><div class="actions row">{{buttons}}</div></form>',
  ['action', 'hidden', 'fields', 'buttons'],
)
const button = defineView(
  'lab_button',
  '<button class="{{kind}}" type="submit" name="{{name}}" value="{{value}}">{{text}}</button>',
  ['kind', 'name', 'value', 'text'],
)
const field = defineView(
  'lab_field',
  '<p><label for="{{name}}">{{label}}</label><input id="{{name}}" name="{{name}}" value="{{value}}" autocomplete="off" spellcheck="false" maxlength="200" aria-describedby="{{name}}_hint"><span class="muted small" id="{{name}}_hint">{{hint}}</span></p>',
  ['name', 'label', 'value', 'hint'],
)
const select = defineView(
  'lab_select',
  '<p><label for="{{name}}">{{label}}</label><select id="{{name}}" name="{{name}}" autocomplete="off">{{options}}</select></p>',
  ['name', 'label', 'options'],
)
const option = defineView('lab_option', '<option value="{{value}}" {{selected}}>{{text}}</option>', [
  'value',
  'selected',
  'text',
])

/** The token of a form, and the cookie of a browser that has none. */
export function labForms(call: Call, context: Context, purpose: string) {
  const { browser, cookies } = ensureBrowser(call, context)
  return { csrf_token: csrfToken(context, browser, purpose), cookies }
}

export const labForm = (view: {
  action: string
  hidden: Readonly<Record<string, string>>
  fields?: readonly Html[]
  buttons: readonly { name: string; value: string; text: string; kind?: 'primary' | 'danger' }[]
}): Html =>
  form({
    action: view.action,
    hidden: Object.entries(view.hidden).map(([name, value]) => hiddenField({ name, value })),
    fields: view.fields ?? [],
    buttons: view.buttons.map(({ kind = '', ...each }) => button({ ...each, kind })),
  })

export const labField = field

export const labSelect = (view: {
  name: string
  label: string
  value?: string | undefined
  options: readonly { value: string; text: string }[]
}): Html =>
  select({
    name: view.name,
    label: view.label,
    options: view.options.map((each) =>
      option({ ...each, selected: each.value === view.value ? 'selected' : '' }),
    ),
  })
