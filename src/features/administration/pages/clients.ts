/** /admin/clients: the applications and services that use this provider. */
import type * as v from 'valibot'
import { dataTable, filters } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { say } from '../../../lib/say.ts'
import { clientRoutes } from '../routes/clients.ts'
import { clientKinds, isClientKind, wizardFields, wizardMembers } from './client_kinds.ts'
import { defineAdminPage } from './page.ts'
import { actionForm, actions, ago, buttonLink, code, lead, link, state } from './parts.ts'
import { newClientShown } from './client.ts'
import { initialTokensPath } from './initial_tokens.ts'

const path = '/admin/clients'
const newPath = '/admin/clients/new'

type Row = v.InferOutput<NonNullable<typeof clientRoutes.list.answer>>['items'][number]

export const clientsPage = defineAdminPage({
  path,
  section: path,
  scope: 'admin:clients.read',
  async show({ context, query, action, may, ask }) {
    const chosen = { q: query.q, state: query.state, sort: query.sort, cursor: query.cursor }
    const { answer } = await ask(clientRoutes.list, { query: chosen })
    return {
      title: say('admin.clients'),
      main: [
        ...actions([
          may('admin:clients.write')
            ? buttonLink({ path: `${context.basePath}${newPath}`, text: say('admin.client_add') })
            : undefined,
          buttonLink({
            path: `${context.basePath}${initialTokensPath}`,
            text: say('admin.tokens'),
          }),
        ]),
        filters({
          action,
          query: chosen,
          filters: [
            { kind: 'text', name: 'q', label: say('admin.clients_search') },
            {
              kind: 'choice',
              name: 'state',
              label: say('admin.state'),
              options: [
                { value: 'disabled', text: say('admin.state_disabled') },
                { value: 'self_registered', text: say('admin.client_unverified') },
              ],
            },
          ],
        }),
        dataTable<Row>({
          label: say('admin.clients'),
          path: action,
          query: chosen,
          rows: answer.items,
          next: answer.next ?? undefined,
          empty: say('admin.clients_none'),
          columns: [
            {
              title: say('admin.name'),
              ...(!context.store.seals && { sort: 'client_name' }),
              cell: ({ client_id, client_name }) =>
                link({
                  path: `${context.basePath}${path}/${encodeURIComponent(client_id)}`,
                  text: foreignText(client_name ?? client_id),
                }),
            },
            { title: say('admin.client_id'), cell: ({ client_id }) => code(foreignText(client_id, 40)) },
            {
              title: say('admin.state'),
              cell: ({ disabled, self_registered }) =>
                disabled
                  ? state('bad', say('admin.state_disabled'))
                  : self_registered
                    ? state('doubtful', say('admin.client_unverified'))
                    : state('good', say('admin.state_active')),
            },
            { title: say('admin.created'), sort: 'created_at', cell: ({ created_at }) => ago(created_at) },
          ],
        }),
      ],
    }
  },
})

/** A wizard: the kind of application decides what is asked and what is registered. */
export const newClientPage = defineAdminPage({
  path: newPath,
  section: path,
  scope: 'admin:clients.write',
  repetition: 'known',
  async show({ context, query, action, csrf, sent }) {
    const { kind } = query
    const title = say('admin.client_add')
    if (!isClientKind(kind))
      return {
        title,
        main: [
          lead({ text: say('admin.client_kind_lead') }),
          ...clientKinds.map(({ name, text, hint }) =>
            buttonLink({ path: `${context.basePath}${newPath}?kind=${name}`, text, hint }),
          ),
        ],
      }
    return {
      title,
      main: [
        lead({ text: clientKinds.find(({ name }) => name === kind)!.text }),
        actionForm({
          action: `${action}?kind=${kind}`,
          csrf,
          name: 'add',
          text: say('admin.client_add'),
          hidden: { kind },
          fields: wizardFields(kind, sent),
        }),
      ],
    }
  },
  actions: {
    add: {
      done: say('admin.client_added'),
      async run(input) {
        const { fields, ask } = input
        const { answer } = await ask(clientRoutes.create, { body: wizardMembers(fields) })
        const kind = isClientKind(fields.kind) ? fields.kind : undefined
        return { show: await newClientShown(input, answer, kind), again: path }
      },
    },
  },
})
