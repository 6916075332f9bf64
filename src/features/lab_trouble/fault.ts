/** The shape of a fault: what the lab tells one client wrongly, so that the author of the client sees what it checks. docs/lab.md */
import type { Rule } from '../../auth/rule.ts'
import type { SigningKey } from '../../auth/jws.ts'
import type { PublicJwk } from '../../auth/jwk.ts'
import type { Reply } from '../../contracts/reply.ts'

export type Json = Record<string, unknown>
export type ResponseParams = Record<string, string | undefined>

/** An ID Token as it was made, and the key that signed it. */
export interface MadeToken {
  header: Json
  claims: Json
}

/**
 * What replaces parts of an ID Token. `undefined` as the value of a claim takes the claim out. `stranger` is a key that this
 * provider does not publish, except to the address of a fault that says so.
 */
export interface WrongToken {
  header?: Json
  claims?: Json
  signer?: 'provider' | 'stranger' | 'none' | 'public_key'
}

/** What a fault knows while it is told. */
export interface Told {
  clientId: string
  /** Seconds since the epoch. */
  now: number
  /** The key of this fault; a fault with `ownKey` has one. */
  stranger: { key: SigningKey; jwk: PublicJwk } | undefined
  /** Waits for the seconds that the fault was switched on with. */
  wait(): Promise<void>
}

/** Where a fault speaks. Each gets what was made rightly. */
export interface Places {
  idToken?(token: MadeToken, told: Told): WrongToken
  /** The parameters of the authorization response. */
  response?(params: ResponseParams): ResponseParams
  /** The answer of the token endpoint. */
  token?(reply: Reply, told: Told): Promise<Reply> | Reply
  userinfo?(document: Json): Json
  /** The JWK Set and the discovery document name no client: these two are told to one address. */
  jwks?(document: Json, told: Told): Promise<Json | Reply> | Json | Reply
  discovery?(document: Json): Json
}

/** The places whose documents name no client. */
export const placesByAddress = ['jwks', 'discovery'] as const satisfies readonly (keyof Places)[]

export interface Fault {
  name: string
  does: string
  /** What a good client does. */
  good: string
  rule: Rule
  /**
   * `refusal`: a client that ends signed in has swallowed it. `sign_in`: the answer is right, and a client that does not
   * sign in has not followed. `either`: both are right, as long as the next sign-in works.
   */
  expects: 'refusal' | 'sign_in' | 'either'
  /** The specification leaves the check to the client. */
  optional?: true
  /** Signed with a key of its own. */
  ownKey?: true
  /** A client that was started before keeps what it knows, and is told nothing of it. */
  atStart?: true
  /** An ordinary sign-in must work again afterwards. */
  thenWorks?: true
  apply: Places
}

/** Reserved names (RFC 2606): no client, no issuer and no provider has them, so a token for them is good nowhere. */
export const otherIssuer = 'https://another-issuer.invalid'
export const otherClient = 'https://another-client.invalid'
