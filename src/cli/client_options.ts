/** Reads the options of `latchkey client add` and `client set` as members of a client. https://www.rfc-editor.org/rfc/rfc7591#section-2 */
import { misfitsOf, privileges } from '../clients/privileges.ts'
import { type MemberOption, memberOptions } from './client_option_table.ts'
import type { Values } from './command.ts'
import { readJson } from './json_file.ts'
import { UsageError } from './failure.ts'
import { printable } from './output.ts'

export const metadataOption = {
  metadata: {
    type: 'string',
    value: 'FILE',
    help: 'More client metadata (RFC 7591) as a JSON object; options take precedence',
  },
} as const

export const clientOptions = {
  ...memberOptions,
  ...metadataOption,
  'client-id': { type: 'string', value: 'ID', help: 'Client ID. Default: random' },
} as const

export type ClientOptions = Values<typeof clientOptions>
type MemberValues = Values<typeof memberOptions>

const rows: readonly (readonly [string, MemberOption])[] = Object.entries(memberOptions)

/** The members that the options give, in the order of the table: metadata, or privileges. Throws UsageError. */
async function given(options: MemberValues, privilege: boolean): Promise<Record<string, unknown>> {
  const values = options as Readonly<Record<string, unknown>>
  const members = rows.filter(
    ([name, row]) => values[name] !== undefined && (row.privilege ?? false) === privilege,
  )
  return Object.fromEntries(
    await Promise.all(
      members.map(async ([name, { member, read }]) => {
        const value = values[name] as never
        return [member, read ? await read(value) : value] as const
      }),
    ),
  )
}

/** Metadata and privileges that options and `--metadata` give, without defaults. Throws UsageError when options contradict each other. */
export async function givenMembers(options: ClientOptions) {
  requireSense(options)
  const { metadata: path } = options
  const further = path === undefined ? {} : requireObject(path, await readJson(path))
  const [own, others] = [false, true].map((wanted) =>
    Object.fromEntries(Object.entries(further).filter(([name]) => privileges.includes(name) !== wanted)),
  )
  requireForm(own!)
  return {
    metadata: { ...others, ...(await given(options, false)) },
    privileges: { ...own, ...(await given(options, true)) },
  }
}

/** Privileges of a file have the form that their options give. */
function requireForm(own: Readonly<Record<string, unknown>>): void {
  for (const { member, expected } of misfitsOf(own))
    throw new UsageError(`--metadata: ${member}: expected ${expected}, got ${printable(own[member])}`)
}

function requireSense(options: ClientOptions): void {
  const isPublic = options.public || options['auth-method'] === 'none'
  if (options.public && options['auth-method'] !== undefined && options['auth-method'] !== 'none')
    throw new UsageError(
      `--public: a public client has no secret or key to use ${printable(options['auth-method'])} with`,
    )
  if (isPublic && options['no-pkce']) throw new UsageError('--no-pkce: a public client always needs PKCE')
  if (options.pkce && options['no-pkce']) throw new UsageError('--pkce and --no-pkce exclude each other')
  if (options['id-token-claims'] && options['no-id-token-claims'])
    throw new UsageError('--id-token-claims and --no-id-token-claims exclude each other')
  const isApi = options['resource-server'] || options['resource-uri'] !== undefined
  if (isPublic && isApi)
    throw new UsageError('--resource-server, --resource-uri: only a client that authenticates may introspect')
  const id = options['client-id']
  if (id !== undefined && !/^[\x21-\x7e]{1,200}$/.test(id))
    throw new UsageError(
      `--client-id: expected 1 to 200 ASCII characters without spaces, got ${printable(id)}`,
    )
}

function requireObject(path: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${path}: expected a JSON object`)
  return value as Record<string, unknown>
}
