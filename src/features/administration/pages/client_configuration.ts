/** Configuration of a client to copy: the settings of the libraries that suit its kind, with its values. docs/kits.md */
import type { Context } from '../../../contracts/context.ts'
import { metadata } from '../../../endpoints/discovery.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import type { Html } from '../../../html/view.ts'
import type { ClientKind, Library } from '../../../kits/libraries.ts'
import { kitProvider } from '../../../kits/provider.ts'
import { say } from '../../../lib/say.ts'
import type { Client } from '../../../models/client.ts'
import { lead, onwardLink, preformatted, section } from './parts.ts'
import { copiedFileView, libraryView } from './views.ts'

/** Loaded with the first page that shows one: it has the texts of many files. */
const loadLibraries = () => import('../../../kits/libraries.ts')

/** For a method of authentication that no kit has, and for values that no file can hold. */
function valuesAlone({ config }: Context, client: Client, secret: string | undefined): Html {
  const [redirect] = client.redirect_uris
  const lines = [
    `ISSUER=${config.issuer}`,
    `CLIENT_ID=${client.client_id}`,
    ...(secret === undefined ? [] : [`CLIENT_SECRET=${secret}`]),
    ...(redirect === undefined ? [] : [`REDIRECT_URI=${redirect}`]),
    `SCOPE=${client.scope}`,
  ]
  return preformatted({ text: lines.map((each) => foreignText(each, 2000)).join('\n') })
}

/** Whether no library says the secret that is shown this once. */
const isLost = (secret: string | undefined, libraries: readonly Library[]): boolean =>
  secret !== undefined && !libraries.some(({ files }) => files.some(({ text }) => text.includes(secret)))

const libraryOf = ({ kind, title, files, isWhole }: Library, isFirst: boolean, kits: string): Html =>
  libraryView({
    open: isFirst ? 'open' : '',
    title,
    files: files.map(({ path, text }) =>
      copiedFileView({ path, text, copy: say('admin.copy_file', { file: path }) }),
    ),
    kit: isWhole ? onwardLink({ path: `${kits}/${kind}`, text: say('admin.kit_of', { kit: title }) }) : [],
  })

/** `kind` is that of the wizard, `secret` the one that is shown this once. */
export async function configurationSection(
  context: Context,
  client: Client,
  { kind, secret }: { kind?: ClientKind | undefined; secret?: string | undefined } = {},
): Promise<Html> {
  const { clientKindOf, librariesFor } = await loadLibraries()
  const provider = kitProvider(context, metadata(context))
  const chosen = { secret, random: context.random }
  const libraries = librariesFor(kind ?? clientKindOf(client), client, provider, chosen)
  const kits = `${context.basePath}/admin/clients/${encodeURIComponent(client.client_id)}/kits`
  const hidesSecret = client.secret_mac !== undefined && secret === undefined
  return section(say('admin.configuration'), [
    lead({ text: say('admin.configuration_lead') }),
    ...(hidesSecret ? [lead({ text: say('admin.secret_elsewhere') })] : []),
    ...(libraries.length === 0 || isLost(secret, libraries) ? [valuesAlone(context, client, secret)] : []),
    ...libraries.map((library, at) => libraryOf(library, at === 0, kits)),
    onwardLink({ path: kits, text: say('admin.kits') }),
  ])
}
