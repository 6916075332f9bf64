/** A validated access token: the result of `grants/live_token.ts`, for `http/resource.ts`. */
import type { AccessToken } from '../models/access_token.ts'
import type { Grant } from '../models/grant.ts'

/** A valid access token of this provider. */
export interface LiveToken {
  format: 'jwt' | 'opaque'
  claims: AccessToken & { jti?: string; cnf?: Record<string, unknown> }
  /** Absent for client_credentials. */
  grant: Grant | undefined
}
