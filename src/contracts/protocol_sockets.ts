/** The shapes of what a feature puts into the sockets of `sockets.ts`. docs/architecture.md, "Features" */
import type * as v from 'valibot'
import type { AuthorizationRequest } from '../auth/authorization_request.ts'
import type { Credentials } from '../auth/client_auth.ts'
import type { OAuthError } from '../auth/errors.ts'
import type { TrustedRedirect } from '../auth/redirect_uri.ts'
import type { ClientMetadata } from '../auth/registration.ts'
import type { Config } from '../config.ts'
import type { Context } from './context.ts'
import type { Bound } from './grant_type.ts'
import type { Call } from './call.ts'
import type { Reply } from './reply.ts'
import type { Html } from '../html/view.ts'
import type { OwnWords, Said } from '../lib/say.ts'
import type { Client } from '../models/client.ts'
import type { Grant, GrantExtra } from '../models/grant.ts'
import type { ActiveUser, User } from '../models/user.ts'
import type { Params } from '../auth/params.ts'

export type { Params }

/** A `token_endpoint_auth_method`: proves that the caller is the client it names. Throws `invalid_client` otherwise. */
export interface ClientAuthMethod {
  name: string
  /** Which kind of credentials it judges. */
  presentedAs: Credentials['method']
  verify(call: Call, context: Context, presented: { credentials: Credentials; client: Client }): Promise<void>
  /** Signature algorithms to advertise. */
  algs?: readonly string[]
  /** False when this provider's settings leave it out: neither advertised, nor registered, nor accepted. */
  offered?(context: Context): boolean
}

/** Puts parameters from elsewhere (a request object, a pushed request) in place of those of the URL. */
export interface RequestSource {
  name: string
  /** The parameter that calls for it. */
  parameter: string
  /** Whether this value of the parameter is its kind; every value when left out. */
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
  /** What the consent page says of it; a parameter that says something is asked about each time. */
  describe?(context: Context, extra: GrantExtra): Html[]
}

/** An authorization request as it arrived, before any source replaced its parameters. */
export interface Arrived {
  client: Client
  params: Params
  /** It was pushed (RFC 9126). */
  pushed: boolean
}

/** What an authorization request must fulfil beyond the form of its parameters. */
export interface AuthorizationRule {
  name: string
  /** Throws when a request may not arrive so. Not asked again when the request goes on after a page. */
  check?(context: Context, arrived: Arrived): Promise<void> | void
  /** Called before the client receives a successful answer. A throw ends the grant, and is the answer instead. */
  answered?(context: Context, request: AuthorizationRequest): Promise<void>
}

/** Binds tokens to a key of the client, and checks that binding when one is used. A token may be bound in several ways. */
export interface TokenBinding {
  name: string
  /** The Authorization scheme of its tokens; beside another binding, one other than Bearer wins. */
  scheme: string
  /** Auth-params that its challenge carries beside realm and error. */
  challenge?(context: Context): string
  /** Whether this confirmation is its kind. */
  owns(cnf: Record<string, unknown>): boolean
  /** The key that this request proves; undefined when it proves none. Throws when it tries and fails. */
  bind(call: Call, context: Context, client: Client): Promise<Bound | undefined>
  /** Whether this client registered to have no token that is not bound so. */
  isDuty?(client: Client): boolean
  /** What a token request of such a client is refused with when it proves nothing. */
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

/** A `response_type`: what the authorization endpoint answers with. */
export interface ResponseType {
  name: string
  /** False when only clients that an operator registered for it may use it: neither advertised nor self-registered. */
  offered?(context: Context): boolean
  /** `query` for code alone, `fragment` for everything with tokens. */
  defaultMode: string
  answer(
    context: Context,
    settled: Granted & { request: AuthorizationRequest; client: Client },
  ): Promise<Record<string, string>>
}

/** A `response_mode`: how the answer travels. */
export interface ResponseMode {
  name: string
  /** The mode it is short for, by the response type's default. */
  standsFor?(defaultMode: string): string
  /** Tokens may not travel so (OAuth 2.0 Multiple Response Types §5). */
  inQuery?: boolean
  respond(
    context: Context,
    answer: { redirect: TrustedRedirect; params: Record<string, string | undefined>; client: Client },
  ): Promise<Reply> | Reply
}

export type ScopeTable = Readonly<Record<string, { claims: readonly string[]; description: OwnWords | Said }>>

/** Claims from elsewhere, and scopes that ask for them. */
export interface ClaimSource {
  name: string
  /** Scope to the claims it asks for, with the words of the consent page; by configuration where it says them. */
  scopes?: ScopeTable | ((config: Config) => ScopeTable)
  values?(context: Context, user: User, client: Client): Promise<Record<string, unknown>>
}

/** A `subject_type`: the name under which a client knows a person (OpenID Connect Core §8). */
export interface SubjectType {
  name: string
  subjectOf(context: Context, sub: string, client: Client): string
}

/** Who asks for the metadata, and the record it would replace when there is one. */
export interface RegistrationAttempt {
  by: 'client' | 'operator'
  current?: Client
}

/** A say in what is registered, when a client is made and when its metadata is replaced, and in the answer. */
export interface RegistrationRule {
  name: string
  /** What is read instead of the body that came. */
  amend?(
    context: Context,
    body: Readonly<Record<string, unknown>>,
    attempt: RegistrationAttempt,
  ): Promise<Record<string, unknown>>
  /** Throws `invalid_client_metadata` (RFC 7591 §3.2.2) when members do not go together, or not with the world. */
  check?(context: Context, metadata: ClientMetadata, attempt: RegistrationAttempt): Promise<void>
  /** Members of the answer that are no metadata. */
  extras?(context: Context, client: Client): Record<string, unknown>
}

/** Clients that are not in our store, such as those that describe themselves at a URL. */
export interface ClientSource {
  name: string
  accepts(clientId: string): boolean
  find(context: Context, clientId: string): Promise<Client | undefined>
}

/** What a document is, when a client may want it signed, encrypted, or both. */
export type DocumentKind = 'id_token' | 'userinfo' | 'introspection' | 'authorization'

/** A document for a client, before it is signed or encrypted, or between the two. */
export interface ClientDocument {
  kind: DocumentKind
  document: string | Record<string, unknown>
  client: Client
}

/**
 * Turns a document into what the client registered for: claims into a JWS, then claims or a JWS into a JWE, whatever
 * order the features come in (RFC 8725 §3.3 and OpenID Connect Core §10.2 sign first). The first of each stage that
 * answers counts; undefined leaves the document as it is, and a failure is thrown.
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
 * Called before a person's consent to one client, and all that it has of them, ends; `sids` are the sessions in which it
 * received something, `id` names this end. May be called more than once for it; a throw keeps everything as it is.
 */
export type AccessWithdrawn = (
  context: Context,
  withdrawn: { sub: string; clientId: string; sids: readonly string[]; id: string },
) => Promise<void>

/** Work that repeats. `every` in seconds; runs on each instance. `context.soon` has it run before its turn. */
export interface Job {
  name: string
  every: number
  run(context: Context): Promise<void>
}

/**
 * Opens what is encrypted to a key of ours, or under the secret of `client`: the plaintext, or undefined, whatever the
 * reason, so that the reason does not leak.
 */
export type Decrypt = (
  context: Context,
  jwe: string,
  client: Client | undefined,
) => Promise<string | undefined>
