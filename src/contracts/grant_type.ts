/** The contract of a grant type: it answers who gets what; `mint.ts` makes the tokens. */
import * as v from 'valibot'
import type { ObjectShape } from '../openapi/parts.ts'
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import type { Client } from '../models/client.ts'
import type { Grant } from '../models/grant.ts'
import type { ActiveUser, User } from '../models/user.ts'
import type { Params } from '../auth/params.ts'

/** What a token is bound to, found by a token binding (DPoP, mutual TLS) in this request. */
export interface Bound {
  /** RFC 7800 confirmation, such as { jkt } or { 'x5t#S256' }. */
  cnf: Record<string, unknown>
  token_type: string
}

declare const authenticated: unique symbol
/** A client that proved in the way it registered to be the client it names. Only `authenticateClient` makes one. */
export type AuthenticatedClient = Client & { readonly [authenticated]: true }

interface Issuing {
  scope: readonly string[]
  /** The generation of the refresh token to hand out. */
  refresh?: number
  /** Present when an ID Token belongs to the answer. */
  idToken?: { nonce?: string | undefined; claims?: Record<string, unknown> }
  /** Claims of the access token that this one is made from: a copy says no more than it did. */
  copyOf?: Readonly<Record<string, unknown>> & { aud: string | string[] }
  /** Seconds: the access token ends by then, whatever its own lifetime. */
  expiresAt?: number
  /** Instead of the configured audience. */
  audience?: string | string[]
  /** Further claims of the access token, and further members of the response. */
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

/** What a grant type answers: the grant, and the account of its End-User as it was found, if it was. */
export type Answer = ClientIssue | UserIssue<User | undefined>
/** What tokens are made of. `settled` (grants/grant_rules.ts) makes it of an answer, once the account is active. */
export type Issue = ClientIssue | UserIssue

/** A request to use a grant: a token request, or one that has tokens made without any. */
export interface GrantUse {
  client: Client
  context: Context
  bound: Bound | undefined
  /** All parameters, for the ones that features read. */
  raw: Params
}

export interface GrantRequest<P> extends GrantUse {
  params: P
  client: AuthenticatedClient
}

/** A rule that a feature adds to grants it had a part in. */
export interface GrantRule {
  name: string
  /** Parameters of the token request that it reads from `raw`. */
  params?: v.ObjectEntries
  /** Throws when this request may not use the grant. Asked before a code or a refresh token is spent. */
  admit?(grant: Grant, request: GrantUse): Promise<void> | void
  /** Changes what is issued: audience, claims, members of the response. */
  shape?(issue: Issue, request: GrantUse): Promise<Issue> | Issue
}

export interface GrantType {
  name: string
  /** False when it is neither advertised nor open to self-registration. */
  offered?(context: Context): boolean
  /** Clients register for it, and no token request names it. */
  withoutTokenRequest?: true
  /** The parameters of its token request. */
  params?: ObjectShape
  answer(request: GrantRequest<Params>): Promise<Answer>
}

/** `params` says which parameters it needs; a missing or malformed one is `invalid_request` (RFC 6749 §5.2). */
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
          expected: `${v.getDotPath(issue) ?? 'parameters'} is required for grant_type ${name}: ${issue.message}`,
        })
      }
      return answer({ ...request, params: parsed.output })
    },
  }
}
