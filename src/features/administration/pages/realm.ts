/** /admin/realms/{name}: one realm, what may be changed, and its end. docs/realms.md */
import type * as v from 'valibot'
import { buttonForm } from '../../../html/account_parts.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import type { Html } from '../../../html/view.ts'
import { say } from '../../../lib/say.ts'
import { realmsExist } from '../existence.ts'
import { realmRoutes } from '../routes/realms.ts'
import { defineAdminPage, type PageInput } from './page.ts'
import {
  actionForm,
  actions,
  code,
  confirmation,
  facts,
  link,
  section,
  state,
  textField,
  when,
} from './parts.ts'
import { endsField, realmsPath, realmStates, settingsField, settingsIn } from './realms.ts'

const path = '/admin/realms/{name}'

type ARealm = v.InferOutput<NonNullable<typeof realmRoutes.read.answer>>

const linesOf = (settings: ARealm['settings']): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${foreignText(value, 2000)}`)
    .join('\n')

function formsOf({ action, csrf, sent }: PageInput<typeof path>, realm: ARealm, etag: string): Html[] {
  return [
    section(say('admin.change'), [
      actionForm({
        action,
        csrf,
        name: 'change',
        text: say('admin.save'),
        hidden: { etag },
        fields: [
          textField({
            name: 'title',
            label: say('admin.realm_title'),
            value: sent?.title ?? realm.title ?? '',
          }),
          endsField(sent?.ends_at ?? realm.ends_at?.replace('.000Z', 'Z') ?? ''),
          settingsField(sent?.settings ?? linesOf(realm.settings)),
        ],
      }),
    ]),
    section(say('admin.actions'), [
      ...actions([
        realm.state === 'disabled'
          ? buttonForm({ action, csrf, name: 'enable', text: say('admin.enable') })
          : buttonForm({ action, csrf, name: 'disable', text: say('admin.disable'), kind: 'danger' }),
        buttonForm({
          action,
          csrf,
          name: 'remove',
          text: say('admin.realm_remove'),
          kind: 'danger',
          fields: { etag },
        }),
      ]),
    ]),
  ]
}

/** What the form does not name any more is taken away. */
async function settingsFor({
  ask,
  params,
  fields,
}: PageInput<typeof path> & { fields: Record<string, string> }) {
  const { answer } = await ask(realmRoutes.read, { params })
  const given = settingsIn(fields.settings)
  const gone = Object.keys(answer.settings).filter((name) => !Object.hasOwn(given, name))
  const changed = Object.entries(given).filter(([name, value]) => answer.settings[name] !== value)
  return { ...Object.fromEntries(gone.map((name) => [name, null])), ...Object.fromEntries(changed) }
}

export const realmPage = defineAdminPage({
  path,
  section: '/admin/settings',
  scope: 'admin:realms.read',
  exists: realmsExist,
  async show(input) {
    const { params, may, ask } = input
    const { answer: realm, etag = '' } = await ask(realmRoutes.read, { params })
    return {
      title: say('admin.realm'),
      heading: foreignText(realm.title ?? realm.name, 200),
      main: [
        facts([
          [say('admin.state'), state(...realmStates[realm.state])],
          [say('admin.name'), code(realm.name)],
          [say('admin.realm_issuer'), link({ path: realm.issuer, text: realm.issuer })],
          [say('admin.created'), when(realm.created_at)],
          [say('admin.ends'), when(realm.ends_at)],
        ]),
        ...(may('admin:realms.write') ? formsOf(input, realm, etag) : []),
      ],
    }
  },
  actions: {
    change: {
      done: say('admin.saved'),
      async run(input) {
        const { params, fields, ask } = input
        await ask(realmRoutes.change, {
          params,
          ifMatch: fields.etag,
          body: {
            title: fields.title ? fields.title : null,
            ends_at: fields.ends_at ? fields.ends_at : null,
            settings: await settingsFor({ ...input, fields: fields as Record<string, string> }),
          },
        })
      },
    },
    disable: {
      done: say('admin.saved'),
      run: async ({ params, ask }) => void (await ask(realmRoutes.disable, { params })),
    },
    enable: {
      done: say('admin.saved'),
      run: async ({ params, ask }) => void (await ask(realmRoutes.enable, { params })),
    },
    remove: {
      done: say('admin.removed'),
      async run({ params, fields, ask, action, csrf }) {
        const { etag = '' } = fields
        if (fields.confirmed === 'yes') {
          await ask(realmRoutes.remove, { params, ifMatch: etag })
          return { to: realmsPath }
        }
        const { answer } = await ask(realmRoutes.remove, { params, ifMatch: etag, dryRun: true })
        return {
          show: confirmation({
            title: say('admin.realm_remove'),
            text: say('admin.realm_remove_means', {
              realm: answer.name,
              people: answer.people,
              clients: answer.clients,
            }),
            action,
            csrf,
            name: 'remove',
            fields: { etag },
          }),
        }
      },
    },
  },
})
