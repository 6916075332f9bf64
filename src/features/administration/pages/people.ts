/** /admin/people: finds people, a page at a time. */
import type * as v from 'valibot'
import { foreignText } from '../../../html/foreign_text.ts'
import { dataTable, filters } from '../../../html/data_table.ts'
import { say } from '../../../lib/say.ts'
import type { PersonRow } from '../person.ts'
import { peopleRoutes } from '../routes/people.ts'
import { defineAdminPage } from './page.ts'
import { ago, link, state } from './parts.ts'
import { roleWords, stateWords } from './words.ts'

type Row = v.InferOutput<typeof PersonRow>

export const peoplePage = defineAdminPage({
  path: '/admin/people',
  section: '/admin/people',
  scope: 'admin:people.read',
  async show({ context, query, action, ask }) {
    const chosen = { q: query.q, sort: query.sort, cursor: query.cursor }
    const { answer } = await ask(peopleRoutes.list, { query: chosen })
    return {
      title: say('admin.people'),
      main: [
        filters({
          action,
          query: chosen,
          filters: [{ kind: 'text', name: 'q', label: say('admin.people_search') }],
        }),
        dataTable<Row>({
          label: say('admin.people'),
          path: action,
          query: chosen,
          rows: answer.items,
          next: answer.next ?? undefined,
          empty: say('admin.people_none'),
          columns: [
            {
              title: say('admin.person'),
              cell: ({ sub, username }) =>
                link({
                  path: `${context.basePath}/admin/people/${encodeURIComponent(sub)}`,
                  text: foreignText(username),
                }),
            },
            { title: say('admin.email'), cell: ({ email }) => (email === null ? '' : foreignText(email)) },
            { title: say('admin.state'), cell: ({ state: each }) => state(...stateWords[each]) },
            {
              title: say('admin.role'),
              cell: ({ administration_role: role }) => (role === null ? '' : roleWords[role]),
            },
            { title: say('admin.created'), sort: 'created_at', cell: ({ created_at }) => ago(created_at) },
          ],
        }),
      ],
    }
  },
})
