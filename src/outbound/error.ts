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
 * `told` begins with a verb and may be shown to the caller. It never says which addresses a name has, whether it has any, or
 * how a connection failed, so that an attacker cannot explore the internal network. `message` and `detail` are for the log.
 */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly reason: OutboundReason
  readonly detail: string | undefined
  readonly told: string

  constructor(reason: OutboundReason, message: string, detail?: string, told = message) {
    super(message)
    this.reason = reason
    this.detail = detail
    this.told = told
  }
}

/** One text for a name without an address, with an internal one, and without a server. */
const unreachableText = 'could not be reached at a public address'

export const unreachable = (detail?: string): OutboundError =>
  new OutboundError('unreachable', 'could not be reached', detail, unreachableText)

/** The name of the URL leads to an internal address. */
export const internal = (address: string): OutboundError =>
  new OutboundError('refused', 'must lead to a public address', address, unreachableText)
