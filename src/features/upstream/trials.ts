/** What `config check --deep` tries of upstream providers: their metadata, or a connection to their endpoints. */
import { camelCase } from '../../config/entry.ts'
import type { Config } from '../../config.ts'
import type { FeatureTrial } from '../../contracts/feature_trial.ts'
import { connectTo } from '../../outbound/connect.ts'
import { OutboundError } from '../../outbound/outbound.ts'
import { metadataOf, type Provider } from './discovery.ts'
import { UpstreamError } from './request.ts'
import { type Upstream, upstreamsOf } from './settings.ts'

/** The variable with the URL of the provider, or the one that switches it on. */
function variableOf({ id, row }: Upstream, { features }: Config): string {
  const has = (name: string) => features.upstream?.[camelCase(name)] !== undefined
  const prefix = `UPSTREAM_${row.name.toUpperCase()}`
  const names = ['ISSUER', 'BASE_URL', 'CLIENT_ID'].map((ending) => `${prefix}_${ending}`)
  return (id === row.name ? names.find(has) : undefined) ?? 'UPSTREAM_PROVIDERS'
}

const originsOf = (urls: readonly (string | undefined)[]): string[] => [
  ...new Set(urls.flatMap((url) => (url === undefined ? [] : [new URL(url).origin]))),
]

/** Metadata lead to the endpoints that the provider requests. The authorization endpoint is for browsers. */
export async function problemOf(provider: Provider, upstream: Upstream): Promise<string | undefined> {
  const where = upstream.row.where(upstream)
  let last = 'issuer' in where ? where.issuer : ''
  const reach = async (urls: readonly (string | undefined)[]) => {
    for (last of originsOf(urls)) await connectTo(last, provider.config)
  }
  try {
    if (!('endpoints' in where)) await reach([where.issuer])
    const { token, userinfo, emails, jwksUri } = await metadataOf(provider, upstream)
    await reach([token, userinfo, emails, jwksUri])
    return undefined
  } catch (error) {
    const way = 'Compare the settings with what the provider names, and let this machine connect to it'
    if (error instanceof UpstreamError) return `${upstream.id}: ${error.detail}. ${way}`
    if (!(error instanceof OutboundError)) throw error
    const detail = error.detail === undefined ? '' : ` (${error.detail})`
    return `${upstream.id}: ${URL.parse(last)?.host} ${error.message}${detail}. ${way}`
  }
}

/** Of `oauth2` the endpoints are variables of their own, each with its URL. */
export const trials = (provider: Provider): FeatureTrial[] =>
  upstreamsOf(provider.config)
    .filter(({ id, row }) => !(row.name === 'oauth2' && id === 'oauth2'))
    .map((upstream) => ({
      name: variableOf(upstream, provider.config),
      run: () => problemOf(provider, upstream),
    }))
