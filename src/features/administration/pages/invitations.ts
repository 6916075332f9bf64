/** /admin/invitations: who was invited to create an account. */
import type * as v from 'valibot'
import { dataTable } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { say } from '../../../lib/say.ts'
import { invitationRoutes } from '../routes/invitations.ts'
import { defineAdminPage } from './page.ts'
import {
  actionForm,
  ago,
  buttonColumn,
  checkField,
  onwardLink,
  preformatted,
  section,
  textField,
  warning,
  when,
} from './parts.ts'

export const invitationsPath = '/admin/invitations'

type Row = v.InferOutput<NonNullable<typeof invitationRoutes.list.answer>>['items'][number]

export const invitationsPage = defineAdminPage({
  path: invitationsPath,
  section: '/admin/people',
  scope: 'admin:people.read',
  repetition: 'known',
  async show({ context, query, action, csrf, may, ask }) {
    const { answer } = await ask(invitationRoutes.list, { query: { cursor: query.cursor } })
    const mayWrite = may('admin:people.write')
    const isOpen = context.table.features.includes('accounts')
    return {
      title: say('admin.invitations'),
      main: [
        ...(isOpen ? [] : [warning({ text: say('admin.invitations_closed') })]),
        dataTable<Row>({
          label: say('admin.invitations'),
          path: action,
          query: { cursor: query.cursor },
          rows: answer.items,
          next: answer.next ?? undefined,
          empty: say('admin.invitations_none'),
          columns: [
            { title: say('admin.email'), cell: ({ email }) => foreignText(email, 254) },
            { title: say('admin.app_roles'), cell: ({ roles }) => foreignText(roles.join(', '), 300) },
            { title: say('admin.created'), cell: ({ created_at }) => ago(created_at) },
            { title: say('admin.ends'), cell: ({ expires_at }) => when(expires_at) },
            ...buttonColumn<Row>(
              mayWrite,
              { action, csrf, name: 'revoke', text: say('admin.revoke'), kind: 'danger' },
              ({ id }) => ({ fields: { id } }),
            ),
          ],
        }),
        ...(mayWrite && isOpen
          ? [
              section(say('admin.invite'), [
                actionForm({
                  action,
                  csrf,
                  name: 'invite',
                  text: say('admin.invite'),
                  fields: [
                    textField({ name: 'email', label: say('admin.email'), type: 'email', required: true }),
                    ...(may('admin:roles.write')
                      ? [
                          textField({
                            name: 'roles',
                            label: say('admin.app_roles'),
                            hint: say('admin.roles_separated'),
                          }),
                        ]
                      : []),
                    checkField({
                      name: 'mail',
                      label: say('admin.invite_mail'),
                      isOn: true,
                      hint: say('admin.invite_mail_hint'),
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
    invite: {
      done: say('admin.invited'),
      async run({ context, fields, ask }) {
        const roles = (fields.roles ?? '').split(/\s+/).filter((each) => each !== '')
        const { answer } = await ask(invitationRoutes.create, {
          body: { email: fields.email, mail: fields.mail === 'yes', ...(roles.length > 0 && { roles }) },
        })
        if (answer.link === undefined) return undefined
        return {
          again: invitationsPath,
          show: {
            title: say('admin.invite'),
            heading: foreignText(answer.email, 254),
            main: [
              warning({ text: say('admin.invite_link') }),
              preformatted({ text: answer.link }),
              onwardLink({
                path: `${context.basePath}${invitationsPath}`,
                text: say('admin.invitations'),
              }),
            ],
          },
        }
      },
    },
    revoke: {
      done: say('admin.revoked'),
      run: async ({ fields, ask }) =>
        void (await ask(invitationRoutes.revoke, { params: { id: fields.id ?? '' } })),
    },
  },
})
