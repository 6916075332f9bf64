/** The form of a step: each part of the request in a field of its own. */
import { parameterMeanings, readMeaning } from '../../auth/parameter_meanings.ts'
import { defineView, type Html } from '../../html/view.ts'
import { type Draft, methods } from './draft.ts'
import type { RunStep } from './flow.ts'
import { fieldOf, type KeyChoice, keyChoices, type Signed } from './signed.ts'
import { csrfField, problemView, ruleView } from './view.ts'

const form = defineView(
  'lab_client_form',
  '<p>{{about}} {{rule}}</p>{{tries}}{{problem}}<form class="request" method="post" action="{{action}}">{{csrf}}<input type="hidden" name="run" value="{{run}}"><input type="hidden" name="step" value="{{step}}"><div class="form_grid">{{line}}</div>{{fields}}{{heads}}<p><label for="more">More parameters, one name=value a line</label><textarea id="more" name="more" rows="2" spellcheck="false" autocomplete="off"></textarea></p><p class="muted small">{{where}} An empty field is not sent.</p><button class="primary" type="submit" name="send" value="send">{{button}}</button></form>',
  [
    'about',
    'rule',
    'tries',
    'problem',
    'action',
    'csrf',
    'run',
    'step',
    'line',
    'fields',
    'heads',
    'where',
    'button',
  ],
)
const line = defineView(
  'lab_client_line',
  '<p><label for="path">Path</label><input id="path" name="path" value="{{path}}" spellcheck="false" autocapitalize="none" autocomplete="off"></p>',
  ['path'],
)
const heads = defineView(
  'lab_client_heads',
  '<p><label for="heads">More headers, one name: value a line</label><textarea id="heads" name="heads" rows="2" spellcheck="false" autocomplete="off"></textarea></p>',
  [],
)
const methodField = defineView(
  'lab_client_method',
  '<p><label for="method">Method</label><select id="method" name="method">{{options}}</select></p>',
  ['options'],
)
const option = defineView('lab_client_option', '<option value="{{value}}" {{selected}}>{{value}}</option>', [
  'value',
  'selected',
])
const field = defineView(
  'lab_client_field',
  '<p><label for="{{id}}">{{label}}</label><input id="{{id}}" name="{{id}}" value="{{value}}" spellcheck="false" autocapitalize="none" autocomplete="off" aria-describedby="{{described}}">{{hint}}</p>',
  ['id', 'label', 'value', 'described', 'hint'],
)
const hintView = defineView('lab_client_hint', '<span class="muted small" id="{{id}}">{{text}}</span>', [
  'id',
  'text',
])
const group = defineView('lab_client_group', '<fieldset><legend>{{title}}</legend>{{fields}}</fieldset>', [
  'title',
  'fields',
])
const tryRow = defineView('lab_client_try', '<li>{{text}}</li>', ['text'])
const tryList = defineView(
  'lab_client_tries',
  '<details class="tries"><summary>What to try</summary><ul>{{rows}}</ul></details>',
  ['rows'],
)

/** A field `prefix.name`, with what the parameter means. */
export function requestField(prefix: string, name: string, value: string): Html {
  const id = `${prefix}.${name}`
  const about = prefix === 'h' ? undefined : readMeaning(parameterMeanings, name)?.about
  return field({
    id,
    label: name,
    value,
    described: about === undefined ? '' : `${id}.hint`,
    hint: about === undefined ? [] : hintView({ id: `${id}.hint`, text: about }),
  })
}

const grouped = (title: string, fields: readonly Html[]): Html[] =>
  fields.length === 0 ? [] : [group({ title, fields })]

