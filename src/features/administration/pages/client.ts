/** /admin/clients/{client_id}: one client, what it needs to be configured with, and what may be changed. */
import type * as v from 'valibot'
import { buttonForm } from '../../../html/account_parts.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import type { Html } from '../../../html/view.ts'
import type { ClientKind } from '../../../kits/libraries.ts'
import { type Said, say } from '../../../lib/say.ts'
import { requireClient } from '../client.ts'
import { clientRoutes } from '../routes/clients.ts'
import { configurationSection } from './client_configuration.ts'
import { defineAdminPage, type PageInput, type Shown } from './page.ts'
import {
  actionForm,
  actions,
  checkField,
  confirmation,
  code,
  facts,
  linesField,
  linesOf,
  onwardLink,
  section,
  state,
  textField,
  warning,
  when,
} from './parts.ts'

const path = '/admin/clients/{client_id}'

type AClient = v.InferOutput<NonNullable<typeof clientRoutes.show.answer>>

const textsIn = (members: Readonly<Record<string, unknown>>, name: string): string[] => {
  const value = members[name]
  return Array.isArray(value) ? value.map(String) : []
}

const textIn = (members: Readonly<Record<string, unknown>>, name: string): string => {
  const value = members[name]
  return typeof value === 'string' ? value : ''
}

/** A client that was just made, or has got a new secret: the secret is shown this once. */
export async function newClientShown(
  { context }: Pick<PageInput<string>, 'context'>,
  client: AClient & { client_secret?: string | undefined; left_out?: string[] },
  kind?: ClientKind,
): Promise<Shown> {
  const { client_secret: secret, left_out: leftOut = [] } = client
  const found = await requireClient(context, client.client_id)
  return {
    title: say('admin.client'),
    heading: foreignText(client.client_name ?? client.client_id),
    main: [
      ...(secret === undefined ? [] : [warning({ text: say('admin.secret_once') })]),
      ...(leftOut.length > 0
        ? [warning({ text: say('admin.left_out', { members: foreignText(leftOut.join(', '), 300) }) })]
        : []),
      await configurationSection(context, found, { kind, secret }),
      onwardLink({
        path: `${context.basePath}/admin/clients/${encodeURIComponent(client.client_id)}`,
        text: say('admin.client_open'),
      }),
    ],
  }
}

const stateOf = ({ disabled, self_registered }: AClient): readonly ['good' | 'doubtful' | 'bad', Said] => {
  if (disabled) return ['bad', say('admin.state_disabled')]
  return self_registered ? ['doubtful', say('admin.client_unverified')] : ['good', say('admin.state_active')]
}

function formsOf(input: PageInput<typeof path>, client: AClient, etag: string): Html[] {
  const { action, csrf } = input
  const button = (
    name: string,
    text: Said,
    more: { kind?: 'danger'; fields?: Record<string, string> } = {},
  ) => buttonForm({ action, csrf, name, text, ...more })
  return [
    ...(client.managed_by === null
      ? [
          section(say('admin.change'), [
            actionForm({
              action,
              csrf,
              name: 'change',
              text: say('admin.save'),
              hidden: { etag },
              fields: [
                textField({
                  name: 'client_name',
                  label: say('admin.client_name'),
                  value: client.client_name ?? '',
                }),
                textField({
                  name: 'scope',
                  label: say('admin.scopes'),
                  value: textIn(client.metadata, 'scope'),
                }),
                linesField({
                  name: 'redirect_uris',
                  label: say('admin.redirect_uris'),
                  value: textsIn(client.metadata, 'redirect_uris').join('\n'),
                }),
                linesField({
                  name: 'post_logout_redirect_uris',
                  label: say('admin.post_logout_redirect_uris'),
                  value: textsIn(client.metadata, 'post_logout_redirect_uris').join('\n'),
                }),
                checkField({
                  name: 'first_party',
                  label: say('admin.first_party'),
                  isOn: client.privileges.first_party === true,
                  hint: say('admin.first_party_hint'),
                }),
              ],
            }),
          ]),
        ]
      : []),
    section(say('admin.actions'), [
      ...actions([
        client.has_secret ? button('renew', say('admin.secret_renew')) : undefined,
        client.former_secret_until === null ? undefined : button('end_former', say('admin.secret_end')),
        client.disabled
          ? button('enable', say('admin.enable'))
          : button('disable', say('admin.disable'), { kind: 'danger' }),
        button('remove', say('admin.client_remove'), { kind: 'danger', fields: { etag } }),
      ]),
    ]),
  ]
}

