/** Why a request to another server failed. docs/architecture.md, "Outbound requests" */

export type OutboundReason =
  /** The URL or address is not allowed: scheme, spelling, port or address. */
  | 'refused'
  | 'busy'
  | 'unreachable'
  | 'timeout'
  | 'too_large'
  /** 3xx: redirects are not followed, since the other server would choose the address. */
  | 'redirect'
  | 'status'
  /** The response is compressed, cut short, or no JSON. */
  | 'malformed'

/**
 * `message` begins with a verb and may be shown to the caller. It never says which addresses a name has or how a connection
 * failed, so that an attacker cannot explore the internal network. `detail` is for the log only.
 */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly reason: OutboundReason
  readonly detail: string | undefined

  constructor(reason: OutboundReason, message: string, detail?: string) {
    super(message)
    this.reason = reason
    this.detail = detail
  }
}
