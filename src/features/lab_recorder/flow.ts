/** /lab/flow: one flow as a diagram and as steps. */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labPage } from '../../flow/lab_page.ts'
import { defineView, type Html } from '../../html/view.ts'
import {
  clientsOf,
  faultsOf,
  outcomeOf,
  outcomeOfExchange,
  peopleOf,
  whyOpen,
} from '../../models/recording/flow_kinds.ts'
import type { Exchange, Flow } from '../../models/recording/recorded.ts'
import { diagram } from './diagram.ts'
import { formats } from './export.ts'
import { flowOf } from './found_flow.ts'
import { rawMessage } from './raw.ts'
import { stepOf } from './steps.ts'
import { tokenTable } from './tokens.ts'
import { exportPath, flowsPath } from './paths.ts'
import { faultBadge, link, outcomeBadge, pathOf, targetOf, timeText, titleOf } from './words.ts'
import { written } from '../../lib/unsafe_text.ts'

const view = defineView(
  'lab_flow',
  `<dl class="facts"><div><dt>Outcome</dt><dd>{{outcome}}</dd></div><div><dt>Client</dt><dd><bdi>{{clients}}</bdi></dd></div><div><dt>End-User</dt><dd><bdi>{{people}}</bdi></dd></div><div><dt>Began (UTC)</dt><dd>{{began}}</dd></div></dl>
<p>Save as: {{exports}}</p>
<div class="lab_columns"><section aria-labelledby="diagram"><h2 id="diagram">Who said what</h2>{{diagram}}</section><section aria-labelledby="exchanges"><h2 id="exchanges">Step by step</h2><p class="muted">Open: the flow goes on with another request.</p>{{dropped}}{{exchanges}}</section></div>
<p>{{list}}</p>`,
  ['outcome', 'clients', 'people', 'began', 'exports', 'diagram', 'dropped', 'exchanges', 'list'],
)
const exportItem = defineView('lab_export', '<span class="lab_export">{{link}}</span>', ['link'])
const dropped = defineView(
  'lab_dropped',
  '<p class="muted">{{count}} requests in the middle were dropped, because the flow is long.</p>',
  ['count'],
)
const exchangeView = defineView(
  'lab_exchange',
  `<details class="lab_exchange" {{open}}><summary><strong>{{number}}. {{title}}</strong> {{outcome}} <span class="muted">{{time}}, {{took}} ms, request id {{id}}</span></summary>
{{told}}{{seen}}<ol class="lab_steps">{{steps}}</ol>{{left}}{{tokens}}
<details><summary>Request and answer as they were sent</summary>{{raw}}</details></details>`,
  [
    'open',
    'number',
    'title',
    'outcome',
    'time',
    'took',
    'id',
    'told',
    'seen',
    'steps',
    'left',
    'tokens',
    'raw',
  ],
)
const seenView = defineView('lab_seen', '<p>The End-User saw the page “{{title}}”: {{says}}.</p>', [
  'title',
  'says',
])
const toldView = defineView(
  'lab_told',
  '<p>The lab told the client something wrong here, because the fault <strong>{{fault}}</strong> is on for it. The answer is not what this provider would say.</p>',
  ['fault'],
)
const whyView = defineView('lab_why', ' <span class="muted">{{text}}</span>', ['text'])
const whyOf = (flow: Flow): Html[] => {
  const text = whyOpen(flow)
  return text === undefined ? [] : [whyView({ text: `${text}.` })]
}
const leftView = defineView('lab_left', '<p class="muted">{{count}} more steps were left out.</p>', ['count'])

/** The parts of an exchange that matter first: checks. Reads of the store and lines of the log are among them in order. */
function exchangeOf(exchange: Exchange, at: number, isOpen: boolean): Html {
  const { request, answer, steps, tokens, left } = exchange
  const outcome = outcomeOfExchange(exchange)
  return exchangeView({
    open: isOpen ? 'open' : '',
    number: `${at + 1}`,
    title: written(`${request.method} ${pathOf(exchange)} → ${answer.status}`),
    outcome: [outcomeBadge(outcome), ...faultsOf(exchange).map(faultBadge)],
    time: timeText(exchange.at),
    took: `${exchange.took}`,
    id: written(exchange.id),
    told: faultsOf(exchange).map((fault) => toldView({ fault })),
    seen: answer.page
      ? seenView({ title: written(answer.page.title), says: written(answer.page.says.join(', ')) })
      : [],
    steps: steps.map((step) => stepOf(step, exchange.at)),
    left: left > 0 ? leftView({ count: `${left}` }) : [],
    tokens: tokens.map(({ where, token }) => tokenTable(where, token)),
    raw: [
      rawMessage(`Request ${at + 1}`, `${request.method} ${targetOf(exchange)}`, request),
      rawMessage(`Answer ${at + 1}`, `${answer.status}`, answer),
    ],
  })
}

/** The last refused exchange is open, else the last one. */
function openOne({ exchanges }: Flow): number {
  const refused = exchanges.findLastIndex(
    (each) => outcomeOfExchange(each) !== 'succeeded' && each.answer.status >= 400,
  )
  return refused >= 0 ? refused : exchanges.length - 1
}

const exportsOf = ({ id }: Flow, { basePath }: Context): Html[] =>
  [...formats].map(([as, { title }]) =>
    exportItem({ link: link({ path: `${basePath}${exportPath}?id=${id}&as=${as}`, text: title }) }),
  )

export function show(call: Call, context: Context): Reply {
  const flow = flowOf(call, context)
  const open = openOne(flow)
  return labPage(context, {
    current: flowsPath,
    title: `Flow: ${titleOf(flow)}`,
    main: view({
      outcome: [outcomeBadge(outcomeOf(flow)), ...whyOf(flow)],
      clients: written(clientsOf(flow).join(', ') || 'none'),
      people: written(peopleOf(flow).join(', ') || 'none'),
      began: timeText(flow.exchanges[0]?.at ?? 0),
      exports: exportsOf(flow, context),
      diagram: diagram(flow),
      dropped: flow.dropped > 0 ? dropped({ count: `${flow.dropped}` }) : [],
      exchanges: flow.exchanges.map((exchange, at) => exchangeOf(exchange, at, at === open)),
      list: link({ path: `${context.basePath}${flowsPath}`, text: 'All flows' }),
    }),
  })
}
