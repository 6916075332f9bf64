/** /admin/audit: what happened, by kind, outcome, client and address; and whether the trail is as it was written. */
import type * as v from 'valibot'
import type { Context } from '../../../contracts/context.ts'
import { dataTable, filters } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import type { Html } from '../../../html/view.ts'
import { hint } from '../../../http/hints.ts'
import { say } from '../../../lib/say.ts'
import { auditRoutes } from '../routes/audit.ts'
import { exportLink } from './files.ts'
import { defineAdminPage, type PageInput } from './page.ts'
import { code, facts, lead, onwardLink, section, state, when } from './parts.ts'
import { toFailedRequest } from './failed_request.ts'
import { actorWords, outcomeWords } from './words.ts'

const path = '/admin/audit'

type Entry = v.InferOutput<NonNullable<typeof auditRoutes.entries.answer>>['items'][number]

const textIn = (entry: Entry, name: string): string =>
  typeof entry[name] === 'string' ? foreignText(entry[name]) : ''

/** What the kind names, on one line. */
const detailsOf = ({ details }: Entry): string =>
  typeof details === 'object' && details !== null
    ? foreignText(
        Object.entries(details)
          .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
          .join(', '),
        300,
      )
    : ''

const off = (context: Context): Html[] => [lead({ text: say('admin.audit_off') }), toFailedRequest(context)]

export const auditPage = defineAdminPage({
  path,
  section: path,
  scope: 'admin:audit.read',
  async show({ context, query, action, ask }) {
    const title = say('admin.audit')
    if (context.config.auditSigningKey === undefined) return { title, main: off(context) }
    const { kind, outcome, client_id, address, sub, cursor } = query
    const chosen = { kind, outcome, client_id, address, sub, cursor }
    const [{ kinds }, { answer }] = await Promise.all([
      import('../../../models/audit/kinds.ts'),
      ask(auditRoutes.entries, { query: chosen }),
    ])
    return {
      title,
      main: [
        filters({
          action,
          query: chosen,
          filters: [
            {
              kind: 'choice',
              name: 'kind',
              label: say('admin.event'),
              options: Object.keys(kinds).map((each) => ({ value: each, text: each })),
            },
            {
              kind: 'choice',
              name: 'outcome',
              label: say('admin.outcome'),
              options: Object.entries(outcomeWords).map(([value, [, text]]) => ({ value, text })),
            },
            { kind: 'text', name: 'client_id', label: say('admin.client_id') },
            { kind: 'text', name: 'address', label: say('admin.address') },
          ],
        }),
        dataTable<Entry>({
          label: title,
          path: action,
          query: chosen,
          rows: answer.items,
          next: answer.next ?? undefined,
          empty: say('admin.audit_none'),
          columns: [
            { title: say('admin.event'), cell: ({ kind: name }) => code(name) },
            { title: say('admin.time'), cell: ({ time }) => when(time) },
            {
              title: say('admin.outcome'),
              cell: ({ outcome: each }) => state(...(outcomeWords[each] ?? outcomeWords.failure)),
            },
            {
              title: say('admin.actor'),
              cell: (each) => textIn(each, 'operator') || (actorWords[each.actor] ?? each.actor),
            },
            { title: say('admin.client_id'), cell: (each) => textIn(each, 'client_id') },
            { title: say('admin.address'), cell: (each) => textIn(each, 'address') },
            { title: say('admin.details'), cell: detailsOf },
          ],
        }),
        onwardLink({ path: `${context.basePath}${verificationPath}`, text: say('admin.audit_verify') }),
        toFailedRequest(context),
        exportLink(context.basePath),
      ],
    }
  },
})

const verificationPath = '/admin/audit/verification'

export const auditVerificationPage = defineAdminPage({
  path: verificationPath,
  section: path,
  scope: 'admin:audit.read',
  async show({ context, ask }: PageInput<typeof verificationPath>) {
    const title = say('admin.audit_verification')
    if (context.config.auditSigningKey === undefined) return { title, main: off(context) }
    const { answer } = await ask(auditRoutes.verification)
    return {
      title,
      main: [
        facts([
          [
            say('admin.state'),
            answer.ok
              ? state('good', say('admin.audit_whole'))
              : state('bad', say('admin.audit_changed', { n: answer.findings.length })),
          ],
          [say('admin.audit_entries'), `${answer.entries}`],
          [say('admin.audit_chains'), `${answer.chains}`],
          [say('admin.audit_checkpoints'), `${answer.checkpoints}`],
          [say('admin.audit_dropped'), `${answer.dropped}`],
          [say('admin.audit_uncovered'), `${answer.uncovered}`],
        ]),
        ...(answer.ok
          ? []
          : [
              section(say('admin.audit_findings'), [
                dataTable({
                  label: say('admin.audit_findings'),
                  path: `${context.basePath}${verificationPath}`,
                  query: {},
                  rows: answer.findings,
                  empty: say('admin.audit_none'),
                  columns: [
                    { title: say('admin.event'), cell: ({ problem }) => code(problem) },
                    {
                      title: say('admin.audit_place'),
                      cell: ({ chain, seq }) => `${chain ?? ''} ${seq ?? ''}`.trim(),
                    },
                    { title: say('admin.details'), cell: ({ text }) => foreignText(text, 300) },
                  ],
                }),
              ]),
            ]),
        lead({
          text: say('admin.audit_offline', {
            exporting: hint(context, 'latchkey audit export'),
            verifying: hint(context, 'latchkey audit verify'),
          }),
        }),
        onwardLink({ path: `${context.basePath}${path}`, text: say('admin.audit') }),
      ],
    }
  },
})
