/** Parts that the pages of /admin share. */
import { buttonForm } from '../../../html/account_parts.ts'
import type { Column } from '../../../html/data_table.ts'
import type { IconName } from '../../../html/icon.ts'
import { codeText, hiddenField, icon } from '../../../html/page_parts.ts'
import { defineView, type Html, type ViewValue } from '../../../html/view.ts'
import { type Said, say } from '../../../lib/say.ts'

export const lead = defineView('admin_lead', '<p class="muted">{{text}}</p>', ['text'])

export const link = defineView('admin_link', '<a href="{{path}}">{{text}}</a>', ['path', 'text'])

export const onwardLink = defineView('admin_onward', '<p><a href="{{path}}">{{text}}</a></p>', [
  'path',
  'text',
])

const button = defineView(
  'admin_button_link',
  '<div class="choice"><a class="button" href="{{path}}">{{text}}</a>{{hint}}</div>',
  ['path', 'text', 'hint'],
)
/** A link that begins something. */
export const buttonLink = (view: { path: string; text: Said; hint?: Said }): Html =>
  button({ path: view.path, text: view.text, hint: hintOf(view.hint) })

export const preformatted = defineView('admin_pre', '<pre dir="ltr">{{text}}</pre>', ['text'])

export const warning = defineView('admin_warning', '<p class="warning">{{text}}{{icon triangle-alert}}</p>', [
  'text',
])

/** A moment of the API (UTC), which the script of the page shows in the zone of the reader. */
export const when = (at: string | null): Said =>
  at === null ? say('admin.never') : say('admin.at', { at: new Date(at) })

/** "5 minutes ago", with the time itself as its title. */
const agoText = defineView('admin_ago', '<span class="ago">{{text}}</span>', ['text'])
export const ago = (at: string | null): Html | Said =>
  at === null ? say('admin.never') : agoText({ text: when(at) })

const stateView = defineView('admin_state', '<span class="state {{kind}}">{{icon}}{{text}}</span>', [
  'kind',
  'icon',
  'text',
])
const signs = { good: 'circle-check', doubtful: 'clock', bad: 'octagon-x' } as const satisfies Record<
  string,
  IconName
>
/** A state in one word, with a sign, so that it does not rest on a colour. */
export const state = (kind: keyof typeof signs, text: Said): Html =>
  stateView({ kind, icon: icon(signs[kind]), text })

const factList = defineView('admin_facts', '<dl class="facts">{{facts}}</dl>', ['facts'])
const fact = defineView('admin_fact', '<div><dt>{{name}}</dt><dd><bdi>{{value}}</bdi></dd></div>', [
  'name',
  'value',
])
export const facts = (rows: readonly (readonly [name: Said | Html, value: ViewValue])[]): Html =>
  factList({ facts: rows.map(([name, value]) => fact({ name, value })) })

export const code = (text: string): Html => codeText({ text })

const sectionView = defineView('admin_section', '<section><h2>{{title}}</h2>{{main}}</section>', [
  'title',
  'main',
])
export const section = (title: Said, main: readonly Html[]): Html => sectionView({ title, main })

const tile = defineView(
  'admin_tile',
  '<li class="{{kind}}"><p>{{label}}</p><p class="figure">{{figure}}</p></li>',
  ['kind', 'label', 'figure'],
)
const tileList = defineView('admin_tiles', '<ul class="tiles" data-part="tiles">{{tiles}}</ul>', ['tiles'])
/** A number each; `isBad` marks one that an administrator should look at. */
export const tiles = (
  list: readonly { label: Said; figure: string | Said | Html; isBad?: boolean }[],
): Html =>
  tileList({
    tiles: list.map(({ label, figure, isBad = false }) => tile({ kind: isBad ? 'bad' : '', label, figure })),
  })
const actionRow = defineView('admin_actions', '<div class="actions row">{{forms}}</div>', ['forms'])
/** Buttons side by side; nothing without a button. */
export const actions = (forms: readonly (Html | undefined)[]): Html[] => {
  const shown = forms.filter((each) => each !== undefined)
  return shown.length > 0 ? [actionRow({ forms: shown })] : []
}

const formView = defineView(
  'admin_form',
  '<form method="post" action="{{action}}">{{hidden}}<div class="form_grid">{{fields}}</div><div class="actions"><button class="{{kind}}" type="submit" name="{{name}}" value="{{name}}">{{text}}</button></div></form>',
  ['action', 'hidden', 'fields', 'kind', 'name', 'text'],
)
/** A form of an action: `name` is that of the action. */
export const actionForm = (view: {
  action: string
  csrf: string
  name: string
  text: Said
  kind?: 'danger' | 'primary'
  hidden?: Readonly<Record<string, string>>
  fields: readonly Html[]
}): Html =>
  formView({
    action: view.action,
    hidden: Object.entries({ csrf_token: view.csrf, ...view.hidden }).map(([name, value]) =>
      hiddenField({ name, value }),
    ),
    fields: view.fields,
    kind: view.kind ?? 'primary',
    name: view.name,
    text: view.text,
  })

