/** /admin/failed_request: why a request failed, by its request id: from the lab where it is on, and from the audit trail. docs/administration.md */
import type * as v from 'valibot'
import { readRule, type Rule } from '../../../auth/rule.ts'
import type { Context } from '../../../contracts/context.ts'
import { labStylePath } from '../../../html/assets.ts'
import { filters } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { stylesheet } from '../../../html/page_parts.ts'
import { defer, type Html } from '../../../html/view.ts'
import { ownMember } from '../../../lib/own_member.ts'
import { say } from '../../../lib/say.ts'
import { auditRoutes } from '../routes/audit.ts'
import { defineAdminPage, type PageInput } from './page.ts'
import { code, facts, lead, link, onwardLink, when } from './parts.ts'

const path = '/admin/failed_request'

export const toFailedRequest = ({ basePath }: Context): Html =>
  onwardLink({ path: `${basePath}${path}`, text: say('admin.failed_request') })

type Entry = v.InferOutput<NonNullable<typeof auditRoutes.entries.answer>>['items'][number]

const ruleOf = (rule: string): Html | string =>
  / §\d/.test(rule) ? link({ path: readRule(rule as Rule).url, text: rule }) : rule

/** The members of the entry have the names of the log. */
function entryOf(entry: Entry): Html {
  const { time, details } = entry
  const more = typeof details === 'object' && details !== null ? (details as Record<string, unknown>) : {}
  const text = (name: string): string => {
    const value = entry[name] ?? ownMember(more, name)
    return typeof value === 'string' ? foreignText(value, 300) : ''
  }
  return facts([
    [say('admin.time'), when(time)],
    [say('admin.client_id'), text('client_id')],
    [say('admin.address'), text('address')],
    [code('path'), text('path')],
    [code('reason'), text('reason')],
    [code('expected'), text('expected')],
    [code('rule'), ruleOf(text('rule'))],
  ])
}

const labStyle = defer(({ base }) => stylesheet({ path: `${base}${labStylePath}` }))

/** The lab knows the most, and only while it is on. */
async function explained({ context, ask }: PageInput<typeof path>, id: string): Promise<Html[]> {
  const told = await Promise.all(context.table.lab.explains.map((explain) => explain(context, id)))
  const known = told.filter((each) => each !== undefined)
  if (known.length > 0) return [labStyle, ...known]
  if (context.config.auditSigningKey === undefined) return []
  const { answer } = await ask(auditRoutes.entries, { query: { request_id: id, kind: 'refused' } })
  return answer.items.map(entryOf)
}

export const failedRequestPage = defineAdminPage({
  path,
  section: '/admin/audit',
  scope: 'admin:audit.read',
  async show(input) {
    const { query, action } = input
    const { id } = query
    const found = id ? await explained(input, id) : []
    return {
      title: say('admin.failed_request'),
      main: [
        lead({ text: say('admin.failed_request_lead') }),
        filters({
          action,
          query: { id },
          filters: [{ kind: 'text', name: 'id', label: say('error_page.request') }],
        }),
        ...(id && found.length === 0 ? [lead({ text: say('admin.failed_request_none') })] : found),
      ],
    }
  },
})
