/** Validates client metadata against the policy of the provider. https://www.rfc-editor.org/rfc/rfc7591 */
import { check } from './check.ts'
import * as v from 'valibot'
import { OAuthError } from './errors.ts'
import { canonicalResponseType, missingGrantType, withAgreeingTypes } from './agreeing_types.ts'
import { withoutMisfits, withoutOtherScopes } from './misfits.ts'
import { accessTokenTypes } from './jwt_type.ts'
import { malformed } from './malformed_metadata.ts'
import { checkUrls, urlsProblem } from './metadata_urls.ts'
import { type Grounds, RefusedError, shown } from './refusal.ts'
import { translated, unsupportedMember } from './metadata_promises.ts'
import { checkRedirectUris, type RedirectPolicy, redirectProblem } from './registered_redirects.ts'
import { resourceProblem } from './resource_uri.ts'
import { formatScope, parseScope, requireWithin } from './scope.ts'

const Text = v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxLength(200))
const WebUrl = v.pipe(
  v.string(),
  v.maxLength(2000),
  v.url(),
  v.regex(/^https?:\/\//i, 'expected an http or https URL'),
)
const HttpsUrl = v.pipe(WebUrl, v.regex(/^https:/i, 'expected an https URL'))
const Uris = v.pipe(v.array(v.string()), v.maxLength(50))
const Words = v.pipe(v.array(v.pipe(v.string(), v.maxLength(100))), v.maxLength(30))

/** Members of private and symmetric keys, which a public key must not have. RFC 7518 §6; `priv` is for ML-DSA keys. */
export const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
export const PublicJwk = v.pipe(
  v.looseObject({ kty: v.string() }),
  v.check(
    (jwk) => !privateMembers.some((member) => member in jwk),
    'a key carries private members; register public keys only',
  ),
  v.check(
    (jwk) => jwk.kty !== 'RSA' || (typeof jwk.n === 'string' && jwk.n.length >= 341),
    'an RSA key is shorter than 2048 bits',
  ),
)

/** The signature algorithms of client assertions and ID Tokens. */
export const signingAlgs = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const

/** `algs` and their other names: newer libraries use the name of RFC 9864 for EdDSA. */
export const clientAlgs = (algs: readonly string[]): string[] =>
  algs.includes('EdDSA') ? [...algs, 'Ed25519'] : [...algs]

/** The client metadata of the core, by the names of the specifications. Features add members by their socket `clientMetadata`. */
export const coreMetadata = {
  client_name: v.optional(v.pipe(Text, v.description('Shown on the consent page'))),
  client_uri: v.optional(WebUrl),
  logo_uri: v.optional(v.pipe(HttpsUrl, v.description('An https URL: the image of the consent page'))),
  policy_uri: v.optional(WebUrl),
  tos_uri: v.optional(WebUrl),
  contacts: v.optional(v.pipe(Words, v.description('Addresses of those responsible for the client'))),
  software_id: v.optional(v.pipe(Text, v.description('The same for all instances of the software'))),
  software_version: v.optional(Text),
  initiate_login_uri: v.optional(
    v.pipe(
      WebUrl,
      v.regex(/^https:[\x21-\x7e]+$/i, 'expected an https URL in ASCII'),
      v.description('An https URL in ASCII at which others start a sign-in (OpenID Connect Core §4)'),
    ),
  ),
  redirect_uris: v.optional(
    v.pipe(
      Uris,
      v.description('Compared character by character; https, http on loopback, or a reverse-domain scheme'),
    ),
    [],
  ),
  post_logout_redirect_uris: v.optional(
    v.pipe(Uris, v.description('Where the browser may return to from /logout')),
    [],
  ),
  application_type: v.optional(v.picklist(['web', 'native'])),
  grant_types: v.optional(Words, ['authorization_code']),
  response_types: v.optional(Words, ['code']),
  scope: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(2000),
      v.description('Scopes that the client may ask for, separated by spaces'),
    ),
  ),
  token_endpoint_auth_method: v.optional(v.string(), 'client_secret_basic'),
  token_endpoint_auth_signing_alg: v.optional(
    v.pipe(
      v.picklist([...signingAlgs, 'Ed25519', 'HS256', 'HS384', 'HS512']),
      v.description('The only algorithm of its client assertions'),
    ),
  ),
  id_token_signed_response_alg: v.optional(v.picklist(signingAlgs), 'RS256'),
  include_claims_in_id_token: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        'ID Tokens of the token endpoint have the claims of the granted scopes. Without it: ID_TOKEN_CLAIMS',
      ),
    ),
  ),
  subject_type: v.optional(v.string(), 'public'),
  default_max_age: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(0), v.description('Seconds, when a request has no max_age')),
  ),
  default_acr_values: v.optional(v.pipe(Words, v.description('When a request has no acr_values'))),
  require_auth_time: v.optional(
    v.pipe(v.boolean(), v.description('Every ID Token has auth_time, whatever is registered')),
  ),
  jwks: v.optional(v.object({ keys: v.pipe(v.array(PublicJwk), v.nonEmpty(), v.maxLength(20)) })),
  jwks_uri: v.optional(v.pipe(HttpsUrl, v.description('An https URL of its public keys, in place of jwks'))),
  resource_uris: v.optional(
    v.pipe(
      Uris,
      v.nonEmpty(),
      v.rawCheck(({ dataset, addIssue }) => {
        if (!dataset.typed) return
        for (const uri of dataset.value) {
          const problem = resourceProblem(uri)
          if (problem !== undefined) addIssue({ message: `${problem}, got ${shown(uri)}` })
        }
      }),
      v.description('By an operator alone: the API that the client is. It introspects tokens for it alone'),
    ),
  ),
  access_token_format: v.optional(
    v.pipe(v.picklist(['jwt', 'opaque']), v.description('In place of ACCESS_TOKEN_FORMAT')),
  ),
  access_token_typ: v.optional(
    v.pipe(v.picklist(accessTokenTypes), v.description('In place of ACCESS_TOKEN_TYP')),
  ),
}

