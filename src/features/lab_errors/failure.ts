/** A request that failed, as the lab keeps it: plain data, bounded, and without a secret. */
import type { Rule } from '../../auth/rule.ts'

/** An authorization that a client received a code for, and each use of it. */
export interface History {
  issued?: IssuedCode | undefined
  /** Token requests that passed all checks but that of the single use, the latest last. */
  uses: readonly Use[]
}

export interface IssuedCode {
  /** Milliseconds, as all times of this room. */
  at: number
  clientId: string
  redirectUri: string
  challenge: string | undefined
}

export interface Use {
  at: number
  clientId: string
  grantType: string
}

/** A value that may be shown, or the size and the mark of one that may not. */
export type Shown = { text: string } | { hidden: Hidden }

export interface Hidden {
  characters: number
  /** Equal for equal values. */
  mark: string
}

/** What a JWT says of itself, without its signature and without claims about a person. */
export interface ReadJwt {
  header: Readonly<Record<string, unknown>>
  claims: Readonly<Record<string, unknown>>
}

/** What a handle or a token looks like. */
export type HandleLook =
  'code' | 'access token' | 'refresh token' | 'JWT' | 'percent-encoded' | 'cut short' | 'other'

/** What was found out from the secrets of the request while they were at hand. */
export interface Traces {
  /** Of the code or refresh token of a token request, as it was before this request. */
  history?: History | undefined
  handle?: HandleLook | undefined
  verifier?: VerifierTrace | undefined
  /** Changes after which the client_secret is right (`secretReadings` of traces.ts). */
  secret?: { readings: readonly string[]; isClientId: boolean } | undefined
  assertion?: ReadJwt | undefined
  proof?: ReadJwt | undefined
  /** The access token, and how it came. */
  token?: { look: HandleLook; jwt?: ReadJwt | undefined; place: 'header' | 'body' | 'query' } | undefined
  /** Parameters whose value is that of a variable that was not set: `undefined`, `${CLIENT_ID}`, nothing. */
  unset?: readonly string[] | undefined
  /** What id_token_hint says of itself. */
  hint?: ReadJwt | undefined
  /** Of Authorization: Basic: how its text fails. */
  basic?: 'not base64' | 'no colon' | 'empty' | undefined
}

export interface VerifierTrace {
  characters: number
  /** base64url(SHA-256(code_verifier)). */
  challenge: string
  isWellFormed: boolean
  /** The verifier is the challenge itself. */
  isChallenge: boolean
  /** The challenge is that of the bytes that the verifier is the base64url of. */
  hashedBytes: boolean
  /** When an authorization request with the challenge of this verifier was answered. */
  otherRequestAt?: number | undefined
}

export interface SeenRequest {
  method: string
  path: string
  /** From the URL as it came: the Host header and the scheme of the connection. */
  url: { protocol: string; host: string }
  address: string
  peer: string
  headers: Readonly<Record<string, string>>
  query: Readonly<Record<string, Shown>>
  form: Readonly<Record<string, Shown>>
}

export interface Failure {
  /** The request id. */
  id: string
  /** Milliseconds. */
  at: number
  /** `blocked`: a browser does not let the page read the answer. */
  kind: 'refused' | 'blocked'
  code: string
  status: number
  rule: Rule
  expected: string
  came?: Shown | undefined
  /** What `came` is compared with; several where one of them would do. */
  wanted?: readonly string[] | undefined
  problem?: string | undefined
  next?: string | undefined
  request: SeenRequest
  clientId: string | undefined
  traces: Traces
  /** How the clock of the lab stood. */
  clock?: { aheadMs: number; isStopped: boolean } | undefined
}
