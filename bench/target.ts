/** What the driver knows of a provider: where it is, its client and End-User, and which parameters it wants for a JWT. */
import type { SigningKey } from './proof.ts'
import type { Form } from './request.ts'

export interface Client {
  client_id: string
  client_secret: string
}

export interface Target {
  name: string
  /** Endpoints are discovered from here. */
  issuer: string
  redirectUri: string
  user: { username: string; password: string }
  /** Undefined: the driver registers one at the registration endpoint (RFC 7591). */
  client?: Client
  /** What DPoP proofs and client assertions are signed with. */
  key: SigningKey
  /** A client that authenticates with `key`; undefined: the driver registers one. */
  keyClientId?: string
  /** Names of the buttons on the provider's forms. */
  buttons: { login: string; allow: string }
  /** Extra token request parameters that make the access token of client_credentials a JWT with this `alg`. */
  jwt: Record<'ES256' | 'RS256', Form>
  /** What the ID Tokens of the client are signed with. */
  idTokenAlg: 'ES256' | 'RS256'
  /** Where the driver receives logout tokens, `address:port`: the provider may send to them. */
  receivers: string[]
}

/** The members of the metadata the driver uses. */
export interface Metadata {
  issuer: string
  authorization_endpoint: string
  token_endpoint: string
  userinfo_endpoint: string
  introspection_endpoint: string
  end_session_endpoint: string
  pushed_authorization_request_endpoint: string
  jwks_uri: string
  registration_endpoint?: string
}

/** One driver process's task, handed over as JSON on its command line. */
export interface Job {
  target: Target
  rows: string[]
  seconds: number
  warmup: number
  connections: number
  /** Processes of this measurement: the server first, then what it stands on. */
  pids: number[]
  /** Accept a measurement that other processes disturbed: to try a row, not for a result. */
  noisy: boolean
}

/** What the driver prints for each row, one JSON line. Latencies in milliseconds. */
export interface Result {
  row: string
  /** Steps per second: requests, or whole flows where the row says so. */
  rate: number
  count: number
  p50: number
  p99: number
  /** Share of its core the driver used, 0 to 1; near 1 the driver may be the limit. */
  driver: number
  /** Cores the server used; near 1 it was the limit, as it should be. */
  server: number
  /** Cores that other processes used during the measurement; much above 0, the number is worthless. */
  foreign: number
  /** Bytes of the body of the last answer: the limit is measured with answers of this size. */
  bytes?: number
  /** Numbers that only this row has. */
  extra?: Record<string, number>
}
