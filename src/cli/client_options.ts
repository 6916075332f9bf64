/** Reads the options of `latchkey client add` and `client set` as members of a client. https://www.rfc-editor.org/rfc/rfc7591#section-2 */
import { grantTypesFor } from '../auth/agreeing_types.ts'
import { defaultScopes, type MemberOption, memberOptions } from './client_option_table.ts'
import type { Values } from './command.ts'
import { readJson } from './json_file.ts'
import { type Client, isPublic } from '../models/client.ts'
import { Refusal, UsageError } from './failure.ts'
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

/** Members that an operator alone gives a client. */
export const privileges: readonly string[] = [
  ...new Set(rows.flatMap(([, { privilege, member }]) => (privilege ? [member] : []))),
]

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

/** The privileges whose value has another form than their option gives, and what was expected. */
export const misfitsOf = (
  own: Readonly<Record<string, unknown>>,
): readonly { member: string; expected: string }[] =>
  rows.flatMap(([, { member, privilege, type, form = forms[type] }]) =>
    !privilege || own[member] === undefined || form.holds(own[member])
      ? []
      : [{ member, expected: form.expected }],
  )

const forms: Readonly<Record<MemberOption['type'], NonNullable<MemberOption['form']>>> = {
  boolean: { expected: 'true or false', holds: (value) => typeof value === 'boolean' },
  string: {
    expected: 'a list of texts',
    holds: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
  },
}

/** The grant types by which End-Users sign in. */
const ofPeople: readonly string[] = [
  'authorization_code',
  'implicit',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
]

const defaultGrants = (responseTypes: unknown): string[] =>
  Array.isArray(responseTypes)
    ? [...new Set([...grantTypesFor(responseTypes.map(String)), 'refresh_token'])]
    : ['authorization_code', 'refresh_token']

/** With defaults; not validated yet: `admitMetadata` does that. */
export function withDefaults(
  name: string,
  metadata: Readonly<Record<string, unknown>>,
  { jwks }: ClientOptions,
): Record<string, unknown> {
  const grantTypes = metadata.grant_types ?? defaultGrants(metadata.response_types)
  const grants: readonly unknown[] = Array.isArray(grantTypes) ? grantTypes : []
  const withPeople = grants.some((each) => ofPeople.includes(String(each)))
  return {
    ...(!grants.includes('implicit') && {
      response_types: grants.includes('authorization_code') ? ['code'] : [],
    }),
    scope: withPeople ? defaultScopes : '',
    ...(grants.some((each) => each !== 'client_credentials') && { include_claims_in_id_token: true }),
    ...(jwks !== undefined && { token_endpoint_auth_method: 'private_key_jwt' }),
    ...metadata,
    grant_types: grantTypes,
    client_name: name,
  }
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

/** What holds for the record as a whole, whichever options gave it. Throws Refusal. */
export function requireAllowed(client: Client): void {
  if (!isPublic(client)) return
  if (client.require_pkce === false)
    throw new Refusal('require_pkce is false (--no-pkce), and a public client always needs PKCE')
  if (client.resource_server || client.resource_uris)
    throw new Refusal('resource_server, resource_uris: only a client that authenticates may introspect')
}

function requireObject(path: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${path}: expected a JSON object`)
  return value as Record<string, unknown>
}
