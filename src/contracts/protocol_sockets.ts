/** The types of sockets about the protocol (`sockets.ts`). docs/architecture.md, "Features" */
import type * as v from 'valibot'
import type { AuthorizationRequest } from '../auth/authorization_request.ts'
import type { Credentials } from '../auth/client_auth.ts'
import type { OAuthError } from '../auth/errors.ts'
import type { TrustedRedirect } from '../auth/redirect_uri.ts'
import type { ClientMetadata } from '../auth/registration.ts'
import type { Config } from '../config.ts'
import type { Sample } from '../lib/metrics.ts'
import type { Context } from './context.ts'
import type { Bound } from './grant_type.ts'
import type { Call } from './call.ts'
import type { Reply } from './reply.ts'
import type { Html } from '../html/view.ts'
import type { OwnWords, Said } from '../lib/say.ts'
import type { Client } from '../models/client.ts'
import type { Grant, GrantExtra } from '../models/grant.ts'
import type { Resealed } from '../models/reseal.ts'
import type { ActiveUser, User } from '../models/user.ts'
import type { Params } from '../auth/params.ts'

/** One more path of an endpoint of the table: the same endpoint, with its checks, limits and name in metrics. */
export interface Mount {
  /** The name of the endpoint. */
  endpoint: string
  /** Below the path of the issuer. */
  path: string
}

/** A `token_endpoint_auth_method`. `verify` throws `invalid_client` unless the credentials are those of the client. */
export interface ClientAuthMethod {
  name: string
  /** The kind of credentials that it verifies. */
  presentedAs: Credentials['method']
  /** True when the proof is made of a secret that could be guessed: wrong ones are counted. */
  guessable?: true
  verify(call: Call, context: Context, presented: { credentials: Credentials; client: Client }): Promise<void>
  /** Signature algorithms to advertise. */
  algs?: readonly string[]
  /** False when the configuration excludes it: it is neither advertised, nor registered, nor accepted. */
  offered?(context: Context): boolean
}

/** Replaces the parameters of the URL by those of a request object or a pushed request. */
export interface RequestSource {
  name: string
  /** The parameter that selects it. */
  parameter: string
  /** Whether it handles this value of the parameter; every value when left out. */
  accepts?(value: string): boolean
  resolve(context: Context, params: Params, client: Client): Promise<Params>
}

/** A parameter of the authorization request that becomes part of the grant. */
export interface AuthorizationParameter {
  name: string
  /** Its form, with a description for /openapi.json. */
  schema: v.GenericSchema<string>
  /** Throws when malformed; what it returns is merged into the grant record. */
  read(context: Context, params: Params, client: Client): Promise<GrantExtra | undefined>
  /** Its description on the consent page. A parameter with a description needs consent at each request. */
  describe?(context: Context, extra: GrantExtra): Html[]
  /** The APIs that tokens of this grant are for. The consent page lists them, and consent is remembered for each. */
  audience?(extra: Grant | GrantExtra): readonly string[]
}

/** An authorization request as received, before a request source has replaced its parameters. */
export interface ReceivedRequest {
  client: Client
  params: Params
  /** It was pushed (RFC 9126). */
  pushed: boolean
}

/** A rule for authorization requests beyond the syntax of their parameters. */
export interface AuthorizationRule {
  name: string
  /** Throws to refuse the parameters that count, before they are read: those of the request object or of the pushed request. */
  demand?(context: Context, requested: ReceivedRequest): Promise<void> | void
  /** Throws to refuse the request. It does not run again when the request continues after a page. */
  check?(context: Context, received: ReceivedRequest): Promise<void> | void
  /** Called before the client receives a successful response. A throw ends the grant, and the error is sent instead. */
  answered?(context: Context, request: AuthorizationRequest): Promise<void>
}

/** Binds tokens to a key of the client, and checks the binding when a token is used. A token may have several bindings. */
export interface TokenBinding {
  name: string
  /** The Authorization scheme of its tokens. Of several bindings, one other than Bearer takes precedence. */
  scheme: string
  /** Parameters of its challenge in addition to realm and error. */
  challenge?(context: Context): string
  /** Whether the confirmation has a member of this binding. */
  owns(cnf: Record<string, unknown>): boolean
  /** The key that this request proves; undefined when it proves none. Throws when it tries and fails. */
  bind(call: Call, context: Context, client: Client): Promise<Bound | undefined> | Bound | undefined
  /** Whether this client registered that all its tokens must have this binding. */
  isRequired?(client: Client): boolean
  /** The error for a token request of such a client without a proof. */
  missing(): OAuthError
  /** Throws `invalid_token` when the request does not prove possession of the key that `cnf` names. */
  check(
    call: Call,
    context: Context,
    presented: { cnf: Record<string, unknown>; token: string },
  ): Promise<void>
  /** The authorization parameter that names the key, so that a code is bound as its push was (RFC 9449 §10.1). */
  codeParameter?: { name: string; of(bound: Bound): string }
}

/** Headers that scripts of browser clients may send and read. */
export interface CorsHeaders {
  allow: readonly string[]
  expose: readonly string[]
}

/** A grant that was just made, and the account of its End-User. */
export interface Granted {
  grant: Grant
  user: ActiveUser
}

/** A `response_type`: what an authorization response contains. */
export interface ResponseType {
  name: string
  /** False when only clients that an operator registered may use it: it is neither advertised nor available to self-registered clients. */
  offered?(context: Context): boolean
  /** `query` for code alone, `fragment` for everything with tokens. */
  defaultMode: string
  answer(
    context: Context,
    settled: Granted & { request: AuthorizationRequest; client: Client },
  ): Promise<Record<string, string>>
}

