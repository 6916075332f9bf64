/** Makes the report for an auditor, for the command and the API: the whole as a page, or one table as CSV. docs/audit.md */
import { csvLine } from '../../lib/csv.ts'
import type { Context } from '../../contracts/context.ts'
import type { Audit } from '../../models/audit/audit.ts'
import { exportLines } from '../../models/audit/export_lines.ts'
import { trailIssuer } from '../../models/audit/trail_issuer.ts'
import { type Verification, verifyTrail } from '../../models/audit/verify.ts'
import { accessSections } from './access_sections.ts'
import { type Heading, pageLines } from './page.ts'
import type { Asked, Section } from './section.ts'
import { trailSections } from './trail_sections.ts'

export const reportSections: readonly Section[] = [...accessSections, ...trailSections]

/** Days that a report goes back, and without a sign-in after which an account is dormant. */
export const usualReportDays = 90

export interface ReportPeriod {
  /** Milliseconds. */
  from: number
  to: number
  dormantDays: number
}

/** The parts of a report, after everything until now was signed. */
export async function openReport(context: Context, audit: Audit, period: ReportPeriod) {
  const { store, config } = context
  const newest = await audit.checkpoints.extend(audit, { all: true })
  const asked: Asked = { context, audit, ...period, bases: newest?.checkpoint.chains }
  return {
    async *csv({ head, rows }: Section): AsyncGenerator<string> {
      yield `${csvLine(head)}\r`
      for await (const cells of rows(asked)) yield `${csvLine(cells)}\r`
    },
    /** Verifies the trail first: the page says whether it is as it was written. */
    async page(heading: Omit<Heading, 'issuer' | 'verification'>) {
      const lines = exportLines({ store, issuer: config.issuer }, newest)
      const demands = { keys: audit.ring, issuer: trailIssuer(newest, config.issuer), macKeys: audit.keys }
      const verification = told(await verifyTrail(lines, demands))
      const { issuer } = config
      return {
        ok: verification.ok,
        lines: pageLines(asked, reportSections, { ...heading, issuer, verification }),
      }
    },
  }
}

const told = ({ findings, entries, newest }: Verification): Heading['verification'] => ({
  ok: findings.length === 0,
  entries,
  first: findings[0]?.text,
  newest: newest && `${newest.number}:${newest.digest} of ${newest.at}`,
})
