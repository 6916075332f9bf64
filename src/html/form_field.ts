/** A form field: its label, the entered value (never a password), and the problem with it. https://www.w3.org/WAI/tutorials/forms/ */
import { type Said, say } from '../lib/say.ts'
import { passwordLength } from '../auth/password_length.ts'
import { fieldProblem } from './page_parts.ts'
import { defineView, type Html } from './view.ts'

const input = defineView(
  'form_field',
  '<label for="{{id}}">{{label}}</label>\n<div class="{{kind}}" data-show="{{show}}"><input id="{{id}}" name="{{name}}" type="{{type}}" value="{{value}}" autocomplete="{{autocomplete}}" maxlength="{{maxlength}}" autocapitalize="{{autocapitalize}}" spellcheck="false" aria-invalid="{{invalid}}" aria-describedby="{{describedBy}}" {{required}}></div>\n{{problem}}{{hint}}',
  [
    'id',
    'label',
    'name',
    'type',
    'value',
    'autocomplete',
    'maxlength',
    'autocapitalize',
    'invalid',
    'describedBy',
    'required',
    'kind',
    'show',
    'problem',
    'hint',
  ],
)
const hintView = defineView('form_field_hint', '<p class="muted small" id="{{id}}">{{text}}</p>', [
  'id',
  'text',
])

export interface Field {
  name: string
  label: Said | string
  type?: 'text' | 'email' | 'tel' | 'url' | 'date' | 'password'
  /** As it was entered. It is never shown for a password field. */
  value?: string | undefined
  /** https://html.spec.whatwg.org/#autofill */
  autocomplete: string
  maxLength?: number
  required?: boolean
  problem?: Said | undefined
  hint?: Said | undefined
}

const capitalized = new Set(['name', 'given-name', 'family-name', 'additional-name'])

export function formField(field: Field): Html {
  const { name, problem, hint, type = 'text' } = field
  const problemId = `${name}_problem`
  const hintId = `${name}_hint`
  return input({
    id: name,
    name,
    label: field.label,
    type,
    value: type === 'password' ? '' : (field.value ?? ''),
    autocomplete: field.autocomplete,
    maxlength: `${field.maxLength ?? 200}`,
    autocapitalize: capitalized.has(field.autocomplete) ? 'words' : 'none',
    invalid: problem ? 'true' : 'false',
    describedBy: [...(problem ? [problemId] : []), ...(hint ? [hintId] : [])].join(' '),
    required: field.required ? 'required' : '',
    kind: type === 'password' ? 'secret' : 'field',
    show: type === 'password' ? say('password.show') : '',
    problem: problem ? fieldProblem({ id: problemId, text: problem }) : [],
    hint: hint ? hintView({ id: hintId, text: hint }) : [],
  })
}

/** Two fields: the characters are hidden, so one mistyped password would lock the End-User out. */
export const newPasswordFields = ({
  password,
  repeat,
}: {
  password?: Said | undefined
  repeat?: Said | undefined
}): Html[] => {
  const field = {
    type: 'password',
    autocomplete: 'new-password',
    maxLength: 1024, // longer than the rule: a pasted password gets a message and is not cut off
    required: true,
  } as const
  const hint = say('password.hint', passwordLength)
  return [
    formField({ ...field, name: 'password', label: say('password.new'), problem: password, hint }),
    formField({ ...field, name: 'repeat', label: say('password.repeat'), problem: repeat }),
  ]
}
