/** The views of the page of pasted tokens. Every value of a token is escaped, and its invisible characters are written out. */
import source from '../../../views/lab_token.html' with { type: 'text' }
import { claimMeaning, headerMeaning, type TokenKind } from '../../auth/claim_meanings.ts'
import type { Meaning } from '../../auth/parameter_meanings.ts'
import { readRule } from '../../auth/rule.ts'
import { defineView, type Html } from '../../html/view.ts'
import { written } from '../../lib/unsafe_text.ts'
import type { Json } from './pasted.ts'
import { type Outcome, type TokenStep, textOf, timeInWords } from './step.ts'

export const tokenView = defineView('lab_token', source, [
  'action',
  'csrf',
  'token',
  'audience',
  'exampleAudience',
  'scope',
  'keys',
  'result',
])

/** More are counted and not shown. */
const mostShown = 100

const sectionView = defineView(
  'lab_token_section',
  '<section aria-labelledby="{{id}}"><h2 id="{{id}}">{{title}}</h2>{{main}}</section>',
  ['id', 'title', 'main'],
)
const paragraphView = defineView('lab_token_text', '<p>{{text}}</p>', ['text'])
const verdictView = defineView(
  'lab_token_verdict',
  '<p class="verdict" data-outcome="{{outcome}}">{{text}}</p>',
  ['outcome', 'text'],
)
const explainedList = defineView('lab_token_explained', '<ul class="explained">{{items}}</ul>', ['items'])
const explainedItem = defineView(
  'lab_token_member',
  '<li><p><code dir="ltr" class="strong">{{name}}</code> <code dir="ltr">{{value}}</code>{{time}}</p>{{meaning}}</li>',
  ['name', 'value', 'time', 'meaning'],
)
const timeView = defineView('lab_token_time', ' <span>({{time}})</span>', ['time'])
const meaningView = defineView(
  'lab_token_meaning',
  '<p class="muted small">{{about}} <a href="{{url}}" rel="noreferrer">{{rule}}</a></p>',
  ['about', 'url', 'rule'],
)
const unknownView = defineView('lab_token_unknown', '<p class="muted small">{{text}}</p>', ['text'])
const stepList = defineView('lab_token_steps', '<ol class="explained">{{items}}</ol>', ['items'])
const stepView = defineView(
  'lab_token_step',
  '<li data-outcome="{{outcome}}"><p><span class="verdict" data-outcome="{{outcome}}">{{word}}</span> {{about}} <a href="{{url}}" rel="noreferrer">{{rule}}</a></p>{{compared}}{{note}}</li>',
  ['outcome', 'word', 'about', 'url', 'rule', 'compared', 'note'],
)
const pairView = defineView('lab_token_pair', '<dl class="compared">{{rows}}</dl>', ['rows'])
const rowView = defineView('lab_token_row', '<dt>{{name}}</dt><dd><code dir="ltr">{{value}}</code></dd>', [
  'name',
  'value',
])

export const section = (id: string, title: string, ...main: Html[]): Html => sectionView({ id, title, main })
export const paragraph = (text: string): Html => paragraphView({ text: written(text) })
export const verdict = (outcome: Outcome, text: string): Html => verdictView({ outcome, text: written(text) })

const times = new Set(['exp', 'nbf', 'iat', 'auth_time', 'updated_at'])

const meant = (meaning: Meaning | undefined): Html =>
  meaning
    ? meaningView({ about: written(meaning.about), rule: meaning.rule, url: readRule(meaning.rule).url })
    : unknownView({ text: 'No specification here defines it: the issuer and its readers agree on it.' })

function members(values: Json, now: number, meaningOf: (name: string) => Meaning | undefined): Html {
  const all = Object.entries(values)
  const items = all.slice(0, mostShown).map(([name, value]) => {
    const time = times.has(name) ? timeInWords(value, now) : undefined
    return explainedItem({
      name: written(textOf(name, 200)),
      value: written(textOf(value)),
      time: time === undefined ? [] : timeView({ time }),
      meaning: meant(meaningOf(name)),
    })
  })
  const more = all.length - items.length
  return explainedList({
    items: more > 0 ? [...items, unknownItem({ text: `${more} more are not shown.` })] : items,
  })
}
const unknownItem = defineView('lab_token_more', '<li>{{text}}</li>', ['text'])

export const headerMembers = (header: Json, now: number): Html => members(header, now, headerMeaning)
export const claimMembers = (claims: Json, now: number, kind: TokenKind | undefined): Html =>
  members(claims, now, (name) => claimMeaning(name, kind))

const words: Readonly<Record<Outcome, string>> = { holds: 'holds', fails: 'FAILS', open: 'open' }

const stepItem = ({ about, outcome, rule, expected, came, note }: TokenStep): Html =>
  stepView({
    outcome,
    word: words[outcome],
    about: written(about),
    rule,
    url: readRule(rule).url,
    compared:
      expected === undefined && came === undefined
        ? []
        : pairView({
            rows: [
              ...(expected === undefined ? [] : [rowView({ name: 'Asked', value: written(expected) })]),
              ...(came === undefined ? [] : [rowView({ name: 'Came', value: written(came) })]),
            ],
          }),
    note: note === undefined ? [] : unknownView({ text: written(note) }),
  })

export const stepsView = (steps: readonly TokenStep[]): Html => stepList({ items: steps.map(stepItem) })
