/** The options that give a client its members, one row for each. https://www.rfc-editor.org/rfc/rfc7591#section-2 */
import { signingAlgs } from '../auth/registration.ts'
import { longestRoleName } from '../clients/privileges.ts'
import { defaultScopes } from '../endpoints/operator_clients.ts'
import { resourceProblem } from '../auth/resource_uri.ts'
import type { Option } from './command.ts'
import { UsageError } from './failure.ts'
import { readJson } from './json_file.ts'
import { printable } from './output.ts'

/** An option that gives one member of the record. */
export interface MemberOption extends Option {
  readonly member: string
  /** The member is none that a client can register. */
  readonly privilege?: true
  /** The value of the member. Without it: the text, the list, or true. */
  readonly read?: (given: never) => unknown
}

/** `admin=Administrators`, or `editor` for a role that keeps its name. */
const readRoleNames = (given: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    given.map((text) => {
      const [, role = '', name = role] = /^([^=]+)(?:=(.+))?$/su.exec(text) ?? []
      if (role === '' || name.length > longestRoleName)
        throw new UsageError(`--role-name: expected ROLE or ROLE=NAME, got ${printable(text)}`)
      return [role, name]
    }),
  )

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
  'response-type': {
    member: 'response_types',
    type: 'string',
    multiple: true,
    value: 'TYPE',
    help: 'Default: code. Others as IMPLICIT_AND_HYBRID allows, such as "code id_token"',
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
  'access-token-typ': {
    member: 'access_token_typ',
    type: 'string',
    value: 'TYP',
    help: 'at+jwt, or JWT for APIs that refuse at+jwt. Default: ACCESS_TOKEN_TYP',
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
  'lab-client': {
    member: 'lab_client',
    privilege: true,
    type: 'boolean',
    help: 'The teaching lab may tell it wrong things, so that its author sees what it checks. Not for a client with real users',
  },
  'exchange-audience': {
    member: 'exchange_audiences',
    privilege: true,
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'A client or resource for which it may exchange tokens, without a grant of the user',
  },
  'role-name': {
    member: 'role_names',
    privilege: true,
    type: 'string',
    multiple: true,
    value: 'ROLE[=NAME]',
    help: 'A role that it is told with the scopes roles and groups, under NAME if given; others it is not told. Default: all',
    read: readRoleNames,
  },
  'allow-resource': {
    member: 'allowed_resources',
    privilege: true,
    type: 'string',
    multiple: true,
    value: 'URI',
    help: 'An API that it may request tokens for, beside RESOURCES (RFC 8707); * for any',
    read: requireResources,
  },
} as const satisfies Readonly<Record<string, MemberOption>>

/** No request could name another value. */
function requireResources(uris: readonly string[]): readonly string[] {
  for (const uri of uris) {
    const problem = uri === '*' ? undefined : resourceProblem(uri)
    if (problem !== undefined) throw new UsageError(`--allow-resource: ${problem}, got ${printable(uri)}`)
  }
  return uris
}
