/** Rules that a registered client would break under another configuration. docs/configuration.md, "PROFILE" */
import { canonicalResponseType } from '../auth/agreeing_types.ts'
import { signingAlgs } from '../auth/registration.ts'
import type { Config } from '../config.ts'
import type { Table } from '../contracts/context.ts'
import { isLoopbackHost } from '../lib/address.ts'
import { authMethodsOf, type Client, isPublic } from '../models/client.ts'

type Provider = { config: Config; table: Table }
/** Returns one text for each part of the rule that the client does not meet. */
type Rule = (client: Client, provider: Provider) => readonly string[]

const usesCode = (client: Client) => client.grant_types.includes('authorization_code')

const responseTypes: Rule = (client, { table }) =>
  client.response_types
    .filter((type) => !table.responseTypes.has(canonicalResponseType(type)))
    .map((type) => `response_type ${type} is not served`)

const grantTypes: Rule = (client, { table }) =>
  client.grant_types
    .filter((type) => !table.grantTypes.has(type))
    .map((type) => `grant_type ${type} is not served`)

/** A client without a grant type never authenticates. */
const authentication: Rule = (client, { config, table }) => {
  const { clientAuthMethods: allowed } = config
  const methods = [...table.clientAuth.keys()].filter(
    (name) => allowed.length === 0 || allowed.includes(name),
  )
  const { token_endpoint_auth_method: method } = client
  return client.grant_types.length === 0 || authMethodsOf(client).some((each) => methods.includes(each))
    ? []
    : [`token_endpoint_auth_method ${method} is not among those accepted: ${methods.join(', ')}`]
}

/** Members that name a signature algorithm. Symmetric algorithms are not checked, because SIGNING_ALGS does not limit them. */
const signature = /_(?:signing|signed_response)_alg$/
const asymmetric: readonly unknown[] = signingAlgs

const algorithms: Rule = (client, { config }) =>
  Object.entries(client)
    .filter(
      ([name, value]) =>
        signature.test(name) &&
        asymmetric.includes(value) &&
        !config.signingAlgs.some((each) => each === value),
    )
    .map(
      ([name, value]) =>
        `${name} ${String(value)} is not among SIGNING_ALGS: ${config.signingAlgs.join(', ')}`,
    )

/** The record does not say whether the client uses PKCE already. */
const pkce: Rule = (client, { config }) =>
  config.requirePkce && usesCode(client) && !isPublic(client) && client.require_pkce === undefined
    ? ['must use PKCE']
    : []

/** FAPI 2.0 Security Profile §5.3.2.2. */
const redirects: Rule = (client, { config }) =>
  config.profile === 'fapi2'
    ? client.redirect_uris
        .filter((uri) => !isPrivateToApp(uri, client))
        .map((uri) => `redirect_uri ${uri} must be https, or on loopback with application_type native`)
    : []

function isPrivateToApp(uri: string, { application_type }: Client): boolean {
  const url = URL.parse(uri)
  if (url?.protocol !== 'http:') return true
  return application_type === 'native' && isLoopbackHost(url.hostname)
}

const rules: readonly Rule[] = [authentication, responseTypes, grantTypes, algorithms, redirects, pkce]

/** One text for each unmet rule, those of features last; empty when the client need not change. */
export const demandsOn = (client: Client, provider: Provider): string[] => [
  ...rules.flatMap((rule) => rule(client, provider)),
  ...provider.table.clientDemands.flatMap((rule) => rule(client, provider.config)),
]
