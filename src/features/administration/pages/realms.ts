/** /admin/realms: the realms of this server, and a new one. docs/realms.md */
import type * as v from 'valibot'
import { dataTable } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { type Said, say } from '../../../lib/say.ts'
import { realmsExist } from '../existence.ts'
import { realmRoutes } from '../routes/realms.ts'
import { defineAdminPage } from './page.ts'
import {
  actionForm,
  ago,
  code,
  lead,
  linesField,
  linesOf,
  link,
  section,
  state,
  textField,
  when,
} from './parts.ts'

export const realmsPath = '/admin/realms'

type Row = v.InferOutput<NonNullable<typeof realmRoutes.list.answer>>['items'][number]

export const realmStates: Readonly<Record<Row['state'], readonly ['good' | 'doubtful' | 'bad', Said]>> = {
  open: ['good', say('admin.state_active')],
  disabled: ['bad', say('admin.state_disabled')],
  ended: ['doubtful', say('admin.realm_ended')],
}

export const settingsField = (value: string) =>
  linesField({
    name: 'settings',
    label: say('admin.realm_settings'),
    value,
    hint: say('admin.realm_settings_hint'),
  })

export const endsField = (value: string) =>
  textField({ name: 'ends_at', label: say('admin.ends'), value, hint: say('admin.realm_ends_hint') })

/** Lines `NAME=VALUE`; a line without `=` is a name with an empty value, which is refused as one. */
export const settingsIn = (text: string | undefined): Record<string, string> =>
  Object.fromEntries(
    linesOf(text).map((line) => {
      const [name = '', ...rest] = line.split('=')
      return [name.trim(), rest.join('=').trim()]
    }),
  )

export const realmsPage = defineAdminPage({
  path: realmsPath,
  section: '/admin/settings',
  scope: 'admin:realms.read',
  exists: realmsExist,
  repetition: 'known',
  async show({ context, query, action, csrf, sent, may, ask }) {
    const { answer } = await ask(realmRoutes.list, { query: { cursor: query.cursor } })
    return {
      title: say('admin.realms'),
      main: [
        lead({ text: say('admin.realms_lead') }),
        dataTable<Row>({
          label: say('admin.realms'),
          path: action,
          query: { cursor: query.cursor },
          rows: answer.items,
          next: answer.next ?? undefined,
          empty: say('admin.realms_none'),
          columns: [
            {
              title: say('admin.name'),
              cell: ({ name }) => link({ path: `${context.basePath}${realmsPath}/${name}`, text: name }),
            },
            { title: say('admin.realm_title'), cell: ({ title }) => foreignText(title ?? '', 200) },
            { title: say('admin.state'), cell: (each) => state(...realmStates[each.state]) },
            { title: say('admin.realm_issuer'), cell: ({ issuer }) => code(issuer) },
            { title: say('admin.created'), cell: ({ created_at }) => ago(created_at) },
            { title: say('admin.ends'), cell: ({ ends_at }) => when(ends_at) },
          ],
        }),
        ...(may('admin:realms.write')
          ? [
              section(say('admin.realm_add'), [
                actionForm({
                  action,
                  csrf,
                  name: 'add',
                  text: say('admin.realm_add'),
                  fields: [
                    textField({
                      name: 'name',
                      label: say('admin.name'),
                      value: sent?.name,
                      hint: say('admin.realm_name_hint'),
                      required: true,
                    }),
                    textField({ name: 'title', label: say('admin.realm_title'), value: sent?.title }),
                    endsField(sent?.ends_at ?? ''),
                    settingsField(sent?.settings ?? ''),
                  ],
                }),
              ]),
            ]
          : []),
      ],
    }
  },
  actions: {
    add: {
      done: say('admin.saved'),
      async run({ fields, ask }) {
        const { name, title, ends_at } = fields
        const { answer } = await ask(realmRoutes.create, {
          body: { name, title, ends_at, settings: settingsIn(fields.settings) },
        })
        return { to: `${realmsPath}/${answer.name}` }
      },
    },
  },
})
