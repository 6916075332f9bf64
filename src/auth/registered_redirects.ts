/** Checks the redirect URIs of client metadata against the policy of the provider. https://www.rfc-editor.org/rfc/rfc7591#section-5 */
import { check } from './check.ts'
import { OAuthError } from './errors.ts'
import { type RedirectAllowance, redirectUriProblem } from './redirect_uri.ts'
import { shown } from './refusal.ts'
import { leadsToOneOf } from './registration_limits.ts'

/** The members of client metadata that are read here. */
interface WithRedirects {
  redirect_uris: readonly string[]
  post_logout_redirect_uris: readonly string[]
  grant_types: readonly string[]
  response_types: readonly string[]
  application_type?: 'web' | 'native' | undefined
  token_endpoint_auth_method: string
}

/** Where redirect URIs may lead. */
export interface RedirectPolicy extends RedirectAllowance {
  /** As in `RegistrationLimits`; undefined when any host is allowed. */
  redirectHosts?: readonly string[] | undefined
}

/** Why `uri` may not be registered, as the end of a sentence. */
export function redirectProblem(
  uri: string,
  applicationType: unknown,
  { redirectHosts, ...allowance }: RedirectPolicy,
): string | undefined {
  const type = applicationType === 'web' || applicationType === 'native' ? applicationType : undefined
  const isForeign = redirectHosts !== undefined && !leadsToOneOf(redirectHosts, uri)
  return (
    redirectUriProblem(uri, type, allowance) ??
    (isForeign ? `leads to none of the hosts ${redirectHosts.join(', ')}` : undefined)
  )
}

/** Without its secret, a code that was read on the way is worth nothing. A token in the redirect is worth what it is. */
const needsItsSecret = ({ grant_types, token_endpoint_auth_method }: WithRedirects): boolean =>
  token_endpoint_auth_method !== 'none' && !grant_types.includes('implicit')

const privateHttpFor = (
  metadata: WithRedirects,
  { privateHttp }: RedirectPolicy,
): RedirectPolicy['privateHttp'] => privateHttp && (needsItsSecret(metadata) ? privateHttp : 'with_secret')

/** The kinds of URIs that the policy allows. */
function kindsOf(
  { redirectHosts, redirectSchemes, privateHttp }: RedirectPolicy,
  applicationType: WithRedirects['application_type'],
): string {
  const host = redirectHosts ? ` to ${redirectHosts.join(', ')}` : ''
  const http = `http on loopback${privateHttp === true ? ' or to a host of a private network' : ''}`
  if (applicationType === 'web') return `https${host} or ${http}`
  const scheme =
    redirectSchemes === 'with_host'
      ? 'a scheme of an application in reverse-domain notation or with a host'
      : 'a scheme of an application in reverse-domain notation'
  return `https${host}, ${http}, or ${scheme}`
}

export function checkRedirectUris(metadata: WithRedirects, policy: RedirectPolicy): void {
  const needsOne =
    metadata.response_types.length > 0 &&
    metadata.grant_types.some((each) => each === 'authorization_code' || each === 'implicit')
  check(!needsOne || metadata.redirect_uris.length !== 0, 'invalid_redirect_uri', () => ({
    rule: 'RFC 7591 §2',
    expected: 'redirect_uris must name at least one URI for the authorization_code grant',
    next: 'name one, or register grant type client_credentials for a service or an API without End-Users',
  }))
  // OpenID Connect Registration §2: tokens in the URL of a website need TLS.
  const insecure = metadata.redirect_uris.find((uri) => !uri.toLowerCase().startsWith('https://'))
  check(
    metadata.application_type !== 'web' ||
      !metadata.grant_types.includes('implicit') ||
      insecure === undefined,
    'invalid_redirect_uri',
    () => ({
      rule: 'OpenID Connect Registration §2',
      expected: 'redirect_uris with https for application_type web and grant type implicit',
      came: insecure,
      problem: `redirect_uris: ${shown(insecure)} is not https, which application_type web needs with grant type implicit`,
    }),
  )
  const allowed = { ...policy, privateHttp: privateHttpFor(metadata, policy) }
  for (const name of ['redirect_uris', 'post_logout_redirect_uris'] as const)
    for (const uri of metadata[name]) {
      const problem = redirectProblem(uri, metadata.application_type, allowed)
      if (problem === undefined) continue
      throw new OAuthError(name === 'redirect_uris' ? 'invalid_redirect_uri' : 'invalid_client_metadata', {
        rule: 'RFC 7591 §5',
        expected: `${name}: ${kindsOf(allowed, metadata.application_type)}`,
        came: uri,
        problem: `${name}: ${shown(uri)} ${problem}`,
      })
    }
}
