/** Reads an authorization request, with all checks that need no store. https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
import { check } from './check.ts'
import * as v from 'valibot'
import { type AcrDemand, acrDemandOf } from './acr.ts'
import { canonicalResponseType } from './agreeing_types.ts'
import {
  acceptedSubjects,
  type ClaimsRequest,
  claimsOfScope,
  claimsWithin,
  parseClaimsParameter,
} from './claims.ts'
import { shown } from './refusal.ts'
import { readCodeChallenge } from './pkce.ts'
import { parsePrompt, promptValues } from './prompt.ts'
import type { TrustedRedirect } from './redirect_uri.ts'
import { parseScope, requireWithin, scopeValues, withoutIdleOffline } from './scope.ts'
import type { Given, Params } from './params.ts'

const text = (description: string) => v.pipe(v.string(), v.description(description))

/** The parameters that the core reads; features add theirs in `authorizationParameters`. */
export const authorizationParameters = {
  client_id: text('The client that sends the request'),
  redirect_uri: text('One that the client registered, character by character'),
  response_type: text('What the answer carries'),
  response_mode: text('How the answer travels; the default depends on response_type'),
  scope: text('Separated by spaces'),
  state: text('Returned unchanged'),
  nonce: text('Returned in the ID Token'),
  code_challenge: text('base64url(SHA-256(code_verifier)); optional only for clients without REQUIRE_PKCE'),
  code_challenge_method: v.pipe(v.string(), v.value('S256')),
  prompt: text(`Separated by spaces, among: ${promptValues.join(' ')}`),
  max_age: text('Seconds since the last sign-in after which the End-User signs in again'),
  login_hint: text('A username for the sign-in page'),
  id_token_hint: text('An ID Token of the End-User who is expected'),
  acr_values: text('Levels of authentication, separated by spaces, best first'),
  ui_locales: text('Languages of the pages, separated by spaces, best first'),
  claims: text('JSON: single claims, essential or with a value (OpenID Connect Core §5.5)'),
}

type Read = Given<typeof authorizationParameters>

export interface AuthorizationRequest {
  params: Params
  redirect: TrustedRedirect
  responseType: string
  responseMode: string
  scope: string[]
  state: string | undefined
  nonce: string | undefined
  codeChallenge: string | undefined
  prompts: string[]
  /** Seconds. */
  maxAge: number | undefined
  claims: ClaimsRequest | undefined
  /** The authentication levels that it demands. */
  acr: AcrDemand
  /** The End-User that the `claims` parameter requests. id_token_hint is read elsewhere, since it needs keys. */
  subjects: readonly string[] | undefined
}

/** The client metadata that the checks use. */
export interface RequestingClient {
  response_types: readonly string[]
  grant_types: readonly string[]
  scope: string
  require_pkce?: boolean | undefined
  token_endpoint_auth_method: string
  default_max_age?: number | undefined
  default_acr_values?: readonly string[] | undefined
}

const withoutPkce =
  'turn PKCE on in the library of the client; for one that cannot, the operator may run latchkey client set CLIENT_ID --no-pkce'

/** What this provider supports, from the table. */
export interface Abilities {
  responseTypes: ReadonlyMap<string, { defaultMode: string }>
  responseModes: ReadonlyMap<string, { inQuery?: boolean; standsFor?(defaultMode: string): string }>
  scopes: readonly string[]
  /** The claims of each scope. Default: those of OpenID Connect. */
  scopeTable?: Readonly<Record<string, readonly string[]>>
  /** Whether unknown scopes are ignored and not refused (OpenID Connect Core §3.1.2.1). */
  ignoreUnknownScopes?: boolean
  requirePkce: boolean
  /** The values of `prompt`. Default: those of OpenID Connect Core. */
  prompts?: readonly string[]
  /** The longest values, in characters. Default: without bound. */
  longest?: Readonly<Record<BoundedParameter, number>>
}

/** Parameters that are kept or returned as they came, and the variable that bounds each. */
const boundedBy = {
  state: 'MAX_STATE_CHARACTERS',
  nonce: 'MAX_NONCE_CHARACTERS',
  claims: 'MAX_CLAIMS_CHARACTERS',
} as const
type BoundedParameter = keyof typeof boundedBy

/**
 * The response mode, also for errors. When the mode itself is wrong, it is the default of the response type, else `query`.
 */
export function responseModeOf(
  params: Read,
  abilities: Pick<Abilities, 'responseTypes' | 'responseModes'>,
): string {
  const type =
    params.response_type && abilities.responseTypes.get(canonicalResponseType(params.response_type))
  const fallback = type ? type.defaultMode : 'query'
  const { response_mode: mode } = params
  const row = mode === undefined ? undefined : abilities.responseModes.get(mode)
  if (mode === undefined || !row) return fallback
  if (row.standsFor) return row.standsFor(fallback)
  if (!row.inQuery || fallback !== 'fragment') return mode
  // A JWT stays a JWT (JARM §2.3).
  return mode.endsWith('.jwt') ? `${fallback}.jwt` : fallback
}

