/** /lab/compare: two flows side by side, with the first difference marked. */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { labPage } from '../../flow/lab_page.ts'
import { defineView, type Html } from '../../html/view.ts'
import type { Flow } from '../../models/recording/recorded.ts'
import { flowOf } from './found_flow.ts'
import { flowPath, flowsPath } from './paths.ts'
import { link, paragraph, pathOf, timeText, titleOf } from './words.ts'
import { written } from '../../lib/unsafe_text.ts'

/** A line of a flow: what it says, and what makes it the same as one of another flow. */
interface Line {
  text: string
  same: string
  bad: boolean
}

/** Requests and checks. Values that differ in every flow, such as codes and times, make no difference. */
const linesOf = ({ exchanges }: Flow): Line[] =>
  exchanges.flatMap((exchange) => {
    const { request, answer, steps, grantType = '' } = exchange
    const head = `${request.method} ${pathOf(exchange)} ${grantType}`
    const checks = steps.flatMap((step): Line[] =>
      step.kind === 'check'
        ? [
            {
              text: `${step.held ? 'holds' : 'FAILS'}: ${step.expected} (${step.rule})${step.held ? '' : ` came ${step.came ?? 'nothing'}`}`,
              same: `${step.rule} ${step.code} ${step.held}`,
              bad: !step.held,
            },
          ]
        : [],
    )
    const end = `answer ${answer.status}`
    return [
      { text: head, same: head, bad: false },
      ...checks,
      { text: end, same: `${head} ${end}`, bad: answer.status >= 400 },
    ]
  })

/** The index of the first line that differs; undefined for flows that went the same way. */
function firstDifference(one: readonly Line[], other: readonly Line[]): number | undefined {
  const length = Math.max(one.length, other.length)
  for (let at = 0; at < length; at += 1) if (one[at]?.same !== other[at]?.same) return at
  return undefined
}

const view = defineView(
  'lab_compare',
  '<p>{{said}}</p><div class="table_scroll" tabindex="0" role="region" aria-label="Both flows"><table class="data lab_compare"><thead><tr><th scope="col">{{one}}</th><th scope="col">{{other}}</th></tr></thead><tbody>{{rows}}</tbody></table></div>',
  ['said', 'one', 'other', 'rows'],
)
const row = defineView(
  'lab_compare_row',
  '<tr class="{{kind}}"><td data-title="First">{{mark}}<span>{{one}}</span></td><td data-title="Second"><span>{{other}}</span></td></tr>',
  ['kind', 'mark', 'one', 'other'],
)
const mark = defineView('lab_first', '<strong class="badge">First difference</strong> ', [])
const noMark: readonly Html[] = []
const skipped = defineView('lab_skipped', '<tr><td colspan="2" class="muted">{{text}}</td></tr>', ['text'])

/** Lines that are shown before the first difference. */
const before = 6

/** From a few lines before the first difference to the end. */
function rowsOf(left: readonly Line[], right: readonly Line[], first: number | undefined): Html[] {
  const length = Math.max(left.length, right.length)
  const from = Math.max(0, (first ?? length) - before)
  const rows = Array.from({ length: length - from }, (_, index) => {
    const at = from + index
    return row({
      kind: at === first ? 'lab_first' : '',
      mark: at === first ? mark({}) : noMark,
      one: written(left[at]?.text ?? 'nothing'),
      other: written(right[at]?.text ?? 'nothing'),
    })
  })
  return from === 0 ? rows : [skipped({ text: `${from} lines are the same in both flows.` }), ...rows]
}

export function show(call: Call, context: Context): Reply {
  const [one, other] = [flowOf(call, context, 'a'), flowOf(call, context, 'b')]
  const [left, right] = [linesOf(one), linesOf(other)]
  const first = firstDifference(left, right)
  const named = (flow: Flow) =>
    link({
      path: `${context.basePath}${flowPath}?id=${flow.id}`,
      text: `${titleOf(flow)}, ${timeText(flow.exchanges[0]?.at ?? 0)}`,
    })
  return labPage(context, {
    current: flowsPath,
    title: 'Two flows compared',
    main: [
      view({
        said:
          first === undefined
            ? 'Both flows went the same way: the same requests, checks and answers.'
            : `The flows went the same way for ${first} lines, and differ in line ${first + 1}.`,
        one: named(one),
        other: named(other),
        rows: rowsOf(left, right, first),
      }),
      paragraph({ text: link({ path: `${context.basePath}${flowsPath}`, text: 'All flows' }) }),
    ],
  })
}
