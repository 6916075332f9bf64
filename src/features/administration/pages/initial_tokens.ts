/** /admin/initial_access_tokens: initial access tokens, with which developers register clients. */
import type * as v from 'valibot'
import { dataTable } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { say } from '../../../lib/say.ts'
import { initialTokenRoutes } from '../routes/initial_access_tokens.ts'
import { defineAdminPage } from './page.ts'
import {
  actionForm,
  ago,
  buttonColumn,
  lead,
  linesField,
  linesOf,
  onwardLink,
  preformatted,
  section,
  textField,
  warning,
  when,
} from './parts.ts'

export const initialTokensPath = '/admin/initial_access_tokens'

type Row = v.InferOutput<NonNullable<typeof initialTokenRoutes.list.answer>>['items'][number]

const limitsOf = ({ scopes, grant_types, auth_methods, redirect_hosts }: Row): string =>
  [scopes, grant_types, auth_methods, redirect_hosts].flatMap((words) => words ?? []).join(' ')

const wordsIn = (text: string | undefined): string[] | undefined => {
  const words = (text ?? '').split(/\s+/).filter((each) => each !== '')
  return words.length > 0 ? words : undefined
}

export const initialTokensPage = defineAdminPage({
  path: initialTokensPath,
  section: '/admin/clients',
  scope: 'admin:clients.read',
  repetition: 'known',
  async show({ context, query, action, csrf, may, ask }) {
    const { answer } = await ask(initialTokenRoutes.list, { query: { cursor: query.cursor } })
    const mayWrite = may('admin:clients.write')
    return {
      title: say('admin.tokens'),
      main: [
        lead({ text: say('admin.tokens_lead') }),
        ...(context.config.registration === 'closed' ? [warning({ text: say('admin.tokens_closed') })] : []),
        dataTable<Row>({
          label: say('admin.tokens'),
          path: action,
          query: { cursor: query.cursor },
          rows: answer.items,
          next: answer.next ?? undefined,
          empty: say('admin.tokens_none'),
          columns: [
            { title: say('admin.name'), cell: ({ name }) => foreignText(name, 200) },
            {
              title: say('admin.tokens_left'),
              number: true,
              cell: ({ uses, uses_left: n }) => say('admin.tokens_left_of', { n, uses }),
            },
            { title: say('admin.tokens_limits'), cell: (each) => foreignText(limitsOf(each), 300) },
            { title: say('admin.created'), cell: ({ created_at }) => ago(created_at) },
            { title: say('admin.ends'), cell: ({ expires_at }) => when(expires_at) },
            ...buttonColumn<Row>(
              mayWrite,
              { action, csrf, name: 'revoke', text: say('admin.revoke'), kind: 'danger' },
              ({ id }) => ({ fields: { id } }),
            ),
          ],
        }),
        ...(mayWrite
          ? [
              section(say('admin.token_make'), [
                actionForm({
                  action,
                  csrf,
                  name: 'make',
                  text: say('admin.token_make'),
                  fields: [
                    textField({
                      name: 'name',
                      label: say('admin.name'),
                      hint: say('admin.token_name_hint'),
                      required: true,
                    }),
                    textField({ name: 'uses', label: say('admin.token_uses'), value: '1' }),
                    textField({
                      name: 'scopes',
                      label: say('admin.scopes'),
                      hint: say('admin.scopes_hint'),
                    }),
                    linesField({
                      name: 'redirect_hosts',
                      label: say('admin.token_hosts'),
                      hint: say('admin.token_hosts_hint'),
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
    make: {
      done: say('admin.saved'),
      async run({ context, fields, ask }) {
        const hosts = linesOf(fields.redirect_hosts)
        const { answer } = await ask(initialTokenRoutes.create, {
          body: {
            name: fields.name,
            uses: fields.uses ? Number(fields.uses) : undefined,
            scopes: wordsIn(fields.scopes),
            redirect_hosts: hosts.length > 0 ? hosts : undefined,
          },
        })
        return {
          again: initialTokensPath,
          show: {
            title: say('admin.token_make'),
            heading: foreignText(answer.name, 200),
            main: [
              warning({ text: say('admin.token_once') }),
              preformatted({ text: answer.token ?? '' }),
              onwardLink({
                path: `${context.basePath}${initialTokensPath}`,
                text: say('admin.tokens'),
              }),
            ],
          },
        }
      },
    },
    revoke: {
      done: say('admin.revoked'),
      run: async ({ fields, ask }) =>
        void (await ask(initialTokenRoutes.revoke, { params: { id: fields.id ?? '' } })),
    },
  },
})
