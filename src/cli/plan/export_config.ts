/** `latchkey export-config`: writes the present clients as a configuration file to begin with. docs/configuration_files.md */
import { stringify } from 'yaml'
import type { Context } from '../../contracts/context.ts'
import { Applied, type FileClient } from '../../models/applied.ts'
import { Client, needsSecret } from '../../models/client.ts'
import { allOf } from '../administration.ts'
import { defineCommand } from '../command.ts'
import { Refusal } from '../failure.ts'
import { print, printable } from '../output.ts'
import { providersVariable } from './provider_secrets.ts'
import { type Env, given } from '../../config/read.ts'
import { withApplied } from './plan.ts'
import { sectionsOf, settingRows } from './setting_table.ts'
import { writeOwn } from './saved_plan.ts'
import { fileMembersOf } from './target.ts'

/** Each member is written, so that no default of another release decides it. */
export function fileClientOf(
  client: Client,
  known: FileClient | undefined,
  context: Context,
): Record<string, unknown> {
  const { either_secret_method: either, client_name, ...members } = fileMembersOf(client, context)
  if (either) delete members.token_endpoint_auth_method
  for (const name of ofDefaults) if (members[name] === false) delete members[name]
  return {
    client_id: client.client_id,
    ...(client_name !== undefined && { client_name }),
    ...members,
    // Absent it would be true.
    ...(client.include_claims_in_id_token === undefined && { include_claims_in_id_token: null }),
    ...(needsSecret(client) && { client_secret: known?.secret ?? 'generate' }),
    ...(known &&
      known.overlap !== 86_400 && { client_secret_overlap: known.overlap === 0 ? 0 : `${known.overlap}s` }),
  }
}

/** Of the record, with the default false. */
const ofDefaults = ['first_party', 'resource_server', 'disabled'] as const

/** The variables that a file can have. Providers with secrets in their variable are left to it. */
const settingsIn = (env: Env): Record<string, string> =>
  Object.fromEntries(
    settingRows.flatMap(({ variable, form }) => {
      const text = given(env, variable)
      return text === undefined || variable === providersVariable || !isReadable(form, text)
        ? []
        : [[variable, text] as const]
    }),
  )

/** False for the path of a file with the value. */
function isReadable(form: { value(text: string): unknown }, text: string): boolean {
  try {
    form.value(text)
    return true
  } catch {
    return false
  }
}

const head = `# Configuration of Latchkey: docs/configuration_files.md
# latchkey plan says what would change, latchkey apply --yes changes it.
# client_secret says where a secret is (env:NAME, file:PATH, vault:PATH#FIELD, awssm:, gcpsm:), never what it is.
# With generate the client keeps the one that it has, or gets a random one.
`

export const exportConfig = defineCommand({
  takes: [],
  failsWithOne: true,
  options: {
    to: { type: 'string', value: 'NEW_FILE', help: 'Write into a new file, and not to stdout' },
    client: {
      type: 'string',
      multiple: true,
      value: 'CLIENT_ID',
      help: 'These clients alone, also ones that registered themselves. Default: all that an operator added',
    },
  },
  run: ({ to, client: ids }) =>
    withApplied(async (context, { env }) => {
      const all = await allOf(Client.every(context))
      const missing = ids?.find((id) => !all.some(({ client_id }) => client_id === id))
      if (missing !== undefined)
        throw new Refusal(`there is no client ${printable(missing)}; latchkey client list shows all clients`)
      const chosen = all.filter(
        ({ client_id, self_registered }) => ids?.includes(client_id) ?? !self_registered,
      )
      const known = await Applied.document(context, await Applied.find(context))
      const content = {
        latchkey: 1,
        ...(ids === undefined && !context.realm && sectionsOf({ ...settingsIn(env), ...known.settings })),
        clients: chosen.map((client) => fileClientOf(client, known.clients[client.client_id], context)),
      }
      const text = head + stringify(content, { lineWidth: 0 })
      if (to === undefined) return { facts: content, show: () => print(text.trimEnd()) }
      writeOwn(to, text)
      return {
        facts: { file: to, clients: chosen.length },
        show: () =>
          print(
            `${printable(to)} has ${chosen.length} clients; latchkey plan -f ${printable(to)} compares it`,
          ),
      }
    }),
})
