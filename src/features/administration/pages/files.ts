/** Downloads of the pages of /admin, and the page that offers those of the audit trail. docs/audit.md */
import type * as v from 'valibot'
import type { AdminScope } from '../../../auth/admin_roles.ts'
import { HttpError } from '../../../auth/errors.ts'
import { defineEndpoint, type Endpoint } from '../../../contracts/endpoint.ts'
import { query } from '../../../http/call.ts'
import { fileReply } from '../../../http/file_reply.ts'
import { type Said, say } from '../../../lib/say.ts'
import { laneOf } from '../actor.ts'
import { perform } from '../perform.ts'
import { parsed } from '../read_input.ts'
import type { RouteOf } from '../route.ts'
import { auditFileRoutes } from '../routes/audit_files.ts'
import { usageRoutes } from '../routes/usage.ts'
import { administratorOf } from './administrator.ts'
import { adminPath } from './frame.ts'
import { fileHead } from './head.ts'
import { defineAdminPage } from './page.ts'
import { buttonLink, lead, onwardLink, section } from './parts.ts'

interface AdminFile<Q extends v.ObjectEntries> {
  path: `/admin/${string}`
  /** Where a sign-in leads back: a download leaves the page before it in the browser. */
  page: `/admin${string}`
  route: RouteOf<`/${string}`, Q, Record<never, never>, undefined>
}

function defineAdminFile<Q extends v.ObjectEntries>({ path, page, route }: AdminFile<Q>): Endpoint {
  return defineEndpoint({
    ...fileHead(path),
    page: true,
    async get(call, context) {
      const found = await administratorOf(call, context, page, { isChange: route.noted === true })
      if ('reply' in found) return found.reply
      const { actor } = found
      if (!actor.scopes.has(route.scope as AdminScope))
        throw new HttpError('not_found', {
          expected: `a role with the scope ${route.scope}`,
          came: actor.role,
        })
      const asked = parsed(route.query ?? ({} as Q), { ...query(call, context) }, 'a query')
      const { file } = await perform(call, context, route, {
        actor,
        params: {} as never,
        query: asked,
        body: {} as never,
      })
      return fileReply(context, laneOf(actor), file!)
    },
  })
}

const auditPath = '/admin/audit'
const exportPath = `${auditPath}/export`
const trailPath = `${exportPath}/trail`
const reportPath = `${exportPath}/report`
const usagePath = '/admin/usage'

export const adminFiles: readonly Endpoint[] = [
  defineAdminFile({ path: trailPath, page: exportPath, route: auditFileRoutes.export }),
  defineAdminFile({ path: reportPath, page: exportPath, route: auditFileRoutes.report }),
  defineAdminFile({ path: usagePath, page: adminPath, route: usageRoutes.export }),
]

const choices: readonly (readonly [format: string, text: Said])[] = [
  ['jsonl', say('admin.export_jsonl')],
  ['csv', say('admin.export_csv')],
  ['ocsf', say('admin.export_ocsf')],
  ['ecs', say('admin.export_ecs')],
]

/** It asks for the fresh sign-in that its downloads need. */
export const auditExportPage = defineAdminPage({
  path: exportPath,
  section: auditPath,
  scope: 'admin:audit.read',
  fresh: true,
  async show({ context }) {
    const title = say('admin.export')
    if (context.config.auditSigningKey === undefined)
      return { title, main: [lead({ text: say('admin.audit_off') })] }
    const { basePath: base } = context
    return {
      title,
      main: [
        lead({ text: say('admin.export_lead') }),
        section(say('admin.audit'), [
          ...choices.map(([format, text]) =>
            buttonLink({ path: `${base}${trailPath}?format=${format}`, text }),
          ),
        ]),
        section(say('admin.report'), [
          buttonLink({
            path: `${base}${reportPath}`,
            text: say('admin.report_get'),
            hint: say('admin.report_hint'),
          }),
        ]),
        onwardLink({ path: `${base}${auditPath}`, text: say('admin.audit') }),
      ],
    }
  },
})

/** The link of the overview. */
export const usageLink = (base: string) =>
  onwardLink({ path: `${base}${usagePath}?by=hour`, text: say('admin.usage_csv') })

export const exportLink = (base: string) =>
  onwardLink({ path: `${base}${exportPath}`, text: say('admin.export') })
