/** A checked access token: what `grants/live_token.ts` found, and `http/resource.ts` is handed. */
import type { AccessToken } from '../models/access_token.ts'
import type { Grant } from '../models/grant.ts'

/** An access token of ours that is good now. */
export interface LiveToken {
  format: 'jwt' | 'opaque'
  claims: AccessToken & { jti?: string; cnf?: Record<string, unknown> }
  /** Absent for client_credentials. */
  grant: Grant | undefined
}
