/** /admin/scopes: the scopes that apps can request, and the claims of each. */
import type * as v from 'valibot'
import { dataTable } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { say } from '../../../lib/say.ts'
import { scopeRoutes } from '../routes/scopes.ts'
import { defineAdminPage } from './page.ts'
import { code, lead } from './parts.ts'

export const scopesPath = '/admin/scopes'

type Scope = v.InferOutput<NonNullable<typeof scopeRoutes.list.answer>>['items'][number]

export const scopesPage = defineAdminPage({
  path: scopesPath,
  section: '/admin/settings',
  scope: 'admin:settings.read',
  async show({ query, action, ask }) {
    const { answer } = await ask(scopeRoutes.list, { query: { cursor: query.cursor } })
    return {
      title: say('admin.scopes'),
      main: [
        lead({ text: say('admin.scopes_lead') }),
        dataTable<Scope>({
          label: say('admin.scopes'),
          path: action,
          query: { cursor: query.cursor },
          rows: answer.items,
          next: answer.next ?? undefined,
          empty: say('admin.settings_none'),
          columns: [
            { title: say('admin.scope'), cell: ({ name }) => code(name) },
            { title: say('admin.scope_claims'), cell: ({ claims }) => foreignText(claims.join(', '), 400) },
            { title: say('admin.details'), cell: ({ description }) => foreignText(description ?? '', 300) },
            {
              title: say('admin.scope_given'),
              cell: ({ by_operator: byOperator }) =>
                byOperator ? say('admin.scope_by_operator') : say('admin.scope_open'),
            },
            { title: say('admin.setting_from'), cell: ({ from }) => code(from) },
          ],
        }),
      ],
    }
  },
})
