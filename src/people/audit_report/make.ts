/** Makes the report for an auditor, for the command and the API: the whole as a page, or one table as CSV. docs/audit.md */
import { csvLine } from '../../lib/csv.ts'
import type { Context } from '../../contracts/context.ts'
import type { Audit } from '../../models/audit/audit.ts'
import type { Newest } from '../../models/audit/checkpoints.ts'
import { boundsOfRequest, exportLines, partLines, within } from '../../models/audit/export_lines.ts'
import { partOf } from '../../models/audit/part.ts'
import { trailIssuer } from '../../models/audit/trail_issuer.ts'
import { type Demands, type Verification, verifyTrail } from '../../models/audit/verify.ts'
import type { Store } from '../../store/store.ts'
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

/**
 * The parts of a report, after everything until now was signed. `whole`: the page verifies all of the trail, however long it
 * is; otherwise the period and its neighbours, within the bounds of a request.
 */
export async function openReport(
  context: Context,
  audit: Audit,
  period: ReportPeriod,
  { whole }: { whole: boolean },
) {
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
      const { issuer } = config
      const demands = { keys: audit.ring, issuer: trailIssuer(newest, issuer), macKeys: audit.keys }
      const verification =
        whole || !newest
          ? told(await verifyTrail(exportLines({ store, issuer }, newest), demands), 'whole')
          : await ofPeriod({ store, issuer, period }, newest, demands)
      return {
        ok: verification.ok,
        lines: pageLines(asked, reportSections, { ...heading, issuer, verification }),
      }
    },
  }
}

class TooLong extends Error {}

async function ofPeriod(
  { store, issuer, period }: { store: Store; issuer: string; period: ReportPeriod },
  newest: Newest,
  demands: Demands & { keys: Audit['ring'] },
): Promise<Heading['verification']> {
  const part = await partOf({ store, ring: demands.keys }, newest, period)
  const lines = within(partLines({ store, issuer }, newest, part), boundsOfRequest, () => new TooLong())
  try {
    return told(await verifyTrail(lines, { ...demands, after: part.after }), 'period')
  } catch (error) {
    if (!(error instanceof TooLong)) throw error
    return { ok: undefined, of: 'period', entries: 0, first: undefined, newest: undefined }
  }
}

const told = (
  { findings, entries, newest }: Verification,
  of: Heading['verification']['of'],
): Heading['verification'] => ({
  ok: findings.length === 0,
  of,
  entries,
  first: findings[0]?.text,
  newest: newest && `${newest.number}:${newest.digest} of ${newest.at}`,
})
