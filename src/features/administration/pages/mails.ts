/** /admin/mail: the mails that wait for delivery. */
import type * as v from 'valibot'
import { buttonForm } from '../../../html/account_parts.ts'
import { dataTable } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { say } from '../../../lib/say.ts'
import { mailRoutes } from '../routes/mails.ts'
import { defineAdminPage } from './page.ts'
import { actions, ago, confirmation, lead, tiles, warning, when } from './parts.ts'

const path = '/admin/mail'

type Mail = v.InferOutput<NonNullable<typeof mailRoutes.list.answer>>['items'][number]

export const mailPage = defineAdminPage({
  path,
  section: path,
  scope: 'admin:mail.read',
  async show({ query, action, csrf, may, ask }) {
    const { answer } = await ask(mailRoutes.list, { query: { cursor: query.cursor } })
    const { results } = answer
    const buttons = ({ id }: Mail) =>
      actions([
        buttonForm({ action, csrf, name: 'retry', text: say('admin.mail_retry'), fields: { id } }),
        buttonForm({
          action,
          csrf,
          name: 'drop',
          text: say('admin.mail_drop'),
          kind: 'danger',
          fields: { id },
        }),
      ])
    return {
      title: say('admin.mail'),
      main: [
        ...(answer.delivers ? [] : [warning({ text: say('admin.mail_off') })]),
        tiles([
          { label: say('admin.mail_delivered'), figure: `${results.delivered}` },
          { label: say('admin.mail_postponed'), figure: `${results.postponed}` },
          { label: say('admin.mail_refused'), figure: `${results.refused}`, isBad: results.refused > 0 },
          { label: say('admin.mail_given_up'), figure: `${results.given_up}`, isBad: results.given_up > 0 },
        ]),
        lead({ text: say('admin.mail_since') }),
        dataTable<Mail>({
          label: say('admin.mail_waiting'),
          path: action,
          query: { cursor: query.cursor },
          rows: answer.items,
          next: answer.next ?? undefined,
          empty: say('admin.mail_none'),
          columns: [
            {
              title: say('admin.mail_to'),
              cell: ({ to, is_readable }) =>
                is_readable ? foreignText(to ?? '…', 254) : say('admin.mail_unreadable'),
            },
            { title: say('admin.mail_subject'), cell: ({ subject }) => foreignText(subject ?? '', 200) },
            { title: say('admin.created'), cell: ({ created_at }) => ago(created_at) },
            { title: say('admin.mail_attempts'), number: true, cell: ({ attempts }) => `${attempts}` },
            { title: say('admin.mail_next'), cell: ({ next_attempt_at }) => when(next_attempt_at) },
            ...(may('admin:mail.write') ? [{ title: say('admin.actions'), cell: buttons }] : []),
          ],
        }),
      ],
    }
  },
  actions: {
    retry: {
      done: say('admin.mail_retried'),
      run: async ({ fields, ask }) => void (await ask(mailRoutes.retry, { params: { id: fields.id ?? '' } })),
    },
    drop: {
      done: say('admin.mail_dropped'),
      async run({ fields, ask, action, csrf }) {
        const params = { id: fields.id ?? '' }
        if (fields.confirmed === 'yes') return void (await ask(mailRoutes.drop, { params }))
        await ask(mailRoutes.drop, { params, dryRun: true })
        return {
          show: confirmation({
            title: say('admin.mail_drop'),
            text: say('admin.mail_drop_means'),
            action,
            csrf,
            name: 'drop',
            fields: params,
          }),
        }
      },
    },
  },
})
