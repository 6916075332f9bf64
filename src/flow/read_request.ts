/** Reads and checks an authorization request: client, request sources, redirect, and all checks that need no End-User. */
import { check } from '../auth/check.ts'
import { readAuthorizationRequest } from '../auth/authorization_request.ts'
import { OAuthError } from '../auth/errors.ts'
import { matchRedirectUri, type TrustedRedirect } from '../auth/redirect_uri.ts'
import { RefusedError, shown } from '../auth/refusal.ts'
import { requireClient } from '../clients/find_client.ts'
import { roleScopes, scopeValues } from '../auth/scope.ts'
import type { Context } from '../contracts/context.ts'
import type { Params } from '../auth/params.ts'
import type { ReceivedRequest } from '../contracts/feature.ts'
import type { Client } from '../models/client.ts'
import type { CheckedRequest } from './checked_request.ts'
import { readExtra } from './grant_extra.ts'
import { servedPrompts } from './prompts.ts'
import { hintedSubject } from './id_token_hint.ts'

export async function clientOf(context: Context, { client_id }: Params): Promise<Client> {
  check(client_id !== undefined, 'invalid_request', () => ({
    rule: 'RFC 6749 §4.1.1',
    expected: 'client_id is required',
    came: client_id,
  }))
  return requireClient(context, client_id, () => unknownClient(client_id))
}

/** If the redirect is not registered for the client, the error is a page and not a redirect (RFC 9700 §4.11). */
export function requireTrustedRedirect(client: Client, params: Params): TrustedRedirect {
  check(params.redirect_uri !== undefined, 'invalid_request', () => ({
    rule: 'OpenID Connect Core §3.1.2.1',
    expected: 'redirect_uri is required',
    came: params.redirect_uri,
  }))
  const redirect = matchRedirectUri(client.redirect_uris, params.redirect_uri, client)
  check(redirect, 'invalid_request', () => ({
    rule: 'RFC 9700 §2.1',
    expected: `redirect_uri is one that this client registered: ${client.redirect_uris.join(', ') || 'none'}`,
    came: params.redirect_uri,
    wanted: client.redirect_uris,
    problem: `redirect_uri ${shown(params.redirect_uri)} is not registered for this client. Redirect URIs are compared character by character`,
  }))
  return redirect
}

/** The status is 400, not 401, because the authorization endpoint sends no challenge. */
export const unknownClient = (clientId: string) =>
  new OAuthError('invalid_client', {
    rule: 'RFC 6749 §4.1.2.1',
    expected: 'client_id is that of a registered client',
    came: clientId,
    problem: `client ${shown(clientId)} is not registered here`,
    status: 400,
  })

/**
 * The parameters of a new request: those of a pushed request or request object, if it refers to one. Only called when the
 * request arrives, not when an interaction resumes it.
 */
export async function resolveSources(context: Context, given: Params, client: Client): Promise<Params> {
  let params = given
  const called = context.table.requestSources.filter(({ parameter, accepts }) => {
    const value = given[parameter]
    return value !== undefined && accepts?.(value) !== false
  })
  if (called.length > 1) {
    const names = called.map(({ parameter }) => parameter).join(' and ')
    const both = new OAuthError('invalid_request', {
      rule: 'RFC 9101 §5',
      expected: `${names} exclude each other (RFC 9101 5)`,
    })
    throw new SourceRefused(both, client)
  }
  for (const source of called) {
    params = await source.resolve(context, params, client).catch((error: unknown) => {
      throw error instanceof RefusedError && !(error instanceof SourceRefused)
        ? new SourceRefused(error, client)
        : error
    })
  }
  return params
}

/**
 * An invalid request object or reference. The client gets the error if the request has a registered redirect_uri: in
 * `params`, which the client signed, else in the query itself.
 */
export class SourceRefused extends OAuthError {
  readonly client: Client
  readonly params: Params | undefined
  constructor(error: RefusedError, client: Client, params?: Params) {
    super(error.code, { ...error.refusal, status: error.status })
    this.client = client
    this.params = params
  }
}

/** Parameters of OpenID Connect Core §6 and §7.2.1 that no feature serves, and the error for each. */
const notServed = {
  request: 'request_not_supported',
  request_uri: 'request_uri_not_supported',
  registration: 'registration_not_supported',
} as const

/** Many applications ask any provider for `groups`. Where unknown scopes are ignored, so are those for roles that the client may not have. */
const scopesFor = (client: Client, { scopes, config }: Context): readonly string[] => {
  if (config.unknownScopes !== 'ignore') return scopes
  const registered = scopeValues(client.scope)
  const others: readonly string[] = roleScopes.filter(
    (each) => !registered.includes(each) && !config.scopes.includes(each),
  )
  return scopes.filter((each) => !others.includes(each))
}

/** Reads a request with a trusted redirect. `received` is only given when the request arrives, not when it resumes. */
export async function readRequest(
  context: Context,
  { client, params, redirect }: { client: Client; params: Params; redirect: TrustedRedirect },
  received?: ReceivedRequest,
): Promise<CheckedRequest> {
  for (const [name, code] of Object.entries(notServed))
    // a feature that supports the parameter has removed it
    check(params[name] === undefined, code, () => ({
      rule: 'OpenID Connect Core §3.1.2.6',
      expected: `a request without ${name}`,
      problem: `the parameter ${name} is not supported`,
    }))
  if (received)
    for (const rule of context.table.authorizationRules) await rule.demand?.(context, { ...received, params })
  const request = readAuthorizationRequest(params, redirect, client, {
    responseTypes: context.table.responseTypes,
    responseModes: context.table.responseModes,
    scopes: scopesFor(client, context),
    scopeTable: context.scopeTable,
    requirePkce: context.config.requirePkce,
    prompts: servedPrompts(context),
    longest: {
      state: context.config.maxStateCharacters,
      nonce: context.config.maxNonceCharacters,
      claims: context.config.maxClaimsCharacters,
    },
    ignoreUnknownScopes: context.config.unknownScopes === 'ignore',
  })
  if (received) for (const rule of context.table.authorizationRules) await rule.check?.(context, received)
  const extra = await readExtra(params, client, context)
  const hinted = await hintedSubject(params.id_token_hint, client, context)
  check(hinted === undefined || request.subjects?.includes(hinted) !== false, 'invalid_request', () => ({
    rule: 'OpenID Connect Core §5.5.1',
    expected: 'id_token_hint and the claims parameter name one End-User',
    came: hinted,
    wanted: request.subjects,
    problem: 'id_token_hint and the claims parameter name different End-Users',
  }))
  return { request, client, extra, subjects: hinted === undefined ? request.subjects : [hinted] }
}
