/**
 * Requests for a new password, queued as typed. A job looks up the account after the response was sent, so neither the
 * response time nor a failure of the mail relay or the store tells whether an account exists.
 */
import { defineWaitList } from '../../models/wait_list.ts'

/** Encrypted in the queue, because End-Users may type anything into the field, passwords included. */
export interface RecoveryRequest {
  /** A username or an address, as typed. */
  login: string
  /** The network address it came from. */
  address: string
  /** The handle of the sign-in that it was part of. */
  interaction?: string
}

/** An older request is dropped: the End-User has asked again by then. */
const lifetimeSeconds = 900

export const requests = defineWaitList<RecoveryRequest>('recovery_request', lifetimeSeconds)
