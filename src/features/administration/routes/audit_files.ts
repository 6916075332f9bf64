/** The audit trail and the auditor's report as files. docs/audit.md */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import type { Context } from '../../../contracts/context.ts'
import type { Audit } from '../../../models/audit/audit.ts'
import type { Entry } from '../../../models/audit/entry.ts'
import { noteChange } from '../../../people/author.ts'
import { version } from '../../../version.ts'
import { authorOf } from '../actor.ts'
import { GivenMoment } from '../person.ts'
import { defineRoute } from '../route.ts'

/** Loaded only where there is a trail. */
const parts = {
  exports: () => import('../../../models/audit/exports.ts'),
  lines: () => import('../../../models/audit/export_lines.ts'),
  report: () => import('../../../people/audit_report/make.ts'),
}

/** As `exportNames` of models/audit/exports.ts, which is loaded with the first export. */
const formats = ['jsonl', 'csv', 'ocsf', 'ecs'] as const

const dayMs = 86_400_000

const time = (what: string) => v.optional(v.pipe(GivenMoment, v.description(what)))

/** Undefined for HEAD, whose context keeps no write. Throws 404 where there is no trail. */
function trailOf({ config, audit }: Context): Audit | undefined {
  if (config.auditSigningKey !== undefined) return audit
  throw new HttpError('not_found', {
    expected: 'an audit trail',
    problem: 'there is none',
    next: 'set AUDIT_SIGNING_KEY',
  })
}

interface Period {
  from: number
  to: number
}

/** Throws 400 for a period that is empty. */
function periodOf(given: { from?: string | undefined; to?: string | undefined }, otherwise: Period): Period {
  const from = given.from === undefined ? otherwise.from : Date.parse(given.from)
  const to = given.to === undefined ? otherwise.to : Date.parse(given.to)
  if (from < to) return { from, to }
  throw new HttpError('bad_request', {
    expected: 'from before to',
    came: `${new Date(from).toISOString()} to ${new Date(to).toISOString()}`,
  })
}

const fileName = (name: string, extension: string, now: number): string =>
  `${name}_${new Date(now).toISOString().slice(0, 10)}.${extension}`

const isWithin =
  ({ from, to }: Period) =>
  ({ time: text }: Entry): boolean => {
    const at = Date.parse(text)
    return at >= from && at < to
  }

export const auditFileRoutes = {
  export: defineRoute({
    method: 'GET',
    path: '/audit/export',
    summary:
      'The audit trail as a file, sent as it is read; jsonl verifies offline with latchkey audit verify',
    scope: 'admin:audit.read',
    noted: true,
    query: {
      format: v.optional(v.picklist(formats), 'jsonl'),
      from: time('Of csv, ocsf and ecs. Default: the first entry'),
      to: time('Of csv, ocsf and ecs. Default: now'),
    },
    file: ['application/jsonl', 'text/csv'],
    async run(call, context, { actor, query: { format, ...given } }) {
      const audit = trailOf(context)
      const [{ exports }, { exportLines }] = await Promise.all([parts.exports(), parts.lines()])
      const { type, extension, write } = exports[format]
      if (format === 'jsonl' && (given.from !== undefined || given.to !== undefined))
        throw new HttpError('bad_request', {
          expected: 'no from and no to with jsonl',
          problem: 'a part of a chain cannot be verified, so this format has the whole trail',
          next: 'choose csv, ocsf or ecs for a period',
        })
      const now = context.clock.now()
      const period = periodOf(given, { from: 0, to: now + dayMs })
      await noteChange(context, authorOf(call, actor), 'audit_exported', {})
      async function* lines(): AsyncGenerator<string> {
        if (!audit) return
        const newest = await audit.checkpoints.extend(audit, { all: true })
        const { store, config } = context
        const all = exportLines({ store, issuer: config.issuer }, newest)
        yield* write(all, { issuer: config.issuer, version }, isWithin(period))
      }
      return { answer: undefined, file: { type, name: fileName('audit', extension, now), lines: lines() } }
    },
  }),

  report: defineRoute({
    method: 'GET',
    path: '/audit/report',
    summary:
      "The auditor's report: the whole as a page that prints well, or one section of it as CSV with all rows",
    scope: 'admin:audit.read',
    noted: true,
    query: {
      from: time('Default: 90 days before `to`'),
      to: time('Default: now'),
      section: v.optional(
        v.pipe(v.string(), v.maxLength(100), v.description('The name of one table, which is sent as CSV')),
      ),
      dormant_days: v.optional(
        v.pipe(
          v.string(),
          v.regex(/^[1-9]\d{0,3}$/, 'a number of days'),
          v.transform(Number),
          v.description('Days without a sign-in after which an account is dormant. Default: 90'),
        ),
      ),
    },
    file: ['text/html', 'text/csv'],
    async run(call, context, { actor, query: { section: name, dormant_days, ...given } }) {
      const audit = trailOf(context)
      const { openReport, reportSections, usualReportDays } = await parts.report()
      const now = context.clock.now()
      const to = given.to === undefined ? now : Date.parse(given.to)
      const period = periodOf(given, { from: to - usualReportDays * dayMs, to: now })
      const section = reportSections.find((each) => each.name === name)
      if (name !== undefined && !section)
        throw new HttpError('bad_request', {
          expected: `section: one of ${reportSections.map((each) => each.name).join(', ')}`,
          came: name,
        })
      await noteChange(context, authorOf(call, actor), 'audit_reported', {})
      async function* lines(): AsyncGenerator<string> {
        if (!audit) return
        const dormantDays = dormant_days ?? usualReportDays
        const opened = await openReport(context, audit, { ...period, dormantDays }, { whole: false })
        if (section) yield* opened.csv(section)
        else yield* (await opened.page({ by: actor.sub ?? actor.clientId ?? '', at: now })).lines
      }
      const file = section
        ? { type: 'text/csv; charset=utf-8', name: fileName(`audit_${section.name}`, 'csv', now) }
        : { type: 'text/html; charset=utf-8', name: fileName('audit_report', 'html', now) }
      return { answer: undefined, file: { ...file, lines: lines() } }
    },
  }),
}
