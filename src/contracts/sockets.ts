/**
 * The sockets that features fill, one row each: the type of a filling, and how the fillings of all features are joined
 * (join.ts). `Feature`, `Table` and the join are derived from the rows. docs/architecture.md, "Features"
 */
import type { ClientSource } from './client_source.ts'
import type { Acr } from '../auth/acr.ts'
import type { AuthorizationRequest } from '../auth/authorization_request.ts'
import type { RefusedError } from '../auth/refusal.ts'
import type { ClientMetadata } from '../auth/registration.ts'
import type { Config } from '../config.ts'
import type { Html } from '../html/view.ts'
import type { PolicySource } from '../lib/policy_source.ts'
import type { Client } from '../models/client.ts'
import type { Declared } from '../models/declared.ts'
import type { Grant } from '../models/grant.ts'
import type { Session } from '../models/session.ts'
import type { User } from '../models/user.ts'
import type { Call } from './call.ts'
import type { Context } from './context.ts'
import type { Answer, Endpoint } from './endpoint.ts'
import type { GrantRule, GrantType } from './grant_type.ts'
import { byName, distinct, each, flat, type Join, members, named, ordered } from './join.ts'
import type {
  AccountSection,
  LoginLink,
  LoginMethod,
  LoginStep,
  PasswordRule,
  PersonData,
  SecondFactor,
  SignedIn,
  CountSignInMethods,
} from './person_sockets.ts'
import type {
  AccessWithdrawn,
  AuthorizationParameter,
  AuthorizationRule,
  ClaimSource,
  ClientAuthMethod,
  CorsHeaders,
  Decrypt,
  DocumentWrapper,
  HealthCheck,
  SealedRecords,
  Job,
  Mount,
  RegistrationRule,
  RequestSource,
  ResponseMode,
  ResponseType,
  SubjectType,
  TokenBinding,
  UpstreamConnection,
} from './protocol_sockets.ts'

/** A response, and the endpoint that made it. */
export interface AnsweredCall {
  endpoint: Endpoint | undefined
  response: Response
}

/** A request in the recorder of the lab, by the id of its flow and its own. */
export interface RecordedRequest {
  flow: string
  request: string
}

