/** An authorization request on its way: what was asked, and the interaction in which it goes on. */
import type { AuthorizationRequest } from '../auth/authorization_request.ts'
import type { Client } from '../models/client.ts'
import type { GrantExtra } from '../models/grant.ts'
import type { Interaction } from '../models/interaction.ts'

/** A request with what was found out about it. */
export interface Asked {
  request: AuthorizationRequest
  client: Client
  /** What features' parameters add to the grant. */
  extra: GrantExtra
  /** Whom it must be about, by id_token_hint or the claims parameter. */
  subject: string | undefined
}

/** The interaction this request goes on in, once there is one. */
export interface Going {
  handle: string
  interaction: Interaction
  /** It goes on from its `pending` first factor (`halfSignedIn`), which otherwise counts for nothing. */
  half?: true
}