/** A `response_mode`: how an authorization response is sent. */
export interface ResponseMode {
  name: string
  /** For a mode that is an abbreviation (`jwt`): the mode it means, by the default of the response type. */
  standsFor?(defaultMode: string): string
  /** True when tokens must not be sent by this mode (OAuth 2.0 Multiple Response Types §5). */
  inQuery?: boolean
  respond(
    context: Context,
    answer: { redirect: TrustedRedirect; params: Record<string, string | undefined>; client: Client },
  ): Promise<Reply> | Reply
}

export type ScopeTable = Readonly<
  Record<
    string,
    {
      claims: readonly string[]
      description: OwnWords | Said
      /** An operator gives it to a client by its name: no client registers it itself, no default and no document has it. */
      byOperator?: true
    }
  >
>

/** Additional claims, and scopes that request them. */
export interface ClaimSource {
  name: string
  /** The claims and the description of each scope; a function when they depend on the configuration. */
  scopes?: ScopeTable | ((config: Config) => ScopeTable)
  /** Undefined when it has none: then no request waits for it. */
  values?(
    context: Context,
    user: User,
    client: Client,
  ): Promise<Record<string, unknown>> | Record<string, unknown> | undefined
}

/** A `subject_type`: computes the subject identifier of an End-User for a client (OpenID Connect Core §8). */
export interface SubjectType {
  name: string
  subjectOf(context: Context, sub: string, client: Client): string
}

/** Who registers the metadata, and the record that it would replace, if any. */
export interface RegistrationAttempt {
  by: 'client' | 'operator'
  current?: Client
}

/** A rule for client metadata, when a client is created and when its metadata is replaced, and for the response. */
export interface RegistrationRule {
  name: string
  /** Replaces the body of the request before it is read. */
  amend?(
    context: Context,
    body: Readonly<Record<string, unknown>>,
    attempt: RegistrationAttempt,
  ): Promise<Record<string, unknown>>
  /** Throws `invalid_client_metadata` (RFC 7591 §3.2.2) when members conflict or do not match external documents. */
  check?(context: Context, metadata: ClientMetadata, attempt: RegistrationAttempt): Promise<void>
  /** Members of the response that are not metadata. */
  extras?(context: Context, client: Client): Record<string, unknown>
}

/** The kinds of documents that a client may register to receive signed, encrypted, or both. */
export type DocumentKind = 'id_token' | 'userinfo' | 'introspection' | 'authorization'

/** A document for a client, before it is signed or encrypted, or between the two. */
export interface ClientDocument {
  kind: DocumentKind
  document: string | Record<string, unknown>
  client: Client
}

/**
 * Signs or encrypts a document as the client registered. All wrappers of the stage `sign` run before those of `encrypt`
 * (RFC 8725 §3.3, OpenID Connect Core §10.2). The first result of each stage is used; undefined leaves the document
 * unchanged. A failure is thrown.
 */
export interface DocumentWrapper {
  name: string
  stage: 'sign' | 'encrypt'
  wrap(
    call: Call | undefined,
    context: Context,
    unwrapped: ClientDocument,
  ): Promise<string | undefined> | string | undefined
}

/**
 * Called before the access of one client to one End-User is withdrawn. `sids` are the sessions in which the client took
 * part, `id` identifies this withdrawal. It may be called more than once for a withdrawal. A throw prevents it.
 */
export type AccessWithdrawn = (
  context: Context,
  withdrawn: { sub: string; clientId: string; sids: readonly string[]; id: string },
) => Promise<void>

/** A job that runs on each instance every `every` seconds. `context.soon` runs it earlier. */
export interface Job {
  name: string
  every: number
  run(context: Context): Promise<void>
}

/** What a check found. `details` are numbers and reasons without personal data, for callers that may read /metrics. */
export interface HealthFinding {
  ok: boolean
  /** The word for this finding, in place of that of the check. */
  trouble?: string
  details?: Readonly<Record<string, unknown>>
  /** For /metrics. */
  samples?: readonly Sample[]
}

/** What is kept sealed with SECRET_KEY for longer than an hour: `latchkey secrets reseal` moves each item to its first value. */
export interface SealedRecords {
  name: string
  items(context: Context): Promise<string[]>
  /** Without `write` it only says whether the first value has sealed it. Undefined where there is nothing sealed. */
  reseal(context: Context, item: string, write: boolean): Promise<Resealed | undefined>
}

/** A provider that people sign in from, as an administrator sees it. */
export interface UpstreamConnection {
  id: string
  label: string
  /** Of the table of providers, such as `oidc` or `github`. */
  kind: string
  /** Its `acr` and `amr` count here. */
  trusted: boolean
  /** How the last request for its metadata, or the last test, ended. `at` is ISO 8601. */
  last: { status: 'ok' | 'failed'; problem?: string; at: string } | undefined
  /** Connects to what its settings and its metadata name, under the rules for outbound requests. Resolves to what is wrong. */
  test(): Promise<string | undefined>
}

/** A check of /health. It must not throw, and must not wait for another server. */
export interface HealthCheck {
  name: string
  /** The word for a finding that is not ok, such as `unreachable`. */
  trouble: string
  /** True when this instance must get no requests while the finding is not ok. Others are for operators alone. */
  essential?: true
  /** Undefined when this configuration has nothing to check. */
  run(context: Context): Promise<HealthFinding | undefined> | HealthFinding | undefined
}

/**
 * Decrypts a JWE that is encrypted to a key of this provider or with the secret of `client`. Undefined for any failure, so
 * that the reason is not revealed.
 */
export type Decrypt = (
  context: Context,
  jwe: string,
  client: Client | undefined,
) => Promise<string | undefined>
