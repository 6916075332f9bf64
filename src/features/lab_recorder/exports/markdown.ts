/** A flow as a lab report in Markdown. Recorded values stand in code blocks, in which nothing is markup. */
import {
  clientsOf,
  faultsOf,
  outcomeOf,
  outcomeOfExchange,
  peopleOf,
  whyOpen,
} from '../../../models/recording/flow_kinds.ts'
import type { CheckStep, Exchange, Flow, Step } from '../../../models/recording/recorded.ts'
import { rawText } from '../raw.ts'
import { pathOf, targetOf, timeText, titleOf } from '../words.ts'
import { written } from '../../../lib/unsafe_text.ts'

const lines = (text: string): string => text.split('\n').map(written).join('\n')

/** The fence is longer than any in the text. */
function block(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${lines(text)}\n${fence}`
}

/** One line of code in a sentence or a cell. */
function code(text: string): string {
  const plain = written(text)
    .replace(/[\r\n]+/g, ' ')
    .replaceAll('|', '\\|')
  const ticks = '`'.repeat(Math.max(0, ...[...plain.matchAll(/`+/g)].map(([each]) => each.length)) + 1)
  return ticks.length > 1 ? `${ticks} ${plain} ${ticks}` : `${ticks}${plain}${ticks}`
}

const checkRow = ({ held, expected, rule, came, wanted }: CheckStep): string =>
  `| ${held ? 'holds' : '**fails**'} | ${code(expected)} | ${rule} | ${code(came ?? '-')} | ${code(wanted ?? '-')} |`

function checks(steps: readonly Step[]): string[] {
  const made = steps.filter((each) => each.kind === 'check')
  if (made.length === 0) return []
  return [
    '| Check | Expected | Rule | Came | Compared with |',
    '| --- | --- | --- | --- | --- |',
    ...made.map(checkRow),
    '',
  ]
}

function others(steps: readonly Step[]): string[] {
  const said = steps.flatMap((step) => {
    if (step.kind === 'store')
      return [
        `- Store: ${step.verb} ${code(step.of)}${step.ttl === undefined ? '' : `, for ${Math.round(step.ttl / 1000)} s`}`,
      ]
    if (step.kind === 'signed') return [`- Signed with ${code(step.alg)} by the key ${code(step.kid)}`]
    if (step.kind === 'verified')
      return [`- Verified a signature: ${step.held ? 'it holds' : 'it does not hold'}`]
    if (step.kind === 'outbound')
      return [`- Asked another server: ${code(`${step.sent.method} ${step.sent.url}`)}`]
    return []
  })
  return said.length > 0 ? [...said, ''] : []
}

const section = (exchange: Exchange, at: number): string[] => {
  const { request, answer, steps, tokens } = exchange
  return [
    `## ${at + 1}. ${request.method} ${code(pathOf(exchange))}: ${answer.status}, ${outcomeOfExchange(exchange)}`,
    '',
    ...faultsOf(exchange).flatMap((fault) => [`The lab told the fault ${code(fault)} here.`, '']),
    ...(answer.page ? [`The End-User saw the page ${code(answer.page.title)}.`, ''] : []),
    ...checks(steps),
    ...others(steps),
    ...tokens.flatMap(({ where, token }) => [
      `Token ${code(where)}:`,
      '',
      block(JSON.stringify(token, undefined, 2)),
      '',
    ]),
    'Request:',
    '',
    block(rawText(`${request.method} ${targetOf(exchange)}`, request)),
    '',
    'Answer:',
    '',
    block(rawText(`${answer.status}`, answer)),
    '',
  ]
}

export const asMarkdown = (flow: Flow): string =>
  [
    `# Flow: ${titleOf(flow)}`,
    '',
    `- Outcome: ${[outcomeOf(flow), whyOpen(flow) ?? []].flat().join(': ')}`,
    `- Client: ${code(clientsOf(flow).join(', ') || 'none')}`,
    `- End-User: ${code(peopleOf(flow).join(', ') || 'none')}`,
    `- Began: ${timeText(flow.exchanges[0]?.at ?? 0)} (UTC)`,
    '',
    ...flow.exchanges.flatMap(section),
  ].join('\n')
