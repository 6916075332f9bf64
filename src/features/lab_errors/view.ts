/** The views of the pages about failed requests. Every value of a request is escaped, and its invisible characters are written out. */
import source from '../../../views/lab_error.html' with { type: 'text' }
import { defineView, type Html } from '../../html/view.ts'
import { written } from '../../lib/unsafe_text.ts'
import type { Cause, Remedy } from './causes/cause.ts'
import type { Comparison, Marked } from './compare.ts'
import type { Shown } from './failure.ts'

export const errorView = defineView('lab_error', source, [
  'summary',
  'problem',
  'compared',
  'causes',
  'rule',
  'ruleUrl',
  'ruleTitle',
  'next',
  'request',
  'facts',
  'onward',
])

export const paragraph = defineView('lab_error_text', '<p>{{text}}</p>', ['text'])

export const listLink = defineView('lab_error_list', '<p><a href="{{path}}">All failed requests</a></p>', [
  'path',
])

export const flowLink = defineView(
  'lab_error_flow',
  '<p><a href="{{path}}">What the provider checked and did</a></p>',
  ['path'],
)

export const muted = defineView('lab_error_muted', '<p class="muted">{{text}}</p>', ['text'])

const codeBlock = defineView('lab_error_code', '<pre class="raw" tabindex="0"><code>{{code}}</code></pre>', [
  'code',
])
const step = defineView('lab_error_step', '<li>{{text}}{{code}}</li>', ['text', 'code'])
const steps = defineView('lab_error_steps', '<p class="told_title">How to mend it</p><ul>{{steps}}</ul>', [
  'steps',
])
const cause = defineView(
  'lab_error_cause',
  '<li data-cause="{{name}}"><h3>{{title}} <span class="muted">({{certainty}})</span></h3>{{evidence}}{{steps}}</li>',
  ['name', 'title', 'certainty', 'evidence', 'steps'],
)
const causeList = defineView('lab_error_causes', '<ol class="causes">{{causes}}</ol>', ['causes'])
const noCause = defineView(
  'lab_error_no_cause',
  '<p>No known mistake fits. What was expected and what came say which condition does not hold.</p>',
  [],
)

const stepOf = ({ text, code }: Remedy): Html =>
  step({
    text: written(text),
    code: code === undefined ? [] : codeBlock({ code: [code].flat().map(written).join('\n') }),
  })

const causeOf = ({ name, title, certainty, evidence: said, mend }: Cause): Html =>
  cause({
    name,
    title: written(title),
    certainty,
    evidence: said.map((text) => muted({ text: written(text) })),
    steps: mend.length > 0 ? steps({ steps: mend.map(stepOf) }) : [],
  })

export const causesView = (causes: readonly Cause[]): Html =>
  causes.length === 0 ? noCause({}) : causeList({ causes: causes.map(causeOf) })

const comparison = defineView(
  'lab_error_comparison',
  '<h3>{{label}}</h3><dl class="compared"><dt>Expected</dt><dd>{{wanted}}</dd><dt>Came</dt><dd>{{came}}</dd></dl><p class="muted">{{difference}}</p>',
  ['label', 'wanted', 'came', 'difference'],
)
const markedText = defineView(
  'lab_error_marked',
  '<code dir="ltr">{{before}}<mark>{{marked}}</mark>{{after}}</code>',
  ['before', 'marked', 'after'],
)

const marked = ({ before, marked: text, after }: Marked): Html =>
  markedText({ before: written(before), marked: written(text), after: written(after) })

export const comparedView = ({ label, wanted, came, difference }: Comparison): Html =>
  comparison({ label, wanted: marked(wanted), came: marked(came), difference: written(difference) })

const plainPair = defineView(
  'lab_error_pair',
  '<dl class="compared"><dt>Expected</dt><dd>{{expected}}</dd><dt>Came</dt><dd>{{came}}</dd></dl>',
  ['expected', 'came'],
)

export const pairView = (expected: string, came: string): Html =>
  plainPair({ expected: written(expected), came: written(came) })

const fact = defineView(
  'lab_error_fact',
  '<div><dt>{{name}}</dt><dd><code dir="ltr">{{value}}</code></dd></div>',
  ['name', 'value'],
)

export const factView = (name: string, value: string): Html =>
  fact({ name: written(name), value: written(value) })

/** What is shown of a value, in words where it is hidden. */
export const wordsOf = (shown: Shown): string => {
  if ('text' in shown) return shown.text
  const { characters, mark } = shown.hidden
  return `hidden: ${characters} characters, mark ${mark}`
}

const row = defineView(
  'lab_errors_row',
  '<li><a href="{{path}}">{{title}}</a><span class="muted">{{about}}</span></li>',
  ['path', 'title', 'about'],
)
const rows = defineView('lab_errors', '<p>{{text}}</p><ul class="links failures">{{rows}}</ul>', [
  'text',
  'rows',
])

export const listView = (
  text: string,
  list: readonly { path: string; title: string; about: string }[],
): Html =>
  rows({
    text,
    rows: list.map(({ path, title, about }) => row({ path, title: written(title), about: written(about) })),
  })
