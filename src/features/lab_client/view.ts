/** The views of the playground. What a request or an answer says is escaped, and its invisible characters are written out. */
import { readRule, type Rule } from '../../auth/rule.ts'
import { hiddenField } from '../../html/page_parts.ts'
import { defineView, type Html } from '../../html/view.ts'
import type { RunExchange } from './memory.ts'
import type { Finding, Values } from './flow.ts'
import { legible } from './shown_request.ts'

export const paragraph = defineView('lab_client_text', '<p>{{text}}</p>', ['text'])
export const problemView = defineView(
  'lab_client_problem',
  '<p class="alert" role="alert">{{text}}{{icon circle-alert}}</p>',
  ['text'],
)

const flowRow = defineView(
  'lab_client_flow',
  '<li><h2 id="{{name}}">{{title}}</h2><p>{{about}}</p><form method="post" action="{{action}}">{{csrf}}<input type="hidden" name="flow" value="{{name}}"><button class="primary" type="submit" name="start" value="start" aria-describedby="{{name}}">Start</button></form></li>',
  ['name', 'title', 'about', 'action', 'csrf'],
)
const flowList = defineView(
  'lab_client_flows',
  '<p>A client that lives in these pages. It makes real requests to this provider, step by step. You can change each request before it is sent; then you see it as HTTP and as a command, and what the client checks in the answer.</p>{{current}}<ul class="lab_flows">{{flows}}</ul>',
  ['current', 'flows'],
)
const currentLink = defineView(
  'lab_client_current',
  '<p><a class="button" href="{{path}}">Go on with {{title}}</a></p>',
  ['path', 'title'],
)

export const csrfField = (value: string): Html => hiddenField({ name: 'csrf_token', value })

export const flowsView = (view: {
  action: string
  csrf: string
  current: { path: string; title: string } | undefined
  flows: readonly { name: string; title: string; about: string }[]
}): Html =>
  flowList({
    current: view.current ? currentLink(view.current) : [],
    flows: view.flows.map(({ name, title, about }) =>
      flowRow({ name, title, about, action: view.action, csrf: csrfField(view.csrf) }),
    ),
  })

const ruleLink = defineView('lab_client_rule', '<a href="{{url}}" rel="noreferrer">{{rule}}</a>', [
  'url',
  'rule',
])
export const ruleView = (rule: Rule): Html => ruleLink({ rule, url: readRule(rule).url })

const findingRow = defineView(
  'lab_client_finding',
  '<li class="{{kind}}"><strong>{{verdict}}</strong> {{about}} {{rule}}{{compared}}</li>',
  ['kind', 'verdict', 'about', 'rule', 'compared'],
)
const compared = defineView(
  'lab_client_compared',
  '<dl class="compared"><dt>Expected</dt><dd><code dir="ltr">{{expected}}</code></dd><dt>Came</dt><dd><code dir="ltr">{{came}}</code></dd></dl>',
  ['expected', 'came'],
)
const findingList = defineView(
  'lab_client_findings',
  '<h3>What the client checks</h3><ul class="findings">{{findings}}</ul>',
  ['findings'],
)

const findingView = ({ held, about, rule, expected, came }: Finding): Html =>
  findingRow({
    kind: held ? 'held' : 'failed',
    verdict: held ? 'Holds:' : 'Does not hold:',
    about,
    rule: ruleView(rule),
    compared:
      held || expected === undefined
        ? []
        : compared({ expected: legible(expected), came: legible(came ?? 'nothing') }),
  })

const exchangeView = defineView(
  'lab_client_exchange',
  '<div class="lab_run"><h3>Request</h3><pre class="raw" tabindex="0"><code>{{http}}</code></pre>{{command}}<h3>Answer</h3><pre class="raw" tabindex="0"><code>{{answer}}</code></pre>{{stopped}}{{findings}}{{links}}</div>',
  ['http', 'command', 'answer', 'stopped', 'findings', 'links'],
)
/** What the client was told is no request of the client. */
const commandView = defineView(
  'lab_client_command',
  '<details><summary>As a command</summary><pre class="raw" tabindex="0"><code>{{curl}}</code></pre></details>',
  ['curl'],
)
const stoppedNote = defineView(
  'lab_client_stopped',
  '<p class="notice">A client stops here, because a check does not hold. The playground goes on, so that you see what follows.{{icon info}}</p>',
  [],
)
const linkRow = defineView('lab_client_link', '<p><a href="{{path}}">{{text}}</a></p>', ['path', 'text'])

