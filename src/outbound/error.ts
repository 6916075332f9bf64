/** Why a request of ours to somebody else's server came to nothing. docs/architecture.md, "Outbound requests" */

export type OutboundReason =
  /** By our own rules: scheme, spelling, port or address. */
  | 'refused'
  | 'busy'
  | 'unreachable'
  | 'timeout'
  | 'too_large'
  /** 3xx: we follow none, for the next address would be the stranger's choice. */
  | 'redirect'
  | 'status'
  /** Not what was asked for: compressed, cut short, or no JSON. */
  | 'malformed'

/**
 * `message` begins with a verb and may be told to the caller: it never says which addresses a name has, nor how a
 * connection failed, so that nobody can map a network through us. `detail` is for the log alone.
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
