/** Validates and compares redirect URIs. https://www.rfc-editor.org/rfc/rfc9700#section-2.1, loopback: RFC 8252 §7.3 */

import { isPrivateHost } from '../lib/address.ts'
import { hostProblem } from '../lib/plain_host.ts'
import { isSchemeOfApp } from './app_scheme.ts'

declare const trusted: unique symbol
/** A redirect URI that matches a registered one. Only this file makes one. */
export type TrustedRedirect = string & { readonly [trusted]: true }

const loopback = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|(localhost)))(?::\d{1,5})?(\/.*|\?.*)?$/

/** The members of a client that say on which hosts any port is accepted. */
interface Registrant {
  self_registered: boolean
}

/**
 * Compares exactly with the registered values. For http on a loopback IP address any port is accepted, because a native
 * app cannot know its port in advance (RFC 8252 §7.3); for `localhost` too if the client registered itself, because many
 * such clients use the name (decision 58).
 */
export function matchRedirectUri(
  registered: readonly string[],
  asked: string,
  registrant?: Registrant,
): TrustedRedirect | undefined {
  return registeredRedirect(registered, asked, registrant) === undefined
    ? undefined
    : (asked as TrustedRedirect)
}

/** The registered value that it matches. */
export function registeredRedirect(
  registered: readonly string[],
  asked: string,
  registrant?: Registrant,
): string | undefined {
  if (registered.includes(asked)) return asked
  const portless = withoutLoopbackPort(asked, registrant)
  if (portless === undefined) return undefined
  return registered.find((each) => withoutLoopbackPort(each, registrant) === portless)
}

function withoutLoopbackPort(uri: string, registrant: Registrant | undefined): string | undefined {
  const [, start, name, rest = ''] = loopback.exec(uri) ?? []
  if (start === undefined || (name !== undefined && !registrant?.self_registered)) return undefined
  return URL.canParse(uri) ? start + rest : undefined // a port above 65535 does not parse
}

/** The serialization of the origin of a page at `uri`. An application with a scheme of its own has one if its URIs have a host. */
function originOf(uri: string): string | undefined {
  const url = URL.parse(uri)
  if (!url || url.host === '') return undefined
  return url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin
}

/** Whether a page of `origin` may be at one of the registered URIs, by the rule of `matchRedirectUri`. */
export function isRedirectOrigin(
  registered: readonly string[],
  origin: string,
  registrant?: Registrant,
): boolean {
  const portless = withoutLoopbackPort(origin, registrant)
  return registered.some((uri) => {
    const own = originOf(uri)
    if (own === undefined) return false
    return own === origin || (portless !== undefined && withoutLoopbackPort(own, registrant) === portless)
  })
}

/** Browsers resolve `localhost` and every name below it to this machine (RFC 6761 §6.3). */
const isLoopbackName = (host: string): boolean =>
  host === '127.0.0.1' || host === '[::1]' || /^(?:[a-z\d-]+\.)*localhost$/.test(host)
const printable = /^[\x21-\x7e]+$/

const spelledHost = (uri: string): string | undefined =>
  /^https?:\/\/([^/?]+)/i.exec(uri)?.[1]?.replace(/:\d*$/, '').toLowerCase()

/** What redirect URIs may have beyond https, http on loopback, and a private-use scheme in reverse domain notation. */
export interface RedirectAllowance {
  /** REGISTRATION_REDIRECT_SCHEMES: a scheme of one word, for a native app. */
  redirectSchemes?: 'reverse_domain' | 'with_host'
  /** http to a host of a private network. `with_secret`: not for this client, which does not prove itself. */
  privateHttp?: boolean | 'with_secret' | undefined
}

/** Why a URI may not be registered as redirect_uri, or undefined when it may (RFC 7591 §2, RFC 8252 §7.1). */
export function redirectUriProblem(
  uri: string,
  applicationType: 'web' | 'native' | undefined,
  { redirectSchemes, privateHttp = false }: RedirectAllowance = {},
): string | undefined {
  if (uri.length > 2000) return 'is longer than 2000 characters'
  if (!printable.test(uri) || !URL.canParse(uri)) return 'is not an absolute URI in ASCII'
  if (uri.includes('#')) return 'has a fragment (RFC 6749 3.1.2)'
  if (uri.includes('*')) return 'has a wildcard; redirect URIs are compared exactly'
  if (uri.includes('\\')) return 'has a backslash'
  const url = new URL(uri)
  if (url.username !== '' || url.password !== '') return 'carries user information'
  if (/\/(?:\.|%2e){1,2}(?:\/|$|\?)/i.test(uri)) return 'has a dot segment in its path'
  // Parsers disagree on "https:app.example" and "http://127.1", so only the normal form is accepted.
  if (/^https?:/i.test(uri) && spelledHost(uri) !== url.hostname)
    return `does not spell its host as //${url.hostname}`
  const host = hostProblem(url)
  if (host !== undefined) return host
  if (url.protocol === 'https:') return undefined
  if (url.protocol === 'http:')
    return isLoopbackName(url.hostname) ? undefined : plainHttpProblem(url.hostname, privateHttp)
  if (applicationType === 'web')
    return 'has a private-use scheme, which application_type web may not register'
  return url.protocol.includes('.') ? undefined : wordSchemeProblem(url, redirectSchemes)
}

function plainHttpProblem(host: string, allowed: RedirectAllowance['privateHttp']): string | undefined {
  if (!allowed) return 'uses http off loopback; use https'
  if (!isPrivateHost(host)) return 'uses http off loopback and off private networks; use https'
  return allowed === true
    ? undefined
    : 'uses http off loopback; in a private network a client may do so that authenticates and has no tokens in its redirect'
}

/** RFC 8252 §7.1: any application may claim a scheme of one word; one with a dot belongs to the owner of the domain. */
function wordSchemeProblem(
  url: URL,
  allowed: RedirectAllowance['redirectSchemes'] = 'reverse_domain',
): string | undefined {
  const { protocol } = url
  const expected = 'https, http on loopback or a reverse-domain scheme'
  if (!isSchemeOfApp(protocol))
    return `has the scheme ${protocol}, which is not one of an application, where ${expected} was expected`
  const domain = `com.example.${protocol}/callback`
  if (allowed === 'reverse_domain')
    return `has the scheme ${protocol} where ${expected} was expected, such as ${domain}`
  // The host tells the applications of one scheme apart.
  return url.hostname === ''
    ? `has the scheme ${protocol} without a host; expected ${protocol}//callback, or a reverse-domain scheme such as ${domain}`
    : undefined
}

/** Whether it leads to a program on the machine of the browser. */
export const isLoopbackRedirect = (uri: string): boolean => {
  const url = new URL(uri)
  return url.protocol === 'http:' && isLoopbackName(url.hostname)
}

/** Appends response parameters to the query of a trusted redirect and keeps its own (RFC 6749 §4.1.2). */
export function withQuery(redirect: TrustedRedirect, params: Record<string, string | undefined>): string {
  return `${redirect}${redirect.includes('?') ? '&' : '?'}${formEncode(params)}`
}

/** application/x-www-form-urlencoded, undefined members left out. */
export function formEncode(params: Record<string, string | undefined>): string {
  let text = ''
  for (const [name, value] of Object.entries(params))
    if (value !== undefined) text += `${text && '&'}${encodeURIComponent(name)}=${encodeURIComponent(value)}`
  return text
}
