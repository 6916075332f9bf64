/** An authorization request that passed all checks which need no End-User. */
import type { AuthorizationRequest } from '../auth/authorization_request.ts'
import type { Client } from '../models/client.ts'
import type { GrantExtra } from '../models/grant.ts'

export interface CheckedRequest {
  request: AuthorizationRequest
  client: Client
  /** What features' parameters add to the grant. */
  extra: GrantExtra
  /** `sub` of the End-Users that id_token_hint or the claims parameter accepts; undefined for any. */
  subjects: readonly string[] | undefined
}
