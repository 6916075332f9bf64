/** The options of `latchkey client add` as client metadata. https://www.rfc-editor.org/rfc/rfc7591#section-2 */
import { readFile } from 'node:fs/promises'
import { signingAlgs } from '../auth/registration.ts'
import { grantTypesFor } from '../auth/agreeing_types.ts'
import type { Values } from './command.ts'
import { UsageError } from './failure.ts'
import { printable } from './output.ts'

/** Of a client of End-Users. A service has none: what it needs is known to the operator alone (OWASP ASVS 5.0, 10.4.11). */
export const defaultScopes = 'openid profile email offline_access'

export const clientOptions = {
  'redirect-uri': {
    type: 'string',
    multiple: true,
    value: 'URI',
    help: 'Redirect URI, compared exactly',
  },
  'post-logout-redirect-uri': {
    type: 'string',
    multiple: true,
    value: 'URI',
    help: 'Redirect URI after logout',
  },
  public: { type: 'boolean', help: 'A public client without a secret, such as a browser or native app' },
  'grant-type': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'Default: authorization_code and refresh_token; client_credentials for a service',
  },
  scope: {
    type: 'string',
    multiple: true,
    value: 'SCOPE',
    help: `Scopes that it may request. Default: ${defaultScopes}; none for a service. SCOPES adds those of your APIs`,
  },
  'client-id': { type: 'string', value: 'ID', help: 'Client ID. Default: random' },
  'auth-method': {
    type: 'string',
    value: 'METHOD',
    help: 'Default: client_secret_basic; private_key_jwt with --jwks',
  },
  jwks: { type: 'string', value: 'FILE', help: 'File with its public keys (JWKS)' },
  'id-token-alg': {
    type: 'string',
    value: 'ALG',
    help: `One of ${signingAlgs.join(', ')}. Default: RS256, or the first of SIGNING_ALGS without it`,
  },
  'access-token-format': {
    type: 'string',
    value: 'FORMAT',
    help: 'jwt or opaque. Default: ACCESS_TOKEN_FORMAT',
  },
  'application-type': { type: 'string', value: 'TYPE', help: 'web or native' },
  metadata: {
    type: 'string',
    value: 'FILE',
    help: 'More client metadata (RFC 7591) as a JSON object; options take precedence',
  },
  'first-party': { type: 'boolean', help: 'A client of your own: users are not asked for consent' },
  pkce: { type: 'boolean', help: 'Require PKCE even if REQUIRE_PKCE is false' },
  'no-pkce': {
    type: 'boolean',
    help: 'Do not require PKCE; only for confidential clients with old libraries',
  },
  'resource-server': {
    type: 'boolean',
    help: 'An API, often with --grant-type client_credentials. Without --resource-uri it may introspect tokens for ACCESS_TOKEN_AUDIENCE',
  },
  'resource-uri': {
    type: 'string',
    multiple: true,
    value: 'URI',
    help: 'The URI of the API that this client is: it may introspect tokens for it, and no others',
  },
  'may-impersonate': {
    type: 'boolean',
    help: 'Exchanged tokens do not name this client as actor (RFC 8693 §1.1)',
  },
  'exchange-audience': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'A client or resource for which it may exchange tokens, without a grant of the user',
  },
  'allow-resource': {
    type: 'string',
    multiple: true,
    value: 'URI',
    help: 'An API that it may request tokens for, beside RESOURCES (RFC 8707); * for any',
  },
} as const

export type ClientOptions = Values<typeof clientOptions>

const defaultGrants = (responseTypes: unknown): string[] =>
  Array.isArray(responseTypes)
    ? [...new Set([...grantTypesFor(responseTypes.map(String)), 'refresh_token'])]
    : ['authorization_code', 'refresh_token']

/** Not validated yet: `admitMetadata` does that. Throws UsageError when options contradict each other. */
export async function metadataOf(name: string, options: ClientOptions): Promise<Record<string, unknown>> {
  requireSense(options)
  const further =
    options.metadata === undefined ? {} : requireObject(options.metadata, await readJson(options.metadata))
  const grantTypes = options['grant-type'] ?? further.grant_types ?? defaultGrants(further.response_types)
  const grants: readonly unknown[] = Array.isArray(grantTypes) ? grantTypes : []
  const withPeople = grants.includes('authorization_code')
  const given = {
    client_name: name,
    redirect_uris: options['redirect-uri'],
    post_logout_redirect_uris: options['post-logout-redirect-uri'],
    grant_types: grantTypes,
    scope: options.scope?.join(' '),
    jwks: options.jwks === undefined ? undefined : await readJson(options.jwks),
    token_endpoint_auth_method: authMethodOf(options),
    id_token_signed_response_alg: options['id-token-alg'],
    access_token_format: options['access-token-format'],
    application_type: options['application-type'],
    resource_uris: options['resource-uri'],
  }
  return {
    ...(!grants.includes('implicit') && { response_types: withPeople ? ['code'] : [] }),
    scope: withPeople ? defaultScopes : '',
    ...further,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  }
}

/** Members that a client cannot register by itself. */
export const privilegesOf = (options: ClientOptions) => ({
  ...((options.pkce || options['no-pkce']) && { require_pkce: !options['no-pkce'] }),
  first_party: options['first-party'] ?? false,
  resource_server: options['resource-server'] ?? false,
  ...(options['may-impersonate'] && { may_impersonate: true }),
  ...(options['exchange-audience'] && { exchange_audiences: [...options['exchange-audience']] }),
  ...(options['allow-resource'] && { allowed_resources: [...options['allow-resource']] }),
})

function authMethodOf(options: ClientOptions): string | undefined {
  if (options.public) return 'none'
  return options['auth-method'] ?? (options.jwks === undefined ? undefined : 'private_key_jwt')
}

function requireSense(options: ClientOptions): void {
  const isPublic = options.public || options['auth-method'] === 'none'
  if (options.public && options['auth-method'] !== undefined && options['auth-method'] !== 'none')
    throw new UsageError(
      `--public: a public client has no secret or key to use ${printable(options['auth-method'])} with`,
    )
  if (isPublic && options['no-pkce']) throw new UsageError('--no-pkce: a public client always needs PKCE')
  if (options.pkce && options['no-pkce']) throw new UsageError('--pkce and --no-pkce exclude each other')
  const isApi = options['resource-server'] || options['resource-uri'] !== undefined
  if (isPublic && isApi)
    throw new UsageError('--resource-server, --resource-uri: only a client that authenticates may introspect')
  const id = options['client-id']
  if (id !== undefined && !/^[\x21-\x7e]{1,200}$/.test(id))
    throw new UsageError(
      `--client-id: expected 1 to 200 ASCII characters without spaces, got ${printable(id)}`,
    )
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
