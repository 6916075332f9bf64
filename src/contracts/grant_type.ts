/** The contract of a grant type: it answers who gets what; `mint.ts` makes the tokens. */
import * as v from 'valibot'
import { OAuthError } from '../auth/errors.ts'
import type { Context } from '../contracts/context.ts'
import type { Client } from '../models/client.ts'
import type { Grant } from '../models/grant.ts'

/** What a token is bound to, found by a token binding (DPoP, mutual TLS) in this request. */
export interface Bound {
  /** RFC 7800 confirmation, such as { jkt } or { 'x5t#S256' }. */
  cnf: Record<string, unknown>
  token_type: string
}

/** Who gets what. */
export interface Issue {
  sub: string
  scope: readonly string[]
  /** Absent for client_credentials: nobody but the client is concerned. */
  grant?: Grant
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

export interface GrantRequest<P> {
  params: P
  client: Client
  context: Context
  bound: Bound | undefined
  /** All parameters, for the ones that features read. */
  raw: Readonly<Record<string, string>>
}

/** A rule that a feature adds to grants it had a part in. */
export interface GrantRule {
  name: string
  /** Throws when this request may not use the grant. Asked before a code or a refresh token is spent. */
  admit?(grant: Grant, request: GrantRequest<unknown>): Promise<void> | void
  /** Changes what is issued: audience, claims, members of the response. */
  shape?(issue: Issue, request: GrantRequest<unknown>): Promise<Issue> | Issue
}

export interface GrantType {
  name: string
  /** False when it is neither advertised nor open to self-registration. */
  offered?(context: Context): boolean
  /** Clients register for it, and no token request names it. */
  withoutTokenRequest?: true
  answer(request: GrantRequest<Readonly<Record<string, string>>>): Promise<Issue>
}

/** `params` says which parameters it needs; a missing or malformed one is `invalid_request` (RFC 6749 §5.2). */
export function defineGrantType<const S extends v.GenericSchema>(
  name: string,
  params: S,
  answer: (request: GrantRequest<v.InferOutput<S>>) => Promise<Issue>,
): GrantType {
  return {
    name,
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
