/** Checks of a client identifier that is a URL, and of the metadata document at that URL. https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/ §3, §4 */
import { OAuthError } from '../../auth/errors.ts'
import { withoutEmptyMembers } from '../../auth/misfits.ts'
import { type Grounds, shown } from '../../auth/refusal.ts'
import type { Rule } from '../../auth/rule.ts'
import type { RegistrationPolicy } from '../../auth/registration.ts'
import { hostProblem } from '../../lib/plain_host.ts'

const refuse = (rule: Rule, grounds: Omit<Grounds, 'rule'>) =>
  new OAuthError('invalid_client', { ...grounds, rule })

const longest = 500

/**
 * Throws `invalid_client` unless `clientId` is a URL that §3 allows. Identifiers are compared as strings, so only one
 * spelling is accepted. A query is refused, though the draft only advises against it: a page that echoes its query
 * could be made to serve a metadata document. The outbound fetcher checks scheme and address.
 */
export function requireDocumentUrl(clientId: string): void {
  const problem = urlProblem(clientId)
  if (problem !== undefined)
    throw refuse('Client ID Metadata Document §3', {
      expected: 'client_id is a URL with a path, without fragment, query, user information and dot segments',
      came: clientId,
      problem: `client_id ${shown(clientId)} ${problem}`,
    })
}

function urlProblem(clientId: string): string | undefined {
  if (clientId.length > longest) return `is longer than ${longest} characters`
  if (!/^https?:\/\/[\x21-\x5b\x5d-\x7e]+$/.test(clientId) || !URL.canParse(clientId))
    return 'is not a URL in printable ASCII'
  const [, authority = '', path = ''] = /^https?:\/\/([^/?#]*)([^?#]*)/.exec(clientId)!
  if (authority.includes('@')) return 'carries user information'
  const host = hostProblem(new URL(clientId))
  if (host !== undefined) return host
  if (clientId.includes('#')) return 'has a fragment'
  if (clientId.includes('?')) return 'has a query'
  if (path === '') return 'has no path'
  if (/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path)) return 'has a dot segment in its path'
  return undefined
}

/** The document is public, so it must not contain a shared secret (§4.1). */
const secrets = ['client_secret', 'client_secret_expires_at']
const authMethods = ['none', 'private_key_jwt']

/**
 * The metadata of a fetched document, to be read like a registration request. Throws `invalid_client` when the document
 * has another `client_id` or a secret.
 */
export function readDocument(document: unknown, clientId: string): Record<string, unknown> {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw refuse('Client ID Metadata Document §4', {
      expected: 'a JSON object at client_id',
      problem: 'the document at client_id is not a JSON object',
    })
  const metadata = withoutEmptyMembers(document as Record<string, unknown>)
  if (metadata.client_id !== clientId)
    throw refuse('Client ID Metadata Document §4', {
      expected: `client_id of the document is its own URL: ${clientId}`,
      came: metadata.client_id,
      problem: `the document at client_id says client_id ${shown(metadata.client_id)}; it must be its own URL`,
    })
  const shared = secrets.find((name) => Object.hasOwn(metadata, name))
  if (shared !== undefined)
    throw refuse('Client ID Metadata Document §4.1', {
      expected: `a document without ${shared}`,
      problem: `the document at client_id has ${shared}, but the document is public`,
    })
  return {
    ...metadata,
    token_endpoint_auth_method: metadata.token_endpoint_auth_method ?? 'none',
    application_type: hasOpenRedirect(metadata.redirect_uris) ? 'native' : metadata.application_type,
  }
}

/** Any program on the End-User's machine can receive at such a redirect URI, so the client is native (RFC 8252 §8.6). */
const hasOpenRedirect = (uris: unknown): boolean =>
  Array.isArray(uris) && uris.some((uri) => typeof uri === 'string' && !/^https:/i.test(uri))

/**
 * The policy of dynamic registration, limited to authentication methods without a shared secret. One document serves many
 * providers, so values that this provider does not offer are left out.
 */
export const documentPolicy = (policy: RegistrationPolicy): RegistrationPolicy => ({
  ...policy,
  leaveOut: true,
  authMethods: policy.authMethods.filter((each) => authMethods.includes(each)),
})
