/** The security headers of all responses. https://owasp.org/www-project-secure-headers/ */
import type { Config } from '../config.ts'
import type { Reply } from '../contracts/reply.ts'
import { type PolicySource, schemeSource } from '../lib/policy_source.ts'

/** No inline code and no foreign resources. Forms may lead to this provider, to https, and to the targets of the page. */
const policyOf = (
  own: string,
  { formTargets = [], frameSources = [], imageSources = [] }: Partial<Reply> = {},
  ancestors = "'none'",
) =>
  [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    `img-src 'self'${imageSources.map((each) => ` ${each}`).join('')}`,
    "connect-src 'self'",
    // Chromium applies form-action to the redirects that follow a form, so clients' redirect URIs must pass.
    `form-action 'self' https:${own}${formTargets.map((each) => ` ${each}`).join('')}`,
    ...(frameSources.length > 0 ? [`frame-src ${frameSources.join(' ')}`] : []),
    `frame-ancestors ${ancestors}`,
    "base-uri 'none'",
  ].join('; ')

/** The other origins of this provider that a form leads to. https is allowed always; over http, on loopback, they are named. */
const ownTargets = ({ issuer }: Config, pageBases: readonly string[]): string =>
  pageBases.length === 0 || issuer.startsWith('https:')
    ? ''
    : [issuer, ...pageBases].map((base) => ` ${new URL(base).origin}`).join('')

const hsts = (value: string) => ({ 'strict-transport-security': value })

/** RFC 6797 §6.1. Browsers take a host into their lists from two years with `preload` on. */
const strictTransport: Record<Config['hsts'], Record<string, string>> = {
  off: {},
  host: hsts('max-age=31536000'),
  subdomains: hsts('max-age=31536000; includeSubDomains'),
  preload: hsts('max-age=63072000; includeSubDomains; preload'),
}

function baseHeaders(config: Config): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...(config.issuer.startsWith('https:') && strictTransport[config.hsts]),
  }
}

/** A browser that opens JSON, a script or a picture as a document loads nothing with it. */
const otherHeaders = {
  'content-security-policy':
    "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
  'x-frame-options': 'DENY',
}

const pageHeaders = {
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}

/** For a page that any site may frame. X-Frame-Options is left out: it has no value for that. */
const framedHeaders = {
  'cross-origin-resource-policy': 'cross-origin',
  'permissions-policy': pageHeaders['permissions-policy'],
  'content-security-policy': policyOf('', {}, '*'),
}

/** What is the same in all replies of one configuration. */
interface Prepared {
  base: Record<string, string>
  own: string
  plainPolicy: string
}

/** The headers of the reply take precedence. */
function securityHeaders({ base, own, plainPolicy }: Prepared, reply: Reply): Record<string, string> {
  if (!reply.headers['content-type']?.startsWith('text/html'))
    return { ...base, ...otherHeaders, ...reply.headers }
  if (reply.framedByAnySite) return { ...base, ...framedHeaders, ...reply.headers }
  const { formTargets, frameSources, imageSources } = reply
  const policy = formTargets || frameSources || imageSources ? policyOf(own, reply) : plainPolicy
  return { ...base, ...pageHeaders, 'content-security-policy': policy, ...reply.headers }
}

/**
 * All headers of a reply, for `Response`, which copies them. Replies that share a frozen object of headers share the
 * result, because the runtime copies `Headers` in half the time in which it reads an object.
 */
export function createHeaders(
  config: Config,
  pageBases: readonly string[] = [],
): (reply: Reply) => Headers | Record<string, string> {
  const own = ownTargets(config, pageBases)
  const prepared = { base: baseHeaders(config), own, plainPolicy: policyOf(own) }
  const shared = new WeakMap<object, Headers>()
  return (reply) => {
    if (!Object.isFrozen(reply.headers)) return securityHeaders(prepared, reply)
    let made = shared.get(reply.headers)
    if (!made) shared.set(reply.headers, (made = new Headers(securityHeaders(prepared, reply))))
    return made
  }
}

/**
 * The form-action source that allows a form to lead to this redirect URI. It is only the scheme: Chromium also checks
 * where the client redirects next, which may be another loopback port, and a source cannot name [::1].
 */
export const formTarget = (uri: string): PolicySource[] =>
  schemeSource(uri).filter((scheme) => scheme !== 'https:')
