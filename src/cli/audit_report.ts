/** `latchkey audit report`: what an auditor asks for, as a page that prints well or as CSV. docs/audit.md */
import { openReport, reportSections, usualReportDays } from '../people/audit_report/make.ts'
import type { Section } from '../people/audit_report/section.ts'
import { noteChange } from '../people/author.ts'
import { withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { readMoment } from './moment_option.ts'
import { print, printable } from './output.ts'
import { writeLines } from './output_file.ts'
import { readTime } from './time_option.ts'

const names = reportSections.map(({ name }) => name)

const options = {
  from: { type: 'string', value: 'TIME', help: 'From this date, time, or so long ago. Default: 90d' },
  to: { type: 'string', value: 'TIME', help: 'Up to this date, time, or so long ago. Default: now' },
  section: {
    type: 'string',
    value: 'NAME',
    help: `One table alone, as CSV: ${names.join(', ')}`,
  },
  dormant: { type: 'string', value: 'TIME', help: 'Without a sign-in an account is dormant. Default: 90d' },
} as const

function sectionOf(name: string): Section {
  const found = reportSections.find((each) => each.name === name)
  if (!found) throw new UsageError(`--section: expected one of ${names.join(', ')}, got ${printable(name)}`)
  return found
}

export const report = defineCommand({
  takes: ['FILE'],
  options,
  async run(given, [file]) {
    const now = Date.now()
    const from = readMoment('from', given.from ?? `${usualReportDays}d`, now)
    const to = given.to === undefined ? now : readMoment('to', given.to, now)
    if (from >= to) throw new UsageError('--from: expected a time before --to')
    const dormantDays = Math.ceil(
      readTime('dormant', given.dormant ?? `${usualReportDays}d`, 3_650 * 86_400) / 86_400,
    )
    const isTable = /\.csv$/i.test(file)
    if (isTable !== (given.section !== undefined))
      throw new UsageError(
        'a table is one section as CSV: latchkey audit report dormant.csv --section dormant; the whole report is a page: latchkey audit report report.html',
      )
    const section = given.section === undefined ? undefined : sectionOf(given.section)
    return withContext('accounts', async (context) => {
      const { audit } = context
      if (!audit)
        throw new Refusal('there is no audit trail: set AUDIT_SIGNING_KEY to the value that the server has')
      await noteChange(context, 'operator', 'audit_reported', {})
      const opened = await openReport(context, audit, { from, to, dormantDays }, { whole: true })
      if (section) {
        const lines = await writeLines(file, opened.csv(section))
        return {
          facts: { file, rows: lines - 1 },
          show: () => print(`wrote ${lines - 1} rows to ${printable(file)}`),
        }
      }
      const { ok, lines } = await opened.page({ by: audit.operator, at: now })
      await writeLines(file, lines)
      return {
        facts: { file, sections: names, ok },
        show: () => print(`wrote the report to ${printable(file)}; print it, or open it in a browser`),
      }
    })
  },
})