export const clientPage = defineAdminPage({
  path,
  section: '/admin/clients',
  scope: 'admin:clients.read',
  async show(input) {
    const { params, context, may, ask } = input
    const { answer: client, etag = '' } = await ask(clientRoutes.show, { params })
    const { metadata } = client
    return {
      title: say('admin.client'),
      heading: foreignText(client.client_name ?? client.client_id),
      main: [
        ...(client.managed_by === null
          ? []
          : [warning({ text: say('admin.managed_by', { file: foreignText(client.managed_by) }) })]),
        facts([
          [say('admin.state'), state(...stateOf(client))],
          [say('admin.client_id'), code(client.client_id)],
          [say('admin.scopes'), foreignText(textIn(metadata, 'scope'), 500)],
          [say('admin.grant_types'), foreignText(client.grant_types.join(', '), 500)],
          [say('admin.auth_method'), code(client.token_endpoint_auth_method)],
          [say('admin.redirect_uris'), foreignText(textsIn(metadata, 'redirect_uris').join(' '), 1000)],
          ...(client.former_secret_until === null
            ? []
            : [[say('admin.former_secret'), when(client.former_secret_until)] as const]),
          [say('admin.created'), when(client.created_at)],
        ]),
        await configurationSection(context, await requireClient(context, params.client_id)),
        ...(may('admin:clients.write') ? formsOf(input, client, etag) : []),
      ],
    }
  },
  actions: {
    change: {
      done: say('admin.saved'),
      async run({ params, fields, ask }) {
        await ask(clientRoutes.change, {
          params,
          ifMatch: fields.etag,
          body: {
            metadata: {
              client_name: fields.client_name ?? null,
              scope: fields.scope ?? '',
              redirect_uris: linesOf(fields.redirect_uris),
              post_logout_redirect_uris: linesOf(fields.post_logout_redirect_uris),
            },
            privileges: { first_party: fields.first_party === 'yes' },
          },
        })
      },
    },
    renew: {
      done: say('admin.saved'),
      async run(input) {
        const { answer } = await input.ask(clientRoutes.renewSecret, { params: input.params })
        return { show: await newClientShown(input, answer), again: input.call.path }
      },
    },
    end_former: {
      done: say('admin.secret_ended'),
      run: async ({ params, ask }) => void (await ask(clientRoutes.endFormerSecret, { params })),
    },
    disable: {
      done: say('admin.disabled'),
      run: async ({ params, ask }) => void (await ask(clientRoutes.disable, { params })),
    },
    enable: {
      done: say('admin.enabled'),
      run: async ({ params, ask }) => void (await ask(clientRoutes.enable, { params })),
    },
    remove: {
      done: say('admin.removed'),
      async run({ params, fields, ask, action, csrf }) {
        const { etag = '' } = fields
        if (fields.confirmed === 'yes') {
          await ask(clientRoutes.remove, { params, ifMatch: etag })
          return { to: '/admin/clients' }
        }
        const { answer } = await ask(clientRoutes.remove, { params, ifMatch: etag, dryRun: true })
        return {
          show: confirmation({
            title: say('admin.client_remove'),
            text: say('admin.client_remove_means', {
              client: foreignText(answer.client_id),
              n: answer.ended_grants,
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
