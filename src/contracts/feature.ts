/** The sockets a feature may fill: one folder, one object, one line in the table. docs/architecture.md, "Features" */
import type * as v from 'valibot'
import type { Acr } from '../auth/acr.ts'
import type { KeyAlg } from '../auth/jwk.ts'
import type { Config, Entries } from '../config.ts'
import type { Context } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import type { GrantRule, GrantType } from './grant_type.ts'
import type { Call } from './call.ts'
import type { Client } from '../models/client.ts'
import type { User } from '../models/user.ts'
import type {
  AccountSection,
  LoginLink,
  LoginMethod,
  LoginStep,
  PasswordRule,
  PersonData,
  SecondFactor,
  SessionRule,
  SignedIn,
  WaysIn,
} from './person_sockets.ts'
import type {
  AccessWithdrawn,
  AuthorizationParameter,
  BeforeSessionEnd,
  ClaimSource,
  ClientAuthMethod,
  ClientSource,
  CorsHeaders,
  Decrypt,
  DocumentWrapper,
  Job,
  RegistrationExtras,
  RegistrationRule,
  RequestSource,
  ResponseMode,
  ResponseParameters,
  ResponseType,
  SessionBegin,
  SessionEnd,
  SignOutChannel,
  SignOutCookies,
  SignOutFrames,
  SubjectType,
  TokenBinding,
} from './protocol_sockets.ts'

export type * from './person_sockets.ts'
export type * from './protocol_sockets.ts'

export interface Feature {
  name: string
  /** False leaves the whole feature out under this configuration. */
  when?(config: Config): boolean
  /** Lines `NAME: problem` for settings that do not go together; any of them stops the boot. */
  problems?(config: Config): readonly string[]
  env?: Entries
  /** Algorithms for which the key ring must have a key, beside those that sign. */
  keyAlgs?: readonly KeyAlg[]
  endpoints?: readonly Endpoint[]
  grantTypes?: readonly GrantType[]
  clientAuth?: readonly ClientAuthMethod[]
  responseTypes?: readonly ResponseType[]
  responseModes?: readonly ResponseMode[]
  requestSources?: readonly RequestSource[]
  authorizationParameters?: readonly AuthorizationParameter[]
  tokenBindings?: readonly TokenBinding[]
  /** Base URLs under which everything is served too, beside the issuer; without trailing slash. */
  baseUrls?(config: Config): readonly string[]
  loginMethods?: readonly LoginMethod[]
  loginLinks?: readonly LoginLink[]
  loginSteps?: readonly LoginStep[]
  secondFactors?: readonly SecondFactor[]
  /** Whether this person must have a second factor, whatever an application asks for. */
  needsSecondFactor?(user: User, context: Context): boolean
  /** Levels of `auth/acr.ts` that a sign-in can reach because of it. */
  acrValues?: readonly Acr[]
  onSignedIn?: SignedIn
  sessionRules?: readonly SessionRule[]
  passwordRules?: readonly PasswordRule[]
  waysIn?: WaysIn
  accountSections?: readonly AccountSection[]
  personData?: readonly PersonData[]
  claims?: readonly ClaimSource[]
  clientMetadata?: v.ObjectEntries
  /** What this configuration refuses a client for, or asks of it: a clause each, for `latchkey config check`. */
  clientDemands?(client: Client, config: Config): readonly string[]
  /** Auth-params of every challenge that a request for one of our own resources is answered with. */
  challengeParameters?(call: Call, context: Context): Readonly<Record<string, string>>
  corsHeaders?: CorsHeaders
  /** Headers of every answer of an endpoint that takes access tokens. */
  resourceHeaders?(call: Call, context: Context): Readonly<Record<string, string>>
  grantRules?: readonly GrantRule[]
  subjectTypes?: readonly SubjectType[]
  registrationRules?: readonly RegistrationRule[]
  registrationExtras?: RegistrationExtras
  clientSources?: readonly ClientSource[]
  documentWrappers?: readonly DocumentWrapper[]
  decrypt?: Decrypt
  responseParameters?: ResponseParameters
  onSessionBegin?: SessionBegin
  signOutCookies?: SignOutCookies
  signOutChannel?: SignOutChannel
  signOutFrames?: SignOutFrames
  beforeSessionEnd?: BeforeSessionEnd
  onSessionEnd?: SessionEnd
  onAccessWithdrawn?: AccessWithdrawn
  /** Members of the discovery document: arrays are joined with the others', anything else must be new. */
  metadata?(context: Context): Record<string, unknown>
  jobs?: readonly Job[]
  /** Parameters that may come more than once. */
  repeatable?: readonly string[]
}

export const defineFeature = (feature: Feature): Feature => feature
