/** /admin: whether all is well, at one look. */
import type * as v from 'valibot'
import { barChart, formattedNumber, lineChart } from '../../../html/chart.ts'
import { dataTable } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import type { Html } from '../../../html/view.ts'
import { type Said, say } from '../../../lib/say.ts'
import { auditRoutes } from '../routes/audit.ts'
import { healthRoutes } from '../routes/health.ts'
import { responseTimeRoutes } from '../routes/response_times.ts'
import { usageRoutes } from '../routes/usage.ts'
import { usageLink } from './files.ts'
import { adminPath } from './frame.ts'
import { livePath } from './live.ts'
import { defineAdminPage } from './page.ts'
import { ago, code, lead, section, state, tiles } from './parts.ts'
import { chartsView, liveView } from './views.ts'

/** Clients in the chart. */
const mostBars = 8

type Used = v.InferOutput<NonNullable<typeof usageRoutes.list.answer>>
type Alert = v.InferOutput<NonNullable<typeof auditRoutes.alerts.answer>>['items'][number]

/** Of the last 24 hours. */
const figuresOf = ({ total }: Used['whole']): readonly (readonly [Said, number])[] => [
  [say('admin.sign_ins'), total.sign_ins],
  [say('admin.refusals'), total.refusals],
  [say('admin.tokens_issued'), total.tokens],
  [say('admin.active_people'), total.people],
]

const clientChart = ({ clients }: Used['whole']): Html =>
  barChart({
    id: 'by_client',
    title: say('admin.chart_clients'),
    bars: clients
      .toSorted((a, b) => b.tokens - a.tokens)
      .slice(0, mostBars)
      .map(({ client_id, tokens }) => ({
        name: client_id === null ? say('admin.other_clients') : foreignText(client_id),
        value: tokens,
      })),
  })

const alertTable = (action: string, items: readonly Alert[]): Html =>
  dataTable<Alert>({
    label: say('admin.alerts'),
    part: 'alerts',
    path: action,
    query: {},
    rows: items,
    empty: say('admin.audit_none'),
    columns: [
      { title: say('admin.event'), cell: ({ rule }) => code(rule) },
      {
        title: say('admin.state'),
        cell: ({ level }) =>
          level === 'critical'
            ? state('bad', say('admin.level_critical'))
            : state('doubtful', say('admin.level_warning')),
      },
      { title: say('admin.alert_of'), cell: ({ of }) => foreignText(of, 60) },
      { title: say('admin.alert_count'), number: true, cell: ({ count }) => formattedNumber(count) },
      { title: say('admin.alert_since'), cell: ({ since }) => ago(since) },
    ],
  })

type Times = v.InferOutput<NonNullable<typeof responseTimeRoutes.list.answer>>['items'][number]

/** Endpoints in the table of response times: those with the most requests. */
const mostEndpoints = 12

const milliseconds = (value: number | null): string => (value === null ? '> 2500' : `${value}`)

const timesTable = (action: string, items: readonly Times[]): Html =>
  dataTable<Times>({
    label: say('admin.response_times'),
    path: action,
    query: {},
    rows: items.slice(0, mostEndpoints),
    empty: say('admin.no_requests'),
    columns: [
      { title: say('admin.endpoint'), cell: ({ endpoint }) => code(endpoint) },
      { title: say('admin.requests'), number: true, cell: ({ requests }) => formattedNumber(requests) },
      { title: say('admin.half_within'), number: true, cell: ({ p50_ms }) => milliseconds(p50_ms) },
      { title: say('admin.most_within'), number: true, cell: ({ p95_ms }) => milliseconds(p95_ms) },
    ],
  })

/** What a check found beyond its name, on one line. */
const detailsOf = (details: Readonly<Record<string, unknown>>): string =>
  Object.entries(details)
    .filter(([, value]) => typeof value !== 'object' || value === null)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')

export const overviewPage = defineAdminPage({
  path: adminPath,
  section: adminPath,
  scope: undefined,
  async show({ context, action, may, ask }) {
    if (!may('admin:statistics.read'))
      return { title: say('admin.overview'), main: [lead({ text: say('admin.overview_limited') })] }
    const hasAlerts = context.config.auditSigningKey !== undefined && may('admin:audit.read')
    const [{ answer }, { answer: used }, { answer: times }, alerts] = await Promise.all([
      ask(healthRoutes.show),
      ask(usageRoutes.list),
      ask(responseTimeRoutes.list),
      hasAlerts ? ask(auditRoutes.alerts) : undefined,
    ])
    const broken = answer.checks.filter(({ ok }) => !ok)
    return {
      title: say('admin.overview'),
      main: [
        liveView({ path: `${context.basePath}${livePath}` }),
        tiles([
          {
            label: say('admin.health'),
            figure:
              broken.length === 0 ? say('admin.health_good') : say('admin.health_bad', { n: broken.length }),
            isBad: broken.length > 0,
          },
          ...(used.active_sessions === null
            ? []
            : [{ label: say('admin.sessions_active'), figure: formattedNumber(used.active_sessions) }]),
          ...figuresOf(used.whole).map(([label, value]) => ({ label, figure: formattedNumber(value) })),
          ...(alerts
            ? [
                {
                  label: say('admin.alerts'),
                  figure: formattedNumber(alerts.answer.items.length),
                  isBad: alerts.answer.items.length > 0,
                },
              ]
            : []),
          { label: say('admin.version'), figure: answer.version },
        ]),
        ...(alerts && alerts.answer.items.length > 0
          ? [section(say('admin.alerts'), [alertTable(action, alerts.answer.items)])]
          : []),
        chartsView({
          charts: [
            lineChart({
              title: say('admin.chart_day'),
              step: 'hour',
              times: used.periods.map(({ at }) => Date.parse(at)),
              series: [
                { name: say('admin.sign_ins'), values: used.periods.map(({ total }) => total.sign_ins) },
                { name: say('admin.refusals'), values: used.periods.map(({ total }) => total.refusals) },
                { name: say('admin.tokens_issued'), values: used.periods.map(({ total }) => total.tokens) },
              ],
            }),
            ...(used.whole.clients.length > 0 ? [clientChart(used.whole)] : []),
          ],
        }),
        usageLink(context.basePath),
        section(say('admin.response_times'), [timesTable(action, times.items)]),
        section(say('admin.checks'), [
          dataTable({
            label: say('admin.checks'),
            path: action,
            query: {},
            rows: answer.checks,
            empty: say('admin.checks_none'),
            columns: [
              { title: say('admin.check'), cell: ({ name }) => code(name) },
              {
                title: say('admin.state'),
                cell: ({ ok, trouble, essential }) =>
                  ok
                    ? state('good', say('admin.check_ok'))
                    : state(
                        essential ? 'bad' : 'doubtful',
                        say('admin.check_trouble', { trouble: trouble ?? '' }),
                      ),
              },
              { title: say('admin.details'), cell: ({ details }) => detailsOf(details) },
            ],
          }),
        ]),
      ],
    }
  },
})
