/** What the driver knows of a provider: where it is, who may use it, and which parameters it wants for a JWT. */
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
}

/** The members of the metadata the driver uses. */
export interface Metadata {
  issuer: string
  authorization_endpoint: string
  token_endpoint: string
  userinfo_endpoint: string
  introspection_endpoint: string
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
  /** Processes whose CPU time is ours: the server first, then what it stands on. */
  pids: number[]
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
  /** Cores that strangers used meanwhile; what is much above 0 spoils the number. */
  foreign: number
  /** Numbers that only this row has. */
  extra?: Record<string, number>
}