const Core = v.object(coreMetadata)
/** Validated client metadata. It also has the members of features, which are read through their declarations. */
export interface ClientMetadata extends v.InferOutput<typeof Core> {}

/** What a client may register. */
export interface RegistrationPolicy extends RedirectPolicy {
  grantTypes: readonly string[]
  responseTypes: readonly string[]
  authMethods: readonly string[]
  subjectTypes: readonly string[]
  signingAlgs: readonly string[]
  /** The scopes that a client may register. */
  scopes: readonly string[]
  /** The scopes of metadata that names none. Default: all of `scopes`. */
  defaultScopes?: readonly string[]
  /** Whether values that are not offered are left out (`misfits.ts`) and not refused. */
  leaveOut?: boolean
  /** Whether scopes that are not offered are left out, also where other values are refused. */
  leaveOutScopes?: boolean
  /** Metadata members of features. */
  extra: v.ObjectEntries
}

/** No URL is parsed that is too long. */
const firstIssue = { abortPipeEarly: true } as const

const refuse = (grounds: Grounds) => new OAuthError('invalid_client_metadata', grounds)

/**
 * Validated metadata with the defaults of RFC 7591 §2. Unknown members are dropped (§2), except those that must not be
 * ignored (metadata_promises.ts). Throws `invalid_redirect_uri` or `invalid_client_metadata` with the name of the first
 * wrong member (§3.2.2).
 */
export function readClientMetadata(sent: unknown, policy: RegistrationPolicy): ClientMetadata {
  const all = withoutNulls(sent)
  const given = isObject(all) ? withoutLeftOut(all, policy) : all
  const body = isObject(given) ? withAgreeingTypes(given, policy.responseTypes) : given
  const known = { ...policy.extra, ...coreMetadata }
  const unsupported = isObject(body) ? unsupportedMember(body, known) : undefined
  check(unsupported === undefined, 'invalid_client_metadata', () => ({
    rule: 'RFC 7591 §2',
    expected: `metadata without ${unsupported ?? 'members that are not served'}`,
    problem: `${unsupported}: this provider does not support it`,
  }))
  const parsed = v.safeParse(
    v.object({ ...known, ...translations(body) }),
    withDefaultAlg(body, policy),
    firstIssue,
  )
  if (!parsed.success) throw refuse(malformed(parsed.issues[0]))
  const metadata = parsed.output as ClientMetadata
  checkUrls(metadata)
  checkRedirectUris(metadata, policy)
  checkOffered('grant_types', metadata.grant_types, policy.grantTypes)
  checkOffered('response_types', metadata.response_types.map(canonicalResponseType), policy.responseTypes)
  checkOffered('token_endpoint_auth_method', [metadata.token_endpoint_auth_method], policy.authMethods)
  for (const [name, alg] of Object.entries(metadata))
    if (/_sign(ed_response|ing)_alg$/.test(name) && clientAlgs(signingAlgs).some((each) => each === alg))
      checkOffered(name, [String(alg)], clientAlgs(policy.signingAlgs))
  checkOffered('subject_type', [metadata.subject_type], policy.subjectTypes)
  checkTogether(metadata)
  return { ...metadata, scope: readScope(metadata.scope, policy) }
}

