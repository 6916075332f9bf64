/** A client identifier that is a URL, and the document behind it. https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/ §3, §4 */
import { OAuthError } from '../../auth/errors.ts'
import { type Grounds, shown } from '../../auth/refusal.ts'
import type { Rule } from '../../auth/rule.ts'
import type { RegistrationPolicy } from '../../auth/registration.ts'

const refuse = (rule: Rule, grounds: Omit<Grounds, 'rule'>) =>
  new OAuthError('invalid_client', { ...grounds, rule })

const longest = 500

/**
 * Throws `invalid_client` unless `clientId` may name a document (§3). Compared as it was written, so only one spelling
 * is taken. A query is refused, though the draft merely advises against it: a page that echoes its query would speak
 * for a host that never meant to. Scheme and address are judged by whoever fetches.
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
    return 'is no URL in printable ASCII'
  const [, authority = '', path = ''] = /^https?:\/\/([^/?#]*)([^?#]*)/.exec(clientId)!
  if (authority.includes('@')) return 'carries user information'
  if (clientId.includes('#')) return 'has a fragment'
  if (clientId.includes('?')) return 'has a query'
  if (path === '') return 'has no path'
  if (/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path)) return 'has a dot segment in its path'
  return undefined
}

/** Nobody shares a secret with a document that everybody can read (§4.1). */
const secrets = ['client_secret', 'client_secret_expires_at']
const authMethods = ['none', 'private_key_jwt']

/**
 * What of a fetched document goes on to be read as a registration would be. One document speaks to many servers, so of
 * the lists of what the client can do only what is offered here is kept. Throws `invalid_client` for a document of
 * somebody else, and for one with secrets.
 */
export function readDocument(
  document: unknown,
  clientId: string,
  policy: RegistrationPolicy,
): Record<string, unknown> {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw refuse('Client ID Metadata Document §4', {
      expected: 'a JSON object at client_id',
      problem: 'the document at client_id is no JSON object',
    })
  const said = document as Record<string, unknown>
  if (said.client_id !== clientId)
    throw refuse('Client ID Metadata Document §4', {
      expected: `client_id of the document is its own URL: ${clientId}`,
      came: said.client_id,
      problem: `the document at client_id says client_id ${shown(said.client_id)}; it must be its own URL`,
    })
  const shared = secrets.find((name) => Object.hasOwn(said, name))
  if (shared !== undefined)
    throw refuse('Client ID Metadata Document §4.1', {
      expected: `a document without ${shared}`,
      problem: `the document at client_id has ${shared}: everybody can read it`,
    })
  return {
    ...said,
    token_endpoint_auth_method: said.token_endpoint_auth_method ?? 'none',
    grant_types: among(said.grant_types, policy.grantTypes),
    response_types: among(said.response_types, policy.responseTypes),
    scope: typeof said.scope === 'string' ? scopesAmong(said.scope, policy.scopes) : said.scope,
    application_type: hasOpenRedirect(said.redirect_uris) ? 'native' : said.application_type,
  }
}

/** Left as it is when it is no list, for whoever reads it to refuse. */
const among = (list: unknown, offered: readonly string[]): unknown =>
  Array.isArray(list) ? list.filter((each) => typeof each !== 'string' || offered.includes(each)) : list

const scopesAmong = (scope: string, offered: readonly string[]): string =>
  scope
    .split(' ')
    .filter((each) => offered.includes(each))
    .join(' ')

/** Any program on the person's machine can answer there, whoever owns the document: such a client is native (RFC 8252 §8.6). */
const hasOpenRedirect = (uris: unknown): boolean =>
  Array.isArray(uris) && uris.some((uri) => typeof uri === 'string' && !/^https:/i.test(uri))

/** What a client may be that describes itself: what may register itself, without a secret. */
export const withoutSecrets = (policy: RegistrationPolicy): RegistrationPolicy => ({
  ...policy,
  authMethods: policy.authMethods.filter((each) => authMethods.includes(each)),
})