/** Throws the OAuthError that is sent to the client. Unknown parameters are ignored (RFC 6749 §3.1). */
export function readAuthorizationRequest(
  params: Params,
  redirect: TrustedRedirect,
  client: RequestingClient,
  abilities: Abilities,
): AuthorizationRequest {
  const read: Read = params
  const responseType = readResponseType(read, client, abilities)
  const responseMode = readResponseMode(read, abilities)
  if (abilities.longest) requireShort(read, abilities.longest)
  const issuesCode = responseType.split(' ').includes('code')
  const asked = withoutIdleOffline(parseScope(read.scope), client, issuesCode)
  const known = asked.filter((each) => abilities.scopes.includes(each))
  const scope = abilities.ignoreUnknownScopes && known.length > 0 ? known : asked
  requireWithin(scope, abilities.scopes, 'the scopes of this provider')
  requireWithin(scope, scopeValues(client.scope), 'the scopes this client registered')
  const prompts = parsePrompt(read.prompt, abilities.prompts)
  const requested = parseClaimsParameter(read.claims)
  const claims =
    requested && claimsWithin(requested, scopeValues(client.scope), abilities.scopeTable ?? claimsOfScope)
  const isPublic = client.token_endpoint_auth_method === 'none'
  const codeChallenge = readCodeChallenge(
    read,
    issuesCode && (isPublic || (client.require_pkce ?? abilities.requirePkce)),
    isPublic ? undefined : withoutPkce,
  )
  const withIdToken = responseType.split(' ').includes('id_token')
  check(!withIdToken || read.nonce !== undefined, 'invalid_request', () => ({
    rule: 'OpenID Connect Core §3.2.2.1',
    expected: `nonce is required with response_type=${read.response_type}`,
    held: withIdToken ? undefined : `a nonce may be left out with response_type=${read.response_type}`,
    came: read.nonce,
  }))
  check(!withIdToken || scope.includes('openid'), 'invalid_scope', () => ({
    rule: 'OpenID Connect Core §3.2.2.1',
    expected: `scope must have openid with response_type=${read.response_type}`,
    held: withIdToken ? undefined : `scope may lack openid with response_type=${read.response_type}`,
    came: read.scope,
  }))
  return {
    params,
    redirect,
    responseType,
    responseMode,
    scope,
    state: read.state,
    nonce: read.nonce,
    codeChallenge,
    prompts,
    maxAge: readMaxAge(read.max_age) ?? client.default_max_age,
    claims,
    acr: acrDemandOf(read, claims, client),
    subjects: acceptedSubjects(claims),
  }
}

function requireShort(params: Read, longest: Readonly<Record<BoundedParameter, number>>): void {
  for (const name of ['state', 'nonce', 'claims'] as const) {
    const length = params[name]?.length ?? 0
    check(length <= longest[name], 'invalid_request', () => ({
      rule: 'OpenID Connect Core §3.1.2.1',
      expected: `${name} of at most ${longest[name]} characters (${boundedBy[name]})`,
      came: length,
      problem: `${name} has ${length} characters; at most ${longest[name]} are accepted (${boundedBy[name]})`,
    }))
  }
}

function readResponseType(params: Read, client: RequestingClient, abilities: Abilities): string {
  check(params.response_type !== undefined, 'invalid_request', () => ({
    rule: 'RFC 6749 §3.1.1',
    expected: 'response_type is required, for example response_type=code',
    came: params.response_type,
  }))
  const type = canonicalResponseType(params.response_type)
  check(abilities.responseTypes.has(type), 'unsupported_response_type', () => ({
    rule: 'RFC 6749 §3.1.1',
    expected: `response_type must be among ${[...abilities.responseTypes.keys()].join(', ')}`,
    came: params.response_type,
    wanted: [...abilities.responseTypes.keys()],
  }))
  check(
    client.response_types.some((each) => canonicalResponseType(each) === type),
    'unauthorized_client',
    () => ({
      rule: 'RFC 7591 §2',
      expected: `response_type is one that this client registered: ${client.response_types.join(', ') || 'none'}`,
      came: params.response_type,
      wanted: client.response_types,
      problem: `this client is not registered for response_type ${shown(params.response_type)}`,
    }),
  )
  return type
}

function readResponseMode(params: Read, abilities: Abilities): string {
  const mode = responseModeOf(params, abilities)
  const { response_mode: asked } = params
  const shorthand = asked !== undefined && abilities.responseModes.get(asked)?.standsFor !== undefined
  check(asked === undefined || asked === mode || shorthand, 'invalid_request', () => ({
    rule: 'OAuth Multiple Response Types §2.1',
    expected: `response_mode is among ${[...abilities.responseModes.keys()].join(', ')}, and not query when the response has a token`,
    came: asked,
    problem: `response_mode ${shown(asked)} is not offered with this response_type; offered: ${[...abilities.responseModes.keys()].join(', ')}`,
  }))
  return mode
}

function readMaxAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  // A number of any length: one that is too large for arithmetic is no limit.
  check(/^\d+$/.test(text), 'invalid_request', () => ({
    rule: 'OpenID Connect Core §3.1.2.1',
    expected: 'max_age must be a whole number of seconds',
    came: text,
  }))
  return Number(text)
}