export const sockets = {
  // HTTP and the process.
  endpoints: named<Endpoint>,
  jobs: named<Job>,
  operation: {
    /** Endpoints at further paths, which discovery does not name. */
    mounts: flat<Mount>,
    /** What /health looks at, in this order. */
    healthChecks: named<HealthCheck>,
    /** The providers that people sign in from, for administrators. */
    upstreams: each<(context: Context) => readonly UpstreamConnection[]>,
    /** What a change of SECRET_KEY moves. */
    sealedRecords: named<SealedRecords>,
  },
  /** Members of the discovery document: arrays are joined, any other member must be new. */
  metadata: each<(context: Context) => Record<string, unknown>>,
  /** Base URLs of this provider in addition to the issuer; without trailing slash. `pages`: see http/page_base.ts. */
  baseUrls: each<(config: Config) => readonly { url: string; pages?: true }[]>,
  /** Parameters that may be repeated; their values are joined by a space. */
  repeatable: distinct<string>,
  headers: {
    /** Headers that scripts of browser clients may send and read. */
    cors: each<CorsHeaders>,
    /** Headers of all responses of a protected resource. */
    resource: each<(call: Call, context: Context) => Readonly<Record<string, string>>>,
    /** Parameters of the `WWW-Authenticate` challenge of a protected resource. */
    challenge: each<(call: Call, context: Context) => Readonly<Record<string, string>>>,
  },

  // Clients.
  clientAuth: byName<ClientAuthMethod>,
  clientSources: named<ClientSource>,
  /** Made by `declareMetadata`, through which the feature also reads it. */
  clientMetadata: members<Declared<ClientMetadata>>,
  /** What this configuration requires of a client or refuses it for, one clause each, for `latchkey config check`. */
  clientDemands: each<(client: Client, config: Config) => readonly string[]>,
  registrationRules: named<RegistrationRule>,

  // The authorization request and its answer.
  requestSources: named<RequestSource>,
  authorizationParameters: named<AuthorizationParameter>,
  authorizationRules: named<AuthorizationRule>,
  responseTypes: byName<ResponseType>,
  responseModes: byName<ResponseMode>,
  /** Members of a successful authorization response, such as `session_state`. */
  responseParameters: each<
    (
      context: Context,
      answered: { request: AuthorizationRequest; session: Session; client: Client; grant: Grant },
    ) => Promise<Record<string, string>> | Record<string, string>
  >,

  // Tokens and their contents.
  grantTypes: byName<GrantType>,
  grantRules: named<GrantRule>,
  tokenBindings: named<TokenBinding>,
  claims: named<ClaimSource>,
  subjectTypes: byName<SubjectType>,
  documentWrappers: named<DocumentWrapper>,
  decrypt: each<Decrypt>,

  // Signing in and out.
  loginMethods: named<LoginMethod>,
  loginLinks: named<LoginLink>,
  loginSteps: named<LoginStep>,
  /** Strongest first. */
  secondFactors: ordered<SecondFactor>,
  /** Whether this End-User must have a second factor for every client. */
  needsSecondFactor: each<(context: Context, user: User) => boolean>,
  /** Authentication levels of `auth/acr.ts` that the feature makes possible. */
  acrValues: flat<Acr>,
  passwordRules: named<PasswordRule>,

  /** The session of a browser. Functions that return strings return cookies to set. */
  sessions: {
    /** A condition in addition to the cookie, such as the same device. False makes the End-User sign in again. */
    holds: each<(call: Call, context: Context, session: Session) => Promise<boolean> | boolean>,
    /** A session has begun, or got a new secret: by a sign-in, or by a new password. */
    begun: each<(context: Context, session: Session) => string[]>,
    /** An End-User has signed in. A throw ends the sign-in. */
    signedIn: each<SignedIn>,
    /** The End-User is signing out in this browser. */
    signedOut: each<(context: Context) => string[]>,
  },
  /** How clients are notified that an End-User has signed out (OpenID Connect Back-Channel and Front-Channel Logout). */
  logout: {
    /** How this client is notified: by this `server`, or by frames in the `browser`. The sign-out pages show it. */
    channel: each<(context: Context, client: Client) => 'server' | 'browser' | undefined>,
    /** Invisible frames of the page after a sign-out, and the origins they load from. */
    frames: each<
      (context: Context, session: Session) => Promise<{ frames: Html[]; sources: PolicySource[] }>
    >,
    /**
     * Stores the notifications before the session ends. A throw keeps the session, so that the end can be tried again. It
     * may be called more than once for one session.
     */
    beforeEnd: each<(context: Context, session: Session) => Promise<void>>,
    /** Called once for each ended session, with its last state. It must log errors and not throw. */
    ended: each<(context: Context, session: Session) => Promise<void>>,
    withdrawn: each<AccessWithdrawn>,
  },

  /** What the teaching lab alone fills. */
  lab: {
    /**
     * Put around what is there once, at the start, and for a route when it is first asked for: without a filling there is
     * nothing on the way of a request.
     */
    answers: each<(endpoint: Endpoint, answer: Answer) => Answer>,
    modes: each<(mode: ResponseMode) => ResponseMode>,
    /** Called once for each refusal, where it is logged. Returns the URL of the page that explains it, for `error_uri`. It must not throw. */
    refused: each<(call: Call, context: Context, error: RefusedError) => string | undefined>,
    /** What is known of a request that failed, for an administrator; undefined for an unknown request id. */
    explains: each<(context: Context, requestId: string) => Promise<Html | undefined>>,
    /** Called with each response before it is sent. It must not throw. */
    answered: each<(call: Call, context: Context, answered: AnsweredCall) => void>,
    /** Called when a request became a part of a recorded flow, before its answer is sent. It must not throw. */
    recorded: each<(context: Context, recorded: RecordedRequest) => void>,
  },

  // The account of an End-User.
  /** In the order of the menu. */
  accountSections: ordered<AccountSection>,
  personData: named<PersonData>,
  signInMethods: each<CountSignInMethods>,
}

export type Sockets = typeof sockets

/** What one feature may put into these sockets. */
export type Filled<S> = {
  [K in keyof S]?: S[K] extends Join<infer Filling, unknown> ? Filling : Filled<S[K]>
}

/** The joined values of all sockets. */
export type Joined<S> = {
  readonly [K in keyof S]: S[K] extends (...fillings: never[]) => infer All ? All : Joined<S[K]>
}
