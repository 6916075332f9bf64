/** The type of a row in the table of providers: endpoints, request parameters, and how the responses map to claims. */

import type { IconName } from '../../html/icon.ts'

export type Claims = Readonly<Record<string, unknown>>

/** Settings of one configured provider. A row uses those it needs. */
export interface ProviderSettings {
  /** Base URL without trailing slash. */
  base: string
  /** The same as it was configured: the issuer of `oidc`. */
  configured: string
  clientId: string
  clientSecret: string | undefined
  tenant: string | undefined
  hostedDomain: string | undefined
  /** Only of `oauth2`. */
  endpoints: Endpoints | undefined
  subjectClaim: string | undefined
  /** Only of `oidc` and `oauth2`. */
  emailVerified: 'boolean' | 'text'
}

/** URLs of a provider without discovery document. `emails` returns a list of addresses for the access token. */
export interface Endpoints {
  authorization: string
  token: string
  userinfo: string
  emails?: string
  revocation?: string
}

/** The discovery document is below `issuer`. `statedIssuer` is the issuer in it, if that differs: a template, or a trailing slash. */
export interface Discovered {
  issuer: string
  statedIssuer?: string
}

/** `issuer` is the namespace of its subjects. */
export interface Fixed {
  issuer: string
  endpoints: Endpoints
}

/** All responses of a provider about one End-User. */
export interface Answers {
  /** Verified claims of the ID Token. */
  idToken: Claims | undefined
  userinfo: Claims | undefined
  emails: unknown
  /** A parameter of the authorization response that comes through the browser, so it is not authenticated. */
  user: Claims | undefined
}

/** A request in the form the outbound fetcher takes. */
export interface Request {
  url: string
  method: string
  headers?: Readonly<Record<string, string>>
  body?: string
}

export interface ProviderRow {
  /** Part of variable names and of the callback path. */
  name: string
  /** The product name, the same in every language. */
  label: string
  /** Its mark on buttons. Default: a building. */
  icon?: IconName
  /** The provider's documentation of what this row contains. */
  documentation: readonly string[]
  /** Default base URL. */
  base?: string
  /** Space-separated. */
  scope: string
  where(provider: ProviderSettings): Discovered | Fixed
  /** Client authentication at the token endpoint. `apple` is a secret that is a signed JWT. */
  auth: 'client_secret_basic' | 'client_secret_post' | 'apple'
  /** Further parameters of the authorization request. */
  parameters?(provider: ProviderSettings): Readonly<Record<string, string>>
  /** Parameters that request a fresh authentication. */
  reauthenticate?: Readonly<Record<string, string>>
  /** Uses response_mode=form_post. */
  postsBack?: true
  /** Rejects requests with code_challenge. */
  withoutPkce?: true
  /** Leaves the nonce out of its ID Tokens. */
  withoutNonce?: true
  /** The required issuer of an ID Token, if it depends on the token's claims. */
  issuerOf?(idToken: Claims, provider: ProviderSettings): string | undefined
  /** Additional query parameters of requests with an access token. */
  withToken?(accessToken: string, provider: ProviderSettings): Readonly<Record<string, string>>
  /** Maps the responses to OpenID Connect claims. Default: those of ID Token and userinfo. */
  claims?(said: Answers, provider: ProviderSettings): Claims
  /** The reason, for the log, why the configuration excludes this End-User. */
  refuses?(claims: Claims, provider: ProviderSettings): string | undefined
  /** The revocation request, if it differs from RFC 7009. */
  revoke?(accessToken: string, provider: ProviderSettings): Request
}

/** Without members that are null, which some providers write for what they do not know; empty for anything that is no object. */
export const membersOf = (value: unknown): Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
    : {}

/** A boolean by the specification; some providers send a number or text, as their language writes it: `true`, `True`. */
export const isTrue = (value: unknown): boolean =>
  ['boolean', 'string', 'number'].includes(typeof value) && /^(?:true|1)$/i.test(String(value))

/** `email_verified` of a provider of which only the operator knows in what form it sends the claim. */
export const isVerified = (value: unknown, { emailVerified }: ProviderSettings): boolean =>
  emailVerified === 'text' ? isTrue(value) : value === true

/** Some providers send identifiers as numbers. */
export const idText = (value: unknown): string | undefined =>
  typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value))
    ? `${value}`
    : undefined
