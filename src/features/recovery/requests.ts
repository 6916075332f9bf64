/**
 * Who asked for a new password: written down as typed, and looked up by a job after the answer has left. So the answer
 * costs the same whoever it is about, and a relay or a store that stumbles afterwards shows nobody anything.
 */
import { defineWaitList } from '../../models/wait_list.ts'

/** Sealed where it waits: what people type there may be anything, passwords included. */
export interface RecoveryRequest {
  /** A username or an address, as typed. */
  login: string
  /** The network address it came from. */
  address: string
}

/** Seconds: whoever waited longer has asked again. */
const lifetimeSeconds = 900

export const requests = defineWaitList<RecoveryRequest>('recovery_request', lifetimeSeconds)
