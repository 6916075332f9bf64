/** The contract of a grant type: it decides what is issued; `mint.ts` makes the tokens. */
import * as v from 'valibot'
import type { ObjectShape } from '../openapi/parts.ts'
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import type { Client } from '../models/client.ts'
import type { Grant } from '../models/grant.ts'
import type { ActiveUser, User } from '../models/user.ts'
import type { Params } from '../auth/params.ts'

/** The key that a token binding (DPoP, mutual TLS) found in this request. Tokens are bound to it. */
export interface Bound {
  /** RFC 7800 confirmation, such as { jkt } or { 'x5t#S256' }. */
  cnf: Record<string, unknown>
  token_type: string
}

declare const authenticated: unique symbol
/** A client that authenticated by its registered method. Only `authenticateClient` makes one. */
export type AuthenticatedClient = Client & { readonly [authenticated]: true }

interface Issuing {
  scope: readonly string[]
  /** The generation of the refresh token to issue. */
  refresh?: number
  /** Present when the response has an ID Token. */
  idToken?: { nonce?: string | undefined; claims?: Record<string, unknown> }
  /** The claims of the access token that this one is a copy of. The copy has no further claims. */
  copyOf?: Readonly<Record<string, unknown>> & { aud: string | string[] }
  /** Seconds: the access token expires by then, even if its lifetime is longer. */
  expiresAt?: number
  /** Instead of the configured audience. */
  audience?: string | string[]
  /** Names in the audience that the operator listed as APIs. */
  apis?: readonly string[]
  /** Additional claims of the access token, and additional members of the response. */
  claims?: Record<string, unknown>
  response?: Record<string, unknown>
}

/** Tokens of the client itself, as for client_credentials. */
export interface ClientIssue extends Issuing {
  sub: string
  grant?: undefined
}

/** Tokens about the End-User of a grant. */
export interface UserIssue<U = ActiveUser> extends Issuing {
  grant: Grant
  user: U
}

/** The result of a grant type: the grant, and the account of its End-User if it was found. */
export type Answer = ClientIssue | UserIssue<User | undefined>
/** What tokens are made of. `settled` (grants/grant_rules.ts) makes it of an answer after it has checked the account. */
export type Issue = ClientIssue | UserIssue

/** A request to use a grant: a token request, or another request that issues tokens. */
export interface GrantUse {
  client: Client
  context: Context
  bound: Bound | undefined
  /** All parameters, including those that only features read. */
  raw: Params
}

export interface GrantRequest<P> extends GrantUse {
  params: P
  client: AuthenticatedClient
}

/** A rule that a feature adds for the use of grants. */
export interface GrantRule {
  name: string
  /** Parameters of the token request that it reads from `raw`. */
  params?: v.ObjectEntries
  /** Throws when this request may not use the grant. Runs before a code or a refresh token is used up. */
  admit?(grant: Grant, request: GrantUse): Promise<void> | void
  /** Changes what is issued: audience, claims, members of the response. */
  shape?(issue: Issue, request: GrantUse): Promise<Issue> | Issue
}

export interface GrantType {
  name: string
  /** False when it is neither advertised nor available to self-registered clients. */
  offered?(context: Context): boolean
  /** True when clients register it but no token request uses it. */
  withoutTokenRequest?: true
  /** The parameters of its token request. */
  params?: ObjectShape
  answer(request: GrantRequest<Params>): Promise<Answer>
}

/** `params` is the schema of its parameters; a missing or malformed one is `invalid_request` (RFC 6749 §5.2). */
export function defineGrantType<const S extends ObjectShape>(
  name: string,
  params: S,
  answer: (request: GrantRequest<v.InferOutput<S>>) => Promise<Answer>,
): GrantType {
  return {
    name,
    params,
    answer(request) {
      const parsed = v.safeParse(params, request.params)
      if (!parsed.success) {
        const issue = parsed.issues[0]
        throw new OAuthError('invalid_request', {
          rule: 'RFC 6749 §5.2',
          expected: `${v.getDotPath(issue) ?? 'parameters'} is required for grant_type ${name}${issue.input === undefined ? '' : `: ${issue.message}`}`,
        })
      }
      return answer({ ...request, params: parsed.output })
    },
  }
}
