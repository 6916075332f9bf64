/** /admin/clients/{client_id}/kits: the starter kits of a client, and the files of each. docs/kits.md */
import { HttpError } from '../../../auth/errors.ts'
import { metadata } from '../../../endpoints/discovery.ts'
import { defineEndpoint } from '../../../contracts/endpoint.ts'
import type { Context } from '../../../contracts/context.ts'
import { segmentsOf } from '../../../http/router.ts'
import { dataTable } from '../../../html/data_table.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import type { KitFile } from '../../../kits/kit.ts'
import type { Misfit } from '../../../kits/misfit.ts'
import { kitProvider } from '../../../kits/provider.ts'
import { say } from '../../../lib/say.ts'
import { zip } from '../../../lib/zip.ts'
import type { Client } from '../../../models/client.ts'
import { requireClient } from '../client.ts'
import { clientRoutes } from '../routes/clients.ts'
import { administratorOf } from './administrator.ts'
import { hiddenHead } from './head.ts'
import { defineAdminPage, type PageInput } from './page.ts'
import { buttonLink, code, lead, link, onwardLink, preformatted, section, warning } from './parts.ts'
import { kitFileView } from './views.ts'

/** Loaded with the first page that shows one: they are the texts of many files. */
const loadKits = () => import('../../../kits/kits.ts')

/** Throws as the route does: without the right, and without the client. */
async function clientOf({ ask, context }: PageInput<string>, clientId: string): Promise<Client> {
  await ask(clientRoutes.show, { params: { client_id: clientId } })
  return requireClient(context, clientId)
}

interface Row {
  kind: string
  title: string
  misfit: Misfit | undefined
}

export const clientKitsPage = defineAdminPage({
  path: '/admin/clients/{client_id}/kits',
  section: '/admin/clients',
  scope: 'admin:clients.read',
  async show(input) {
    const { params, context, action } = input
    const client = await clientOf(input, params.client_id)
    const { kits, makeKit } = await loadKits()
    const wanted = { client, provider: kitProvider(context, metadata(context)), random: context.random }
    const rows = kits.map((kit): Row => {
      const made = makeKit(kit, wanted)
      return { kind: kit.kind, title: kit.title, misfit: 'misfit' in made ? made.misfit : undefined }
    })
    return {
      title: say('admin.kits'),
      main: [
        lead({ text: say('admin.kits_lead') }),
        dataTable<Row>({
          label: say('admin.kits'),
          path: action,
          query: {},
          rows,
          next: undefined,
          empty: say('admin.settings_none'),
          columns: [
            {
              title: say('admin.kit'),
              cell: ({ kind, title, misfit }) =>
                misfit ? title : link({ path: `${action}/${kind}`, text: title }),
            },
            {
              title: say('admin.kit_missing'),
              cell: ({ misfit }) => foreignText(misfit?.problem ?? '', 500),
            },
            {
              title: say('admin.kit_command'),
              cell: ({ misfit }) => (misfit?.command === undefined ? '' : code(misfit.command)),
            },
          ],
        }),
      ],
    }
  },
})

async function kitFor(context: Context, client: Client, kind: string) {
  const { kitOf, makeKit } = await loadKits()
  const kit = kitOf(kind)
  if (!kit) throw new HttpError('not_found', { expected: 'the kind of a kit', came: kind })
  const provider = kitProvider(context, metadata(context))
  return { kit, made: makeKit(kit, { client, provider, random: context.random }) }
}

export const clientKitPage = defineAdminPage({
  path: '/admin/clients/{client_id}/kits/{kind}',
  section: '/admin/clients',
  scope: 'admin:clients.read',
  async show(input) {
    const { params, context, action } = input
    const client = await clientOf(input, params.client_id)
    const { kit, made } = await kitFor(context, client, params.kind)
    const all = onwardLink({ path: action.slice(0, action.lastIndexOf('/')), text: say('admin.kits') })
    if ('misfit' in made) {
      const { problem, command } = made.misfit
      return {
        title: say('admin.kit'),
        heading: kit.title,
        main: [
          warning({ text: foreignText(problem, 1000) }),
          ...(command === undefined
            ? []
            : [section(say('admin.kit_command'), [preformatted({ text: command })])]),
          all,
        ],
      }
    }
    return {
      title: say('admin.kit'),
      heading: kit.title,
      main: [
        lead({ text: say('admin.kits_lead') }),
        ...(made.run.length > 0
          ? [section(say('admin.kit_run'), [preformatted({ text: made.run.join('\n') })])]
          : []),
        buttonLink({ path: `${action}/zip`, text: say('admin.kit_download') }),
        ...made.files.map(({ path, text }: KitFile) => kitFileView({ path, text })),
        all,
      ],
    }
  },
})

const zipPath = '/admin/clients/{client_id}/kits/{kind}/zip'

/** The files of a kit in one, in a folder of its kind. */
export const clientKitZip = defineEndpoint({
  ...hiddenHead('admin_client_kit_zip', zipPath),
  page: true,
  async get(call, context) {
    const found = await administratorOf(call, context, call.path.slice(0, -'/zip'.length), {
      isChange: false,
    })
    if ('reply' in found) return found.reply
    if (!found.actor.scopes.has('admin:clients.read'))
      throw new HttpError('not_found', {
        expected: 'a role with the scope admin:clients.read',
        came: found.actor.role,
      })
    const { client_id = '', kind = '' } = segmentsOf(zipPath, call.path) ?? {}
    const { made } = await kitFor(context, await requireClient(context, client_id), kind)
    if ('misfit' in made)
      throw new HttpError('not_found', { expected: 'a kit that fits the app', problem: made.misfit.problem })
    const folder = `${kind}-kit`
    return {
      status: 200,
      body: zip(
        made.files.map(({ path, text, isPrivate, isProgram }) => ({
          path: `${folder}/${path}`,
          text,
          mode: (isPrivate ? 0o600 : 0o644) | (isProgram ? (isPrivate ? 0o100 : 0o111) : 0),
        })),
      ),
      headers: {
        'content-type': 'application/zip',
        'content-disposition': `attachment; filename="${folder}.zip"`,
        'cache-control': 'no-store',
      },
    }
  },
})
