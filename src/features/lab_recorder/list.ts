/** /lab/flows: all recorded flows, newest first, by client, End-User and outcome. It stays up to date by server-sent events; without JavaScript a reload does it. */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labPage } from '../../flow/lab_page.ts'
import { adminScriptPath } from '../../html/assets.ts'
import { defineView, type Html } from '../../html/view.ts'
import { query } from '../../http/call.ts'
import { eventStream } from '../../http/event_stream.ts'
import { clientsOf, faultsOf, outcomeOf, peopleOf } from '../../models/recording/flow_kinds.ts'
import type { Flow, Outcome } from '../../models/recording/recorded.ts'
import { flowsOf } from './found_flow.ts'
import { comparePath, flowPath, flowsPath, livePath } from './paths.ts'
import { faultBadge, link, outcomeBadge, timeText, titleOf } from './words.ts'
import { written } from '../../lib/unsafe_text.ts'

const mostShown = 200
const outcomes: readonly Outcome[] = ['succeeded', 'refused', 'failed', 'open']

const view = defineView(
  'lab_flows',
  `<p>Each flow is what clients, browsers and this provider said to each other until it ended, with each check in between. Secrets are masked: values with the same mark are the same.</p>
<p class="muted">Open: the last answer was a page, a redirect to the next page, or a refusal after which the client asks again.</p>
<form class="filters" method="get" action="{{path}}">{{filters}}<p><button type="submit">Show</button></p></form>
<div data-part="flows"><p class="muted">{{count}}</p>{{table}}</div>
<div data-stream="{{live}}"></div>`,
  ['path', 'filters', 'count', 'table', 'live'],
)
const filter = defineView(
  'lab_filter',
  '<p><label for="{{name}}">{{label}}</label><select id="{{name}}" name="{{name}}"><option value="">All</option>{{options}}</select></p>',
  ['name', 'label', 'options'],
)
const option = defineView('lab_option', '<option value="{{value}}" {{selected}}>{{text}}</option>', [
  'value',
  'selected',
  'text',
])
const table = defineView(
  'lab_flow_table',
  `<form method="get" action="{{compare}}"><table class="data"><thead><tr><th scope="col">Flow</th><th scope="col">Client</th><th scope="col">End-User</th><th scope="col">Outcome</th><th scope="col">Requests</th><th scope="col">Last request (UTC)</th><th scope="col">Compare</th></tr></thead><tbody>{{rows}}</tbody></table><p class="actions"><button type="submit">Compare two flows</button></p></form>`,
  ['compare', 'rows'],
)
const row = defineView(
  'lab_flow_row',
  `<tr><th scope="row">{{link}}</th><td data-title="Client"><bdi>{{clients}}</bdi></td><td data-title="End-User"><bdi>{{people}}</bdi></td><td data-title="Outcome">{{outcome}}</td><td data-title="Requests">{{requests}}</td><td data-title="Last request">{{time}}</td><td data-title="Compare"><label class="unseen" for="a_{{id}}">First flow: {{title}} {{time}}</label><input type="radio" id="a_{{id}}" name="a" value="{{id}}"> <label class="unseen" for="b_{{id}}">Second flow: {{title}} {{time}}</label><input type="radio" id="b_{{id}}" name="b" value="{{id}}"></td></tr>`,
  ['link', 'clients', 'people', 'outcome', 'requests', 'time', 'id', 'title'],
)

/** Faults of the lab that were told in a flow, each once. */
const toldIn = ({ exchanges }: Flow): Html[] => [...new Set(exchanges.flatMap(faultsOf))].map(faultBadge)

const rowOf = (flow: Flow, { basePath }: Context): Html =>
  row({
    id: flow.id,
    title: titleOf(flow),
    link: link({ path: `${basePath}${flowPath}?id=${flow.id}`, text: titleOf(flow) }),
    clients: written(clientsOf(flow).join(', ')),
    people: written(peopleOf(flow).join(', ')),
    outcome: [outcomeBadge(outcomeOf(flow)), ...toldIn(flow)],
    requests: `${flow.exchanges.length + flow.dropped}`,
    time: timeText(flow.exchanges.at(-1)?.at ?? 0),
  })

const filterOf = (name: string, label: string, values: Iterable<string>, chosen: string | undefined): Html =>
  filter({
    name,
    label,
    // A value with characters that mislead is no name of a client or an End-User here.
    options: [...new Set(values)]
      .filter((value) => written(value) === value)
      .slice(0, mostShown)
      .map((value) => option({ value, text: value, selected: value === chosen ? 'selected' : '' })),
  })

const fits = (chosen: string | undefined, values: readonly string[]): boolean =>
  chosen === undefined || values.includes(chosen)

export function show(call: Call, context: Context): Reply {
  const { client, person, outcome } = query(call, context)
  const all = flowsOf(context).list()
  const list = all.filter(
    (flow) =>
      fits(client, clientsOf(flow)) && fits(person, peopleOf(flow)) && fits(outcome, [outcomeOf(flow)]),
  )
  const shown = list.slice(0, mostShown)
  return labPage(context, {
    current: flowsPath,
    title: 'Flows',
    scripts: [adminScriptPath],
    main: view({
      path: `${context.basePath}${flowsPath}`,
      live: `${context.basePath}${livePath}`,
      filters: [
        filterOf('client', 'Client', all.flatMap(clientsOf), client),
        filterOf('person', 'End-User', all.flatMap(peopleOf), person),
        filterOf('outcome', 'Outcome', outcomes, outcome),
      ],
      count:
        all.length === 0
          ? 'No flow yet. Begin one at a client, or open /authorize with its parameters.'
          : `${shown.length} of ${all.length} recorded flows, newest first.`,
      table:
        shown.length === 0
          ? []
          : table({
              compare: `${context.basePath}${comparePath}`,
              rows: shown.map((flow) => rowOf(flow, context)),
            }),
    }),
  })
}

export const live = (call: Call, context: Context): Reply =>
  eventStream(call, context, {
    lane: `lab ${call.address}`,
    look: async () => `${flowsOf(context).version()}`,
  })