function withoutLeftOut(all: Record<string, unknown>, policy: RegistrationPolicy): Record<string, unknown> {
  if (policy.leaveOut)
    return withoutMisfits(
      all,
      policy,
      (uri) => redirectProblem(uri, all.application_type, policy),
      (name, value) =>
        v.safeParse(coreMetadata[name], value, firstIssue).success && urlsProblem(name, value) === undefined,
    )
  return policy.leaveOutScopes ? withoutOtherScopes(all, policy.scopes) : all
}

const isObject = (body: unknown): body is Record<string, unknown> =>
  typeof body === 'object' && body !== null && !Array.isArray(body)

/** A member that is null counts as absent (RFC 7592 §2.2). */
const withoutNulls = (body: unknown): unknown =>
  isObject(body) ? Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null)) : body

const mostTranslations = 100

/** The schemas of members in other languages (RFC 7591 §2.2): that of the member that they translate. */
function translations(body: unknown): v.ObjectEntries {
  const rows = (isObject(body) ? Object.keys(body) : []).flatMap((name) => {
    const base = translated(name) as keyof typeof coreMetadata | undefined
    return base === undefined ? [] : [[name, coreMetadata[base]] as const]
  })
  check(rows.length <= mostTranslations, 'invalid_client_metadata', () => ({
    rule: 'RFC 7591 §2.2',
    expected: `at most ${mostTranslations} members may have a language tag`,
  }))
  return Object.fromEntries(rows)
}

/** Adds the default of `id_token_signed_response_alg`: RS256 (OpenID Connect Registration §2), or the first algorithm of this provider if it does not sign with RS256. */
const withDefaultAlg = (body: unknown, { signingAlgs: offered }: RegistrationPolicy): unknown =>
  isObject(body) && !offered.includes('RS256') ? { id_token_signed_response_alg: offered[0], ...body } : body

function checkOffered(name: string, asked: readonly string[], offered: readonly string[]): void {
  const odd = asked.find((each) => !offered.includes(each))
  check(odd === undefined, 'invalid_client_metadata', () => ({
    rule: 'RFC 7591 §2',
    expected: `${name} is among ${offered.join(', ') || 'none'}`,
    came: odd ?? asked.join(' '),
    wanted: offered,
    problem: `${name}: ${shown(odd)} is not offered; this provider allows ${offered.join(', ') || 'none'}`,
  }))
}

/** Checks members that depend on each other: grant types and response types (RFC 7591 §2.1), authentication method and keys. */
function checkTogether(metadata: ClientMetadata): void {
  const missing = missingGrantType(metadata)
  check(missing === undefined, 'invalid_client_metadata', () => ({
    rule: 'RFC 7591 §2.1',
    expected: 'grant_types with all that response_types needs, or response_types alone',
    came: { grant_types: metadata.grant_types, response_types: metadata.response_types },
    problem: `response_types ${metadata.response_types.join(', ')} needs grant_types with ${missing}`,
    next: 'leave one of the two out, and it follows from the other',
  }))
  check(
    metadata.token_endpoint_auth_method !== 'none' || !metadata.grant_types.includes('client_credentials'),
    'invalid_client_metadata',
    () => ({
      rule: 'RFC 6749 §4.4',
      expected:
        'grant_types: client_credentials is for clients that authenticate; token_endpoint_auth_method is none',
      held: 'grant_types without client_credentials, or a client that authenticates',
    }),
  )
  check(
    metadata.token_endpoint_auth_method !== 'private_key_jwt' ||
      metadata.jwks !== undefined ||
      metadata.jwks_uri !== undefined,
    'invalid_client_metadata',
    () => ({
      rule: 'RFC 7591 §2',
      expected: 'token_endpoint_auth_method private_key_jwt needs jwks or jwks_uri with the public keys',
    }),
  )
  check(metadata.jwks === undefined || metadata.jwks_uri === undefined, 'invalid_client_metadata', () => ({
    rule: 'RFC 7591 §2',
    expected: 'jwks and jwks_uri exclude each other',
  }))
}

const addScope =
  'an operator may add it (SCOPES; for clients that register themselves also REGISTRATION_ALLOWED_SCOPES)'

function readScope(
  scope: string | undefined,
  { scopes: allowed, defaultScopes = allowed }: RegistrationPolicy,
): string {
  if (scope === undefined) return formatScope(defaultScopes)
  try {
    const scopes = parseScope(scope)
    requireWithin(scopes, allowed, 'the scopes a client may register', addScope)
    return formatScope(scopes)
  } catch (error) {
    throw error instanceof RefusedError ? refuse(error.refusal) : error
  }
}
