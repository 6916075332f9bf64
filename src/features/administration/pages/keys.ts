/** /admin/keys: the signing and decryption keys, and their rotation. */
import type * as v from 'valibot'
import { dataTable } from '../../../html/data_table.ts'
import { type Said, say } from '../../../lib/say.ts'
import { keyRoutes } from '../routes/keys.ts'
import { defineAdminPage } from './page.ts'
import { actionForm, ago, code, lead, section, selectField, state, when } from './parts.ts'

const path = '/admin/keys'

type Key = v.InferOutput<NonNullable<typeof keyRoutes.list.answer>>['items'][number]

const stateWords: Readonly<Record<Key['state'], readonly ['good' | 'doubtful', Said]>> = {
  next: ['doubtful', say('admin.key_next')],
  current: ['good', say('admin.key_current')],
  previous: ['doubtful', say('admin.key_previous')],
}

export const keysPage = defineAdminPage({
  path,
  section: path,
  scope: 'admin:keys.read',
  async show({ context, query, action, csrf, may, ask }) {
    const { answer } = await ask(keyRoutes.list, { query: { cursor: query.cursor } })
    const { algs } = context.keys
    const isAnyOutside = answer.items.some(({ source }) => source !== null)
    return {
      title: say('admin.keys'),
      main: [
        dataTable<Key>({
          label: say('admin.keys'),
          path: action,
          query: { cursor: query.cursor },
          rows: answer.items,
          next: answer.next ?? undefined,
          empty: say('admin.keys_none'),
          columns: [
            { title: say('admin.key_alg'), cell: ({ alg }) => code(alg) },
            { title: say('admin.state'), cell: (each) => state(...stateWords[each.state]) },
            { title: say('admin.key_id'), cell: ({ kid }) => code(kid) },
            { title: say('admin.created'), cell: ({ created_at }) => ago(created_at) },
            { title: say('admin.key_activates'), cell: ({ activates_at }) => when(activates_at) },
            {
              title: say('admin.key_retires'),
              cell: ({ retires_at }) => (retires_at === null ? '' : when(retires_at)),
            },
            {
              title: say('admin.key_rotates'),
              cell: ({ rotates_at }) => (rotates_at === null ? '' : when(rotates_at)),
            },
            ...(isAnyOutside
              ? [
                  {
                    title: say('admin.key_source'),
                    cell: ({ source, version }: Key) =>
                      source === null ? say('admin.key_here') : code(`${source} ${version ?? ''}`.trim()),
                  },
                ]
              : []),
          ],
        }),
        ...(may('admin:keys.write')
          ? [
              section(say('admin.keys_rotate'), [
                lead({ text: say('admin.keys_rotate_lead') }),
                actionForm({
                  action,
                  csrf,
                  name: 'rotate',
                  text: say('admin.keys_rotate'),
                  fields: [
                    selectField({
                      name: 'alg',
                      label: say('admin.key_alg'),
                      options: [
                        { value: '', text: say('admin.keys_all') },
                        ...algs.map((alg) => ({ value: alg, text: alg })),
                      ],
                    }),
                  ],
                }),
              ]),
            ]
          : []),
      ],
    }
  },
  actions: {
    rotate: {
      done: say('admin.keys_rotated'),
      async run({ fields, ask }) {
        await ask(keyRoutes.rotate, { body: { algs: fields.alg ? [fields.alg] : undefined } })
      },
    },
  },
})