const inputView = defineView(
  'admin_input',
  '<p><label for="{{name}}">{{label}}</label><input id="{{name}}" name="{{name}}" type="{{type}}" value="{{value}}" autocomplete="{{complete}}" {{required}}>{{hint}}</p>',
  ['name', 'label', 'type', 'value', 'complete', 'required', 'hint'],
)
const hintView = defineView('admin_hint', '<span class="hint">{{text}}</span>', ['text'])
const hintOf = (hint: Said | undefined) => (hint ? hintView({ text: hint }) : [])

export interface Field {
  name: string
  label: Said
  value?: string | undefined
  hint?: Said | undefined
}

export const textField = (
  field: Field & { type?: 'text' | 'email' | 'url' | 'password'; required?: boolean },
): Html =>
  inputView({
    name: field.name,
    label: field.label,
    type: field.type ?? 'text',
    value: field.value ?? '',
    complete: field.type === 'password' ? 'new-password' : 'off',
    required: field.required ? 'required' : '',
    hint: hintOf(field.hint),
  })

const areaView = defineView(
  'admin_area',
  '<p><label for="{{name}}">{{label}}</label><textarea id="{{name}}" name="{{name}}" spellcheck="false">{{value}}</textarea>{{hint}}</p>',
  ['name', 'label', 'value', 'hint'],
)
/** Several lines, one value each. */
export const linesField = (field: Field): Html =>
  areaView({ name: field.name, label: field.label, value: field.value ?? '', hint: hintOf(field.hint) })

const selectView = defineView(
  'admin_select',
  '<p><label for="{{name}}">{{label}}</label><select id="{{name}}" name="{{name}}">{{options}}</select>{{hint}}</p>',
  ['name', 'label', 'options', 'hint'],
)
const optionView = defineView('admin_option', '<option value="{{value}}" {{selected}}>{{text}}</option>', [
  'value',
  'selected',
  'text',
])
export const selectField = (
  field: Field & { options: readonly { value: string; text: Said | string }[] },
): Html =>
  selectView({
    name: field.name,
    label: field.label,
    hint: hintOf(field.hint),
    options: field.options.map(({ value, text }) =>
      optionView({ value, text, selected: value === (field.value ?? '') ? 'selected' : '' }),
    ),
  })

const checkView = defineView(
  'admin_check',
  '<p><label class="check"><input type="checkbox" name="{{name}}" value="yes" {{checked}}><span>{{label}}</span></label>{{hint}}</p>',
  ['name', 'checked', 'label', 'hint'],
)
export const checkField = (field: Omit<Field, 'value'> & { isOn: boolean }): Html =>
  checkView({
    name: field.name,
    label: field.label,
    checked: field.isOn ? 'checked' : '',
    hint: hintOf(field.hint),
  })

/** The lines of a field with one value each. */
export const linesOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split('\n')
    .map((each) => each.trim())
    .filter((each) => each !== '')

/** Before what cannot be undone: says what will happen, and asks once more. */
export const confirmation = (view: {
  title: Said
  text: Said
  action: string
  csrf: string
  /** Of the action, which runs with the field `confirmed`. */
  name: string
  fields?: Readonly<Record<string, string>>
}): { title: Said; main: Html[] } => ({
  title: view.title,
  main: [
    warning({ text: view.text }),
    ...actions([
      buttonForm({
        action: view.action,
        csrf: view.csrf,
        name: view.name,
        text: view.title,
        kind: 'danger',
        fields: { ...view.fields, confirmed: 'yes' },
      }),
      buttonLink({ path: view.action, text: say('admin.cancel') }),
    ]),
  ],
})

/** The column with the button of each row; none for an administrator who may not press it. */
export const buttonColumn = <Row>(
  may: boolean,
  {
    action,
    csrf,
    ...button
  }: Pick<Parameters<typeof buttonForm>[0], 'action' | 'csrf' | 'name' | 'text' | 'kind'>,
  more: (row: Row) => Pick<Parameters<typeof buttonForm>[0], 'fields' | 'label'>,
): Column<Row>[] =>
  may
    ? [
        {
          title: say('admin.actions'),
          cell: (row) => buttonForm({ action, csrf, ...button, ...more(row) }),
        },
      ]
    : []
