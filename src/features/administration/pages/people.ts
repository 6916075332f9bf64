/** /admin/people: finds people, a page at a time. */
import type * as v from 'valibot'
import { foreignText } from '../../../html/foreign_text.ts'
import { dataTable, filters } from '../../../html/data_table.ts'
import { say } from '../../../lib/say.ts'
import type { PersonRow } from '../person.ts'
import { personChangeRoutes } from '../routes/person_changes.ts'
import { peopleRoutes } from '../routes/people.ts'
import { invitationsPath } from './invitations.ts'
import { defineAdminPage } from './page.ts'
import { actionForm, actions, ago, buttonLink, link, state, textField } from './parts.ts'
import { roleWords, stateWords } from './words.ts'

const newPath = '/admin/people/new'

type Row = v.InferOutput<typeof PersonRow>

export const peoplePage = defineAdminPage({
  path: '/admin/people',
  section: '/admin/people',
  scope: 'admin:people.read',
  async show({ context, query, action, may, ask }) {
    const chosen = { q: query.q, state: query.state, sort: query.sort, cursor: query.cursor }
    const { answer } = await ask(peopleRoutes.list, { query: chosen })
    return {
      title: say('admin.people'),
      main: [
        ...actions([
          may('admin:people.write')
            ? buttonLink({ path: `${context.basePath}${newPath}`, text: say('admin.person_add') })
            : undefined,
          buttonLink({ path: `${context.basePath}${invitationsPath}`, text: say('admin.invitations') }),
        ]),
        filters({
          action,
          query: chosen,
          filters: [
            { kind: 'text', name: 'q', label: say('admin.people_search') },
            {
              kind: 'choice',
              name: 'state',
              label: say('admin.state'),
              options: [
                { value: 'disabled', text: say('admin.state_disabled') },
                { value: 'unverified', text: say('admin.state_unverified') },
                { value: 'leaving', text: say('admin.state_leaving') },
              ],
            },
          ],
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
              ...(!context.store.seals && { sort: 'username' }),
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

export const newPersonPage = defineAdminPage({
  path: newPath,
  section: '/admin/people',
  scope: 'admin:people.write',
  repetition: 'known',
  async show({ action, csrf, sent = {} }) {
    return {
      title: say('admin.person_add'),
      main: [
        actionForm({
          action,
          csrf,
          name: 'add',
          text: say('admin.person_add'),
          fields: [
            textField({
              name: 'username',
              label: say('admin.username'),
              value: sent.username,
              required: true,
            }),
            textField({ name: 'name', label: say('admin.name'), value: sent.name }),
            textField({ name: 'email', label: say('admin.email'), value: sent.email, type: 'email' }),
            textField({
              name: 'password',
              label: say('admin.password'),
              type: 'password',
              hint: say('admin.password_hint'),
            }),
          ],
        }),
      ],
    }
  },
  actions: {
    add: {
      done: say('admin.person_added'),
      async run({ fields, ask }) {
        const { username, name, email, password } = fields
        const { answer } = await ask(personChangeRoutes.create, { body: { username, name, email, password } })
        return { to: `/admin/people/${encodeURIComponent(answer.sub)}`, again: '/admin/people' }
      },
    },
  },
})