const signedView = defineView(
  'lab_client_signed',
  '<fieldset><legend>{{name}}: a JWT that the client signs</legend><p><label for="{{header}}">Header of {{name}}</label><textarea id="{{header}}" name="{{header}}" rows="5" spellcheck="false" autocomplete="off">{{headerText}}</textarea></p><p><label for="{{claims}}">Claims of {{name}}</label><textarea id="{{claims}}" name="{{claims}}" rows="10" spellcheck="false" autocomplete="off">{{claimsText}}</textarea></p><p><label for="{{key}}">Key of {{name}}</label><select id="{{key}}" name="{{key}}">{{options}}</select></p></fieldset>',
  ['name', 'header', 'headerText', 'claims', 'claimsText', 'key', 'options'],
)
const keyOption = defineView('lab_client_key', '<option value="{{value}}" {{selected}}>{{text}}</option>', [
  'value',
  'selected',
  'text',
])
const keyWords: Readonly<Record<KeyChoice, string>> = {
  own: 'the key that the provider knows',
  other: 'another key',
  none: 'no signature',
  absent: 'leave the JWT out',
}

const signedFields = (part: Signed): Html =>
  signedView({
    name: part.name,
    header: fieldOf(part, 'header'),
    headerText: part.header,
    claims: fieldOf(part, 'claims'),
    claimsText: part.claims,
    key: fieldOf(part, 'key'),
    options: keyChoices.map((value) =>
      keyOption({ value, selected: value === part.choice ? 'selected' : '', text: keyWords[value] }),
    ),
  })

const person = defineView(
  'lab_client_person',
  '<p>{{about}} {{rule}}</p><p><a class="button" href="{{href}}">Open the page</a></p>{{next}}',
  ['about', 'rule', 'href', 'next'],
)
const onward = defineView('lab_client_onward', '<p><a href="{{path}}">Then go on</a></p>', ['path'])

export const personView = (view: {
  step: RunStep
  href: string
  next: string | undefined
  action: string
}): Html =>
  person({
    about: view.step.about,
    rule: ruleView(view.step.rule),
    href: view.href,
    next: view.next === undefined ? [] : onward({ path: `${view.action}?step=${view.next}` }),
  })

const provider = defineView(
  'lab_client_provider',
  '<p>{{about}} {{rule}}</p><p><a class="button" href="{{again}}">Look again</a></p>{{next}}',
  ['about', 'rule', 'again', 'next'],
)

/** A step in which the client is told something. */
export const providerView = (view: { step: RunStep; next: string | undefined; action: string }): Html =>
  provider({
    about: view.step.about,
    rule: ruleView(view.step.rule),
    again: `${view.action}?step=${view.step.name}`,
    next: view.next === undefined ? [] : onward({ path: `${view.action}?step=${view.next}` }),
  })

export interface RequestForm {
  step: RunStep
  draft: Draft
  run: string
  action: string
  csrf: string
  problem?: string | undefined
}

export function requestForm({ step, draft, run, action, csrf, problem }: RequestForm): Html {
  const isBrowser = step.by === 'browser'
  return form({
    about: step.about,
    rule: ruleView(step.rule),
    tries: step.tries.length > 0 ? tryList({ rows: step.tries.map((text) => tryRow({ text })) }) : [],
    problem: problem === undefined ? [] : problemView({ text: problem }),
    action,
    csrf: csrfField(csrf),
    run,
    step: step.name,
    line: [
      ...(isBrowser
        ? []
        : [
            methodField({
              options: methods.map((value) =>
                option({ value, selected: value === draft.method ? 'selected' : '' }),
              ),
            }),
          ]),
      line({ path: draft.path }),
    ],
    fields: [
      ...(isBrowser
        ? []
        : grouped(
            'Headers',
            draft.headers.map(([name, value]) => requestField('h', name, value)),
          )),
      ...grouped(
        isBrowser || draft.method === 'GET' ? 'Query' : 'Form',
        draft.params.map(([name, value]) => requestField('p', name, value)),
      ),
      ...(draft.signed ?? []).map(signedFields),
    ],
    heads: isBrowser ? [] : heads({}),
    where: isBrowser
      ? 'Your browser is sent to this provider with these parameters.'
      : 'The request goes to this provider, whatever you change.',
    button: isBrowser ? 'Send the browser' : 'Send the request',
  })
}
