/** `latchkey audit report`: what an auditor asks for, as a page that prints well or as CSV. docs/audit.md */
import { csvLine } from '../../lib/csv.ts'
import { exportLines } from '../../models/audit/export_lines.ts'
import { trailIssuer } from '../../models/audit/trail_issuer.ts'
import { type Verification, verifyTrail } from '../../models/audit/verify.ts'
import { withContext } from '../administration.ts'
import { defineCommand } from '../command.ts'
import { Refusal, UsageError } from '../failure.ts'
import { readMoment } from '../moment_option.ts'
import { writeLines } from '../output_file.ts'
import { print, printable } from '../output.ts'
import { readTime } from '../time_option.ts'
import { noteChange } from '../../people/author.ts'
import { accessSections } from './access_sections.ts'
import { pageLines } from './page.ts'
import type { Asked, Section } from './section.ts'
import { trailSections } from './trail_sections.ts'

const sections: readonly Section[] = [...accessSections, ...trailSections]
const names = sections.map(({ name }) => name)

const usualDays = 90

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
  const found = sections.find((each) => each.name === name)
  if (!found) throw new UsageError(`--section: expected one of ${names.join(', ')}, got ${printable(name)}`)
  return found
}

async function* csv(asked: Asked, { head, rows }: Section): AsyncGenerator<string> {
  yield `${csvLine(head)}\r`
  for await (const cells of rows(asked)) yield `${csvLine(cells)}\r`
}

export const report = defineCommand({
  takes: ['FILE'],
  options,
  async run(given, [file]) {
    const now = Date.now()
    const from = readMoment('from', given.from ?? `${usualDays}d`, now)
    const to = given.to === undefined ? now : readMoment('to', given.to, now)
    if (from >= to) throw new UsageError('--from: expected a time before --to')
    const dormantDays = Math.ceil(
      readTime('dormant', given.dormant ?? `${usualDays}d`, 3_650 * 86_400) / 86_400,
    )
    const isTable = /\.csv$/i.test(file)
    if (isTable !== (given.section !== undefined))
      throw new UsageError(
        'a table is one section as CSV: latchkey audit report dormant.csv --section dormant; the whole report is a page: latchkey audit report report.html',
      )
    const section = given.section === undefined ? undefined : sectionOf(given.section)
    return withContext('accounts', async (context) => {
      const { audit, config, store } = context
      if (!audit)
        throw new Refusal('there is no audit trail: set AUDIT_SIGNING_KEY to the value that the server has')
      await noteChange(context, 'operator', 'audit_reported', {})
      const newest = await audit.checkpoints.extend(audit, { all: true })
      const asked: Asked = { context, audit, from, to, bases: newest?.checkpoint.chains, dormantDays }
      if (section) {
        const lines = await writeLines(file, csv(asked, section))
        return {
          facts: { file, rows: lines - 1 },
          show: () => print(`wrote ${lines - 1} rows to ${printable(file)}`),
        }
      }
      const verification = await verifyTrail(exportLines({ store, issuer: config.issuer }, newest), {
        ...{ keys: audit.ring, issuer: trailIssuer(newest, config.issuer), macKeys: audit.keys },
      })
      const heading = { issuer: config.issuer, by: audit.operator, at: now, verification: told(verification) }
      await writeLines(file, pageLines(asked, sections, heading))
      return {
        facts: { file, sections: names, ok: verification.findings.length === 0 },
        show: () => print(`wrote the report to ${printable(file)}; print it, or open it in a browser`),
      }
    })
  },
})

function told({ findings, entries, newest }: Verification) {
  return {
    ok: findings.length === 0,
    entries,
    first: findings[0]?.text,
    newest: newest && `${newest.number}:${newest.digest} of ${newest.at}`,
  }
}
