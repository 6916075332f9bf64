/** A field of a form: its label, what was typed (never a password), and beside it what is wrong with it. https://www.w3.org/WAI/tutorials/forms/ */
import { type Said, say } from '../lib/say.ts'
import { passwordLength } from '../auth/password_length.ts'
import { fieldProblem } from './page_parts.ts'
import { defineView, type Html } from './view.ts'

const input = defineView(
  'form_field',
  '<label for="{{id}}">{{label}}</label>\n<input id="{{id}}" name="{{name}}" type="{{type}}" value="{{value}}" autocomplete="{{autocomplete}}" maxlength="{{maxlength}}" autocapitalize="{{autocapitalize}}" spellcheck="false" aria-invalid="{{invalid}}" aria-describedby="{{describedBy}}" {{required}}>\n{{problem}}{{hint}}',
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
  /** As it was typed. A password is left out whatever comes. */
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
    problem: problem ? fieldProblem({ id: problemId, text: problem }) : [],
    hint: hint ? hintView({ id: hintId, text: hint }) : [],
  })
}

/** Two of them: who cannot see what they type would lock themselves out by a slip. */
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
    maxLength: 1024, // the rule is told beside the field and not by cutting off what is pasted
    required: true,
  } as const
  const hint = say('password.hint', passwordLength)
  return [
    formField({ ...field, name: 'password', label: say('password.new'), problem: password, hint }),
    formField({ ...field, name: 'repeat', label: say('password.repeat'), problem: repeat }),
  ]
}
