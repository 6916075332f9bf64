/** Where a provider is: its discovery document, or the endpoints of its row. https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { asFailure, quoted, UpstreamError } from './request.ts'
import type { Row } from './row.ts'
import type { Upstream } from './settings.ts'

const Document = v.looseObject({
  issuer: v.string(),
  authorization_endpoint: v.string(),
  token_endpoint: v.string(),
  jwks_uri: v.string(),
  userinfo_endpoint: v.optional(v.string()),
  revocation_endpoint: v.optional(v.string()),
  token_endpoint_auth_methods_supported: v.optional(v.array(v.string())),
  /** RFC 9207 §3 */
  authorization_response_iss_parameter_supported: v.optional(v.boolean(), false),
})

/** What we know of a provider before anybody is sent there. */
export interface Known {
  /** The name of its issuer; for a template the ID Token completes it. */
  issuer: string
  authorization: string
  token: string
  userinfo: string | undefined
  emails: string | undefined
  revocation: string | undefined
  /** Without it there are no ID Tokens. */
  jwksUri: string | undefined
  /** How we prove who we are there. */
  auth: Row['auth']
  /** It puts `iss` into every authorization response. */
  saysIss: boolean
}

/** Seconds. */
const keptFor = 3600

/** Throws UpstreamError when the document cannot be had, or is somebody else's. */
export async function known(context: Context, upstream: Upstream): Promise<Known> {
  const where = upstream.row.where(upstream)
  if ('endpoints' in where) {
    const { authorization, token, userinfo, emails, revocation } = where.endpoints
    const ends = { token, userinfo, emails, revocation, jwksUri: undefined, saysIss: false }
    const { auth } = upstream.row
    return { issuer: where.issuer, authorization: requireBrowsable(authorization, context), auth, ...ends }
  }
  const document = await discover(context, `${where.issuer}/.well-known/openid-configuration`)
  const expected = where.says ?? where.issuer
  // §4.3: else whoever serves a document could speak as anybody.
  if (document.issuer !== expected && document.issuer !== `${expected}/`)
    throw new UpstreamError(
      'nonsense',
      `its document says issuer ${quoted(document.issuer)}, not ${expected}`,
    )
  return {
    issuer: document.issuer,
    authorization: requireBrowsable(document.authorization_endpoint, context),
    token: document.token_endpoint,
    userinfo: document.userinfo_endpoint,
    emails: undefined,
    revocation: document.revocation_endpoint,
    jwksUri: document.jwks_uri,
    auth: authOf(upstream.row, document.token_endpoint_auth_methods_supported),
    saysIss: document.authorization_response_iss_parameter_supported,
  }
}

/** As the row says, but for a provider that takes the secret in the form alone (Discovery §3: Basic when it says nothing). */
const authOf = ({ auth }: Row, taken: readonly string[] = [auth]): Row['auth'] =>
  auth === 'client_secret_basic' && !taken.includes(auth) && taken.includes('client_secret_post')
    ? 'client_secret_post'
    : auth

async function discover(context: Context, url: string): Promise<v.InferOutput<typeof Document>> {
  const said = await context.outbound.getJson(url, { cacheFor: keptFor }).catch((error: unknown) => {
    throw asFailure(error)
  })
  const parsed = v.safeParse(Document, said)
  if (parsed.success) return parsed.output
  throw new UpstreamError('nonsense', `its document: ${v.getDotPath(parsed.issues[0])} is missing or odd`)
}

/** The browser goes there: https, or what an operator named for a laboratory. The other URLs the guarded fetcher judges. */
function requireBrowsable(url: string, { config }: Context): string {
  const { protocol, hostname, port, username } = URL.parse(url) ?? {}
  const hostPort = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
  const allowed =
    protocol === 'https:' || (protocol === 'http:' && config.outboundAllowHosts.includes(hostPort))
  if (allowed && username === '') return url
  throw new UpstreamError('nonsense', `its authorization endpoint is ${quoted(url)}`)
}