export interface Link {
  path: string
  text: string
}

const shownExchange = ({ http, curl, answer, findings }: RunExchange, links: readonly Link[]): Html =>
  exchangeView({
    http: legible(http),
    command: curl === '' ? [] : commandView({ curl: legible(curl) }),
    answer: answer ? legible(answer.text) : 'The browser has not come back.',
    stopped: answer && findings.some(({ held }) => !held) ? stoppedNote({}) : [],
    findings: findings.length > 0 ? findingList({ findings: findings.map(findingView) }) : [],
    links: links.map(linkRow),
  })

const answerSection = defineView(
  'lab_client_answer',
  '<section aria-labelledby="answer"><h2 id="answer">{{title}}</h2>{{exchange}}</section>',
  ['title', 'exchange'],
)
export const answerView = (title: string, exchange: RunExchange, links: readonly Link[]): Html =>
  answerSection({ title: `Answer: ${title}`, exchange: shownExchange(exchange, links) })

const earlierRow = defineView(
  'lab_client_earlier_row',
  '<li><details><summary>{{title}}</summary>{{exchange}}</details></li>',
  ['title', 'exchange'],
)
const earlierSection = defineView(
  'lab_client_earlier',
  '<section aria-labelledby="earlier"><h2 id="earlier">Earlier requests of this run</h2><ol class="earlier" reversed>{{rows}}</ol></section>',
  ['rows'],
)
export const earlierView = (
  rows: readonly { title: string; exchange: RunExchange; links: readonly Link[] }[],
): Html[] =>
  rows.length === 0
    ? []
    : [
        earlierSection({
          rows: rows.map(({ title, exchange, links }) =>
            earlierRow({ title, exchange: shownExchange(exchange, links) }),
          ),
        }),
      ]

const fact = defineView(
  'lab_client_fact',
  '<div><dt>{{name}}</dt><dd><code dir="ltr">{{value}}</code>{{explain}}</dd></div>',
  ['name', 'value', 'explain'],
)
const explainForm = defineView(
  'lab_client_explain',
  '<form method="post" action="{{action}}">{{csrf}}<input type="hidden" name="token" value="{{token}}"><button type="submit" name="explain" value="explain">Explain {{name}}</button></form>',
  ['action', 'csrf', 'token', 'name'],
)

/** What the page of pasted tokens can explain. */
const isToken = (name: string): boolean => name === 'code' || name.endsWith('_token')

/** `explain`: the page of pasted tokens, where the lab has it. */
export const valuesView = (values: Values, explain: { action: string; csrf: string } | undefined): Html[] =>
  Object.entries(values).map(([name, value]) =>
    fact({
      name: legible(name),
      value: legible(value),
      explain:
        explain && isToken(name)
          ? explainForm({ action: explain.action, csrf: csrfField(explain.csrf), token: value, name })
          : [],
    }),
  )

const stepRow = defineView(
  'lab_client_step',
  '<li><a href="{{path}}" aria-current="{{current}}">{{title}}</a>{{count}}</li>',
  ['path', 'current', 'title', 'count'],
)
const stepCount = defineView('lab_client_step_count', ' <span class="muted">{{text}}</span>', ['text'])
export const stepView = (view: { path: string; isCurrent: boolean; title: string; sent: number }): Html =>
  stepRow({
    path: view.path,
    current: view.isCurrent ? 'step' : 'false',
    title: view.title,
    count: view.sent === 0 ? [] : stepCount({ text: view.sent === 1 ? 'sent' : `sent ${view.sent} times` }),
  })
