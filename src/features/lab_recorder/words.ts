/** Words and small views that the pages of flows share. Every recorded value is escaped, and its invisible characters are written out. */
import { readRule, type Rule } from '../../auth/rule.ts'
import type { IconName } from '../../html/icon.ts'
import { icon } from '../../html/page_parts.ts'
import { defineView, type Html } from '../../html/view.ts'
import { kindsOf } from '../../models/recording/flow_kinds.ts'
import type { Exchange, Flow, Outcome } from '../../models/recording/recorded.ts'

export const timeText = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').slice(0, 23)

export const titleOf = (flow: Flow): string => kindsOf(flow).join(', ') || 'page'

/** The path and query of a request, without the origin. */
export const targetOf = ({ request }: Exchange): string => request.url.replace(/^[a-z]+:\/\/[^/]*/i, '')

export const pathOf = (exchange: Exchange): string => targetOf(exchange).replace(/[?#].*$/s, '')

export const headerOf = (headers: readonly (readonly [string, string])[], name: string): string | undefined =>
  headers.find(([each]) => each.toLowerCase() === name)?.[1]

const rule = defineView('lab_rule', '<a href="{{url}}" rel="noreferrer">{{rule}}</a>', ['url', 'rule'])

/** The citation as a link to its section. */
export function ruleLink(text: string): Html | string {
  if (!/ §\d/.test(text)) return text
  return rule({ url: readRule(text as Rule).url, rule: text })
}

const badge = defineView('lab_state', '<span class="state {{kind}}">{{icon}}{{text}}</span>', [
  'kind',
  'icon',
  'text',
])

const outcomes: Readonly<Record<Outcome, readonly [kind: string, icon: IconName]>> = {
  succeeded: ['good', 'circle-check'],
  refused: ['bad', 'octagon-x'],
  failed: ['bad', 'octagon-x'],
  open: ['doubtful', 'clock'],
}

export const outcomeBadge = (outcome: Outcome): Html => {
  const [kind, mark] = outcomes[outcome]
  return badge({ kind, icon: icon(mark), text: outcome })
}

export const faultBadge = (fault: string): Html =>
  badge({ kind: 'doubtful', icon: icon('triangle-alert'), text: `fault told: ${fault}` })

/** Whether a check held. */
export const heldBadge = (held: boolean): Html =>
  badge({
    kind: held ? 'good' : 'bad',
    icon: icon(held ? 'circle-check' : 'octagon-x'),
    text: held ? 'holds' : 'fails',
  })

export const link = defineView('lab_link', '<a href="{{path}}">{{text}}</a>', ['path', 'text'])
export const paragraph = defineView('lab_text', '<p>{{text}}</p>', ['text'])
