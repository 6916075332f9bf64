/** What a row of the table of providers says: where a provider is, what it is asked, and how it says who somebody is. */

export type Claims = Readonly<Record<string, unknown>>

/** What one provider is configured with, as far as its row asks for it. */
export interface Place {
  /** Origin and path in front of everything, without trailing slash. */
  base: string
  clientId: string
  clientSecret: string | undefined
  tenant: string | undefined
  hostedDomain: string | undefined
  /** Of the generic rows. */
  endpoints: Endpoints | undefined
  subjectClaim: string | undefined
}

/** URLs of a provider that has no discovery document. `emails` is one more list that its access token opens. */
export interface Endpoints {
  authorization: string
  token: string
  userinfo: string
  emails?: string
  revocation?: string
}

/** Found by discovery at `issuer`; `says` is the issuer its document states, where that is a template. */
export interface Discovered {
  issuer: string
  says?: string
}

/** `issuer` is the name its subjects are unique under. */
export interface Fixed {
  issuer: string
  endpoints: Endpoints
}

/** All that a provider said about somebody, each part from another answer. */
export interface Answers {
  /** Verified claims of the ID Token. */
  idToken: Claims | undefined
  userinfo: Claims | undefined
  emails: unknown
  /** Beside the code, through the browser: proves nothing. */
  user: Claims | undefined
}

/** A request of ours, as the guarded fetcher takes it. */
export interface Request {
  url: string
  method: string
  headers?: Readonly<Record<string, string>>
  body?: string
}

export interface Row {
  /** Part of the names of variables, and of the callback's path. */
  name: string
  /** As people know it; a name, so it is the same in every language. */
  label: string
  /** Where the provider says what stands here. */
  documentation: readonly string[]
  /** Where it is when the configuration does not say. */
  base?: string
  /** Space-separated. */
  scope: string
  where(at: Place): Discovered | Fixed
  /** How we prove who we are at its token endpoint. `apple` is a secret signed with a key. */
  auth: 'client_secret_basic' | 'client_secret_post' | 'apple'
  /** Further parameters of the authorization request. */
  parameters?(at: Place): Readonly<Record<string, string>>
  /** Parameters that have it ask for the password again; without them it may not. */
  reauthenticate?: Readonly<Record<string, string>>
  /** Answers by a POST of the browser from its own site. */
  postsBack?: true
  /** Fails when a code_challenge comes. */
  withoutPkce?: true
  /** Leaves the nonce out of its ID Tokens. */
  withoutNonce?: true
  /** The issuer that an ID Token must name, where it depends on the token. */
  issuerOf?(idToken: Claims, at: Place): string | undefined
  /** Query parameters of each request with an access token. */
  withToken?(accessToken: string, at: Place): Readonly<Record<string, string>>
  /** Claims under the names of OpenID Connect; those of ID Token and userinfo when left out. */
  claims?(said: Answers, at: Place): Claims
  /** Why this person may not come in under this configuration: a word for the log. */
  refuses?(claims: Claims, at: Place): string | undefined
  /** Instead of RFC 7009. */
  revoke?(accessToken: string, at: Place): Request
}

/** Members of an object; nothing for whatever else it is. */
export const membersOf = (value: unknown): Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : {}

/** Identifiers come as numbers too. */
export const idText = (value: unknown): string | undefined =>
  typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value))
    ? `${value}`
    : undefined
