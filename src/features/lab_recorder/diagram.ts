/** The sequence diagram of a flow, as SVG: a line for each party, an arrow for each message. */
import { defineView, type Html } from '../../html/view.ts'
import type { Exchange, Flow, OutboundStep, Sender } from '../../models/recording/recorded.ts'
import { headerOf, pathOf } from './words.ts'
import { written } from '../../lib/unsafe_text.ts'

type Party = Sender | 'provider' | 'other'

const parties: readonly (readonly [Party, string])[] = [
  ['browser', 'Browser'],
  ['device', 'End-User’s device'],
  ['client', 'Client'],
  ['provider', 'Latchkey'],
  ['api', 'API'],
  ['other', 'Other server'],
]

interface Arrow {
  from: Party
  to: Party
  text: string
  kind: 'request' | 'answer' | 'refused'
}

const columnWidth = 160
const rowHeight = 40
const top = 56
const longestText = 26

const clipped = (text: string): string => {
  const plain = written(text)
  return plain.length > longestText ? `${plain.slice(0, longestText)}…` : plain
}

/** Where a redirect leads: to the client, when it carries the answer of the authorization endpoint. */
const leavesFor = (location: string | undefined): boolean =>
  location !== undefined && /[?#&](?:code|error|access_token|id_token|response)=/.test(location)

const asked = ({ sent, answer }: OutboundStep): Arrow[] => [
  {
    from: 'provider',
    to: 'other',
    text: `${sent.method} ${sent.url.replace(/^\w+:\/\//, '')}`,
    kind: 'request',
  },
  {
    from: 'other',
    to: 'provider',
    text: 'problem' in answer ? answer.problem : `${answer.status}`,
    kind: 'problem' in answer ? 'refused' : 'answer',
  },
]

function arrowsOf(exchange: Exchange, at: number): Arrow[] {
  const { from, request, answer, steps } = exchange
  const location = headerOf(answer.headers, 'location')
  const said = answer.page?.title ?? (location === undefined ? '' : `→ ${location.replace(/[?#].*$/s, '')}`)
  const isRefused = answer.status >= 400 || (location !== undefined && /[?#&]error=/.test(location))
  return [
    { from, to: 'provider', text: `${at}. ${request.method} ${pathOf(exchange)}`, kind: 'request' },
    ...steps.flatMap((step) => (step.kind === 'outbound' ? asked(step) : [])),
    { from: 'provider', to: from, text: `${answer.status} ${said}`, kind: isRefused ? 'refused' : 'answer' },
    ...(from === 'browser' && leavesFor(location)
      ? [{ from, to: 'client', text: 'GET redirect_uri', kind: 'request' } as const]
      : []),
  ]
}

const svg = defineView(
  'lab_diagram',
  '<div class="table_scroll lab_diagram" tabindex="0" role="region" aria-label="Sequence diagram"><svg width="{{width}}" height="{{height}}" viewbox="0 0 {{width}} {{height}}" role="img" aria-label="{{label}}" direction="ltr">{{lines}}{{arrows}}</svg></div>',
  ['width', 'height', 'label', 'lines', 'arrows'],
)
const lifeline = defineView(
  'lab_lifeline',
  '<path class="lab_lifeline" d="M{{x}} 40V{{bottom}}"/><text class="lab_party" x="{{x}}" y="26" text-anchor="middle">{{name}}</text>',
  ['x', 'bottom', 'name'],
)
const arrowView = defineView(
  'lab_arrow',
  '<g class="lab_arrow {{kind}}"><path class="line" d="M{{from}} {{y}}H{{to}}"/><path class="head" d="{{head}}"/><text x="{{middle}}" y="{{textY}}" text-anchor="middle">{{text}}</text></g>',
  ['kind', 'from', 'to', 'y', 'head', 'middle', 'textY', 'text'],
)

export function diagram(flow: Flow): Html {
  const arrows = flow.exchanges.flatMap((exchange, at) => arrowsOf(exchange, at + 1))
  const shown = parties.filter(([party]) => arrows.some(({ from, to }) => from === party || to === party))
  const xOf = (party: Party): number =>
    columnWidth / 2 + shown.findIndex(([each]) => each === party) * columnWidth
  const height = top + arrows.length * rowHeight
  return svg({
    width: `${shown.length * columnWidth}`,
    height: `${height}`,
    label: `${arrows.length} messages between ${shown.map(([, name]) => name).join(', ')}. The steps beside it say the same in words.`,
    lines: shown.map(([party, name]) => lifeline({ x: `${xOf(party)}`, bottom: `${height - 8}`, name })),
    arrows: arrows.map(({ from, to, text, kind }, at) => {
      const y = top + at * rowHeight + 20
      const [start, end] = [xOf(from), xOf(to)]
      const back = end > start ? end - 8 : end + 8
      return arrowView({
        kind,
        from: `${start}`,
        to: `${end}`,
        y: `${y}`,
        head: `M${back} ${y - 4}L${end} ${y}L${back} ${y + 4}`,
        middle: `${(start + end) / 2}`,
        textY: `${y - 6}`,
        text: clipped(text),
      })
    }),
  })
}
