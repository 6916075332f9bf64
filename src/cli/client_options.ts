/** The options of `latchkey client add` and `client set` as members of a client. https://www.rfc-editor.org/rfc/rfc7591#section-2 */
import { readFile } from 'node:fs/promises'
import { signingAlgs } from '../auth/registration.ts'
import { grantTypesFor } from '../auth/agreeing_types.ts'
import type { Option, Values } from './command.ts'
import { type Client, isPublic } from '../models/client.ts'
import { Refusal, UsageError } from './failure.ts'
import { printable } from './output.ts'

/** Of a client of End-Users. A service has none: what it needs is known to the operator alone (OWASP ASVS 5.0, 10.4.11). */
export const defaultScopes = 'openid profile email offline_access'

/** An option that gives one member of the record. */
interface MemberOption extends Option {
  readonly member: string
  /** The member is none that a client can register. */
  readonly privilege?: true
  /** The value of the member. Without it: the text, the list, or true. */
  readonly read?: (given: never) => unknown
}

/** One row for each option. `client add` sets these members, `client set` changes them. */
export const memberOptions = {
  'redirect-uri': {
    member: 'redirect_uris',
    type: 'string',
    multiple: true,
    value: 'URI',
    help: 'Redirect URI, compared exactly',
  },
  'post-logout-redirect-uri': {
    member: 'post_logout_redirect_uris',
    type: 'string',
    multiple: true,
    value: 'URI',
    help: 'Redirect URI after logout',
  },
  'grant-type': {
    member: 'grant_types',
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'Default: authorization_code and refresh_token; client_credentials for a service',
  },
  scope: {
    member: 'scope',
    type: 'string',
    multiple: true,
    value: 'SCOPE',
    help: `Scopes that it may request. Default: ${defaultScopes}; none for a service. SCOPES adds those of your APIs`,
    read: (scopes: readonly string[]) => scopes.join(' '),
  },
  'auth-method': {
    member: 'token_endpoint_auth_method',
    type: 'string',
    value: 'METHOD',
    help: 'The one method that it uses. Default: its secret in the header or in the body; private_key_jwt with --jwks',
  },
  public: {
    member: 'token_endpoint_auth_method',
    type: 'boolean',
    help: 'A public client without a secret, such as a browser or native app',
    read: () => 'none',
  },
  jwks: {
    member: 'jwks',
    type: 'string',
    value: 'FILE',
    help: 'File with its public keys (JWKS)',
    read: (path: string) => readJson(path),
  },
  'id-token-alg': {
    member: 'id_token_signed_response_alg',
    type: 'string',
    value: 'ALG',
    help: `One of ${signingAlgs.join(', ')}. Default: RS256, or the first of SIGNING_ALGS without it`,
  },
  'id-token-claims': {
    member: 'include_claims_in_id_token',
    type: 'boolean',
    help: 'Its ID Tokens have the claims of its scopes, beside userinfo. Default, except for a service',
  },
  'no-id-token-claims': {
    member: 'include_claims_in_id_token',
    type: 'boolean',
    help: 'Its ID Tokens have no claims of its scopes: it reads them at userinfo',
    read: () => false,
  },
  'access-token-format': {
    member: 'access_token_format',
    type: 'string',
    value: 'FORMAT',
    help: 'jwt or opaque. Default: ACCESS_TOKEN_FORMAT',
  },
  'application-type': {
    member: 'application_type',
    type: 'string',
    value: 'TYPE',
    help: 'web or native',
  },
  'first-party': {
    member: 'first_party',
    privilege: true,
    type: 'boolean',
    help: 'A client of your own: users are not asked for consent',
  },
  pkce: {
    member: 'require_pkce',
    privilege: true,
    type: 'boolean',
    help: 'Require PKCE even if REQUIRE_PKCE is false',
  },
  'no-pkce': {
    member: 'require_pkce',
    privilege: true,
    type: 'boolean',
    help: 'Do not require PKCE; only for confidential clients with old libraries',
    read: () => false,
  },
  'resource-server': {
    member: 'resource_server',
    privilege: true,
    type: 'boolean',
    help: 'An API, often with --grant-type client_credentials. Without --resource-uri it may introspect tokens for ACCESS_TOKEN_AUDIENCE',
  },
  'resource-uri': {
    member: 'resource_uris',
    type: 'string',
    multiple: true,
    value: 'URI',
    help: 'The URI of the API that this client is: it may introspect tokens for it, and no others',
  },
  'may-impersonate': {
    member: 'may_impersonate',
    privilege: true,
    type: 'boolean',
    help: 'Exchanged tokens do not name this client as actor (RFC 8693 §1.1)',
  },
  'exchange-audience': {
    member: 'exchange_audiences',
    privilege: true,
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'A client or resource for which it may exchange tokens, without a grant of the user',
  },
  'allow-resource': {
    member: 'allowed_resources',
    privilege: true,
    type: 'string',
    multiple: true,
    value: 'URI',
    help: 'An API that it may request tokens for, beside RESOURCES (RFC 8707); * for any',
  },
} as const satisfies Readonly<Record<string, MemberOption>>

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
  for (const [, { member, type }] of rows) {
    const value = own[member]
    if (value === undefined || (type === 'boolean' ? typeof value === 'boolean' : isTexts(value))) continue
    const expected = type === 'boolean' ? 'true or false' : 'a list of texts'
    throw new UsageError(`--metadata: ${member}: expected ${expected}, got ${printable(value)}`)
  }
}

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

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
  const withPeople = grants.includes('authorization_code')
  return {
    ...(!grants.includes('implicit') && { response_types: withPeople ? ['code'] : [] }),
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

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8')
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(`${path}: expected JSON`)
  }
}

function requireObject(path: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${path}: expected a JSON object`)
  return value as Record<string, unknown>
}
