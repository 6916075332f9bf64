/** Metadata of a provider: from its discovery document, or from its row in the table. https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import type { Outcome } from '../../outbound/outbound.ts'
import { asFailure, quoted, UpstreamError } from './request.ts'
import { membersOf, type ProviderRow } from './row.ts'
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

export interface ProviderMetadata {
  /** A template such as `{tenantid}` is resolved by the ID Token. */
  issuer: string
  authorization: string
  token: string
  userinfo: string | undefined
  emails: string | undefined
  revocation: string | undefined
  /** Undefined if the provider issues no ID Tokens. */
  jwksUri: string | undefined
  /** Client authentication at its token endpoint. */
  auth: ProviderRow['auth']
  /** Every authorization response has `iss` (RFC 9207). */
  sendsIss: boolean
}

/** What is needed to read them. */
export type Provider = Pick<Context, 'config' | 'outbound' | 'clock'>

const cacheSeconds = 3600

/** How the last request for the metadata of a provider ended: one outcome at most for each configured provider. */
export const lastOutcome = ({ outbound }: Context, id: string): Outcome | undefined =>
  outbound.outcomes.get(`upstream ${id}`)

export function remember({ outbound, clock }: Provider, id: string, problem?: string): void {
  const at = new Date(clock.now()).toISOString()
  outbound.outcomes.set(
    `upstream ${id}`,
    problem === undefined ? { status: 'ok', at } : { status: 'failed', problem, at },
  )
}

/** Throws UpstreamError if the document cannot be fetched or states another issuer. */
export async function metadataOf(context: Provider, upstream: Upstream): Promise<ProviderMetadata> {
  try {
    const metadata = await readMetadata(context, upstream)
    remember(context, upstream.id)
    return metadata
  } catch (error) {
    if (error instanceof UpstreamError) remember(context, upstream.id, error.message)
    throw error
  }
}

async function readMetadata(context: Provider, upstream: Upstream): Promise<ProviderMetadata> {
  const where = upstream.row.where(upstream)
  if ('endpoints' in where) {
    const { authorization, token, userinfo, emails, revocation } = where.endpoints
    const ends = { token, userinfo, emails, revocation, jwksUri: undefined, sendsIss: false }
    const { auth } = upstream.row
    return { issuer: where.issuer, authorization: requireBrowsable(authorization, context), auth, ...ends }
  }
  const document = await discover(context, `${where.issuer}/.well-known/openid-configuration`)
  const expected = where.statedIssuer ?? where.issuer
  // §4.3: equal character by character, otherwise a server could state the issuer of another provider.
  if (document.issuer !== expected)
    throw new UpstreamError(
      'nonsense',
      `its document says issuer ${quoted(document.issuer)}, not ${expected} as configured, character by character`,
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
    sendsIss: document.authorization_response_iss_parameter_supported,
  }
}

/** The method of the row, except for a provider that only supports client_secret_post (Discovery §3: default Basic). */
const authOf = ({ auth }: ProviderRow, taken: readonly string[] = [auth]): ProviderRow['auth'] =>
  auth === 'client_secret_basic' && !taken.includes(auth) && taken.includes('client_secret_post')
    ? 'client_secret_post'
    : auth

async function discover(context: Provider, url: string): Promise<v.InferOutput<typeof Document>> {
  const said = await context.outbound
    .getJson(url, { purpose: 'upstream', cacheFor: cacheSeconds })
    .catch((error: unknown) => {
      throw asFailure(error)
    })
  const parsed = v.safeParse(Document, membersOf(said))
  if (parsed.success) return parsed.output
  throw new UpstreamError('nonsense', `its document: ${v.getDotPath(parsed.issues[0])} is missing or invalid`)
}

/** The browser opens this URL: it must be https, or a host in OUTBOUND_ALLOW_HOSTS. The outbound fetcher checks the other URLs. */
function requireBrowsable(url: string, { config }: Provider): string {
  const { protocol, hostname, port, username } = URL.parse(url) ?? {}
  const hostPort = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
  const allowed =
    protocol === 'https:' || (protocol === 'http:' && config.outboundAllowHosts.includes(hostPort))
  if (allowed && username === '') return url
  throw new UpstreamError('nonsense', `its authorization endpoint is ${quoted(url)}`)
}
