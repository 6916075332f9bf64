/** /admin/upstreams: the providers that people sign in from. */
import type * as v from 'valibot'
import { buttonForm } from '../../../html/account_parts.ts'
import { dataTable } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { type Said, say } from '../../../lib/say.ts'
import { upstreamRoutes } from '../routes/upstreams.ts'
import { defineAdminPage } from './page.ts'
import { ago, code, lead, state } from './parts.ts'

export const upstreamsPath = '/admin/upstreams'

type Upstream = v.InferOutput<NonNullable<typeof upstreamRoutes.list.answer>>['items'][number]

const statusWords: Readonly<Record<Upstream['status'], readonly ['good' | 'doubtful' | 'bad', Said]>> = {
  ok: ['good', say('admin.upstream_ok')],
  failed: ['bad', say('admin.upstream_failed')],
  not_asked_yet: ['doubtful', say('admin.upstream_unknown')],
}

export const upstreamsPage = defineAdminPage({
  path: upstreamsPath,
  section: '/admin/settings',
  scope: 'admin:upstream.read',
  async show({ action, csrf, may, ask }) {
    const { answer } = await ask(upstreamRoutes.list)
    return {
      title: say('admin.upstreams'),
      main: [
        lead({ text: say('admin.upstreams_lead') }),
        dataTable<Upstream>({
          label: say('admin.upstreams'),
          path: action,
          query: {},
          rows: answer.items,
          empty: say('admin.upstreams_none'),
          columns: [
            { title: say('admin.name'), cell: ({ label }) => foreignText(label) },
            { title: say('admin.upstream_kind'), cell: ({ kind }) => code(kind) },
            { title: say('admin.state'), cell: ({ status }) => state(...statusWords[status]) },
            { title: say('admin.upstream_asked'), cell: ({ at }) => ago(at) },
            { title: say('admin.details'), cell: ({ problem }) => foreignText(problem ?? '', 300) },
            ...(may('admin:upstream.write')
              ? [
                  {
                    title: say('admin.actions'),
                    cell: ({ id }: Upstream) =>
                      buttonForm({
                        action,
                        csrf,
                        name: 'test',
                        text: say('admin.upstream_test'),
                        fields: { id },
                      }),
                  },
                ]
              : []),
          ],
        }),
      ],
    }
  },
  actions: {
    test: {
      done: say('admin.upstream_tested'),
      run: async ({ fields, ask }) =>
        void (await ask(upstreamRoutes.test, { params: { id: fields.id ?? '' } })),
    },
  },
})
