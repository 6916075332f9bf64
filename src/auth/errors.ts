/** The one error of the protocol, and the status each code answers with. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
import type { Said } from '../lib/say.ts'

/**
 * Code to HTTP status. Rows after the blank line come from RFC 6750 §3.1, RFC 7591 §3.2.2, RFC 7009 §2.2.1,
 * OpenID Connect Core §3.1.2.6 and from HTTP itself. Features add theirs through `OAuthErrorStatus`.
 */
export const statusOf = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
  invalid_scope: 400,
  access_denied: 403,
  server_error: 500,
  temporarily_unavailable: 503,

  invalid_token: 401,
  insufficient_scope: 403,
  insufficient_user_authentication: 401,
  invalid_redirect_uri: 400,
  invalid_client_metadata: 400,
  unsupported_token_type: 400,
  interaction_required: 400,
  login_required: 400,
  account_selection_required: 400,
  consent_required: 400,
  request_not_supported: 400,
  request_uri_not_supported: 400,
  registration_not_supported: 400,
  not_found: 404,
  method_not_allowed: 405,
  payload_too_large: 413,
  too_many_requests: 429,
} as const

export type OAuthErrorCode = keyof typeof statusOf

/** What an error may carry beyond its code and words. */
export interface ErrorOptions {
  /** For the log alone. */
  detail?: string
  /** Overrides the table, for codes that features bring (RFC 8628, 9126, 9449, …). */
  status?: number
  /** Seconds, sent as Retry-After. */
  retryAfter?: number
  /** Response headers, such as a DPoP nonce. */
  headers?: Record<string, string>
  /** What a page tells the person, where the sentence of the code (`error.<code>`) says too little. */
  say?: Said
}

/** RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E. Anything else in a description becomes `?`; quotes become apostrophes. */
const inAllowedCharacters = (text: string): string =>
  text
    .replace(/["\\]/g, "'")
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 400)

/**
 * A refusal that the caller is told of. `publicDescription` says what was expected and what came; outside
 * development only the code and a terse sentence leave the house (http/error_reply.ts decides).
 */
export class OAuthError extends Error {
  override name = 'OAuthError'
  readonly code: OAuthErrorCode | (string & {})
  readonly publicDescription: string
  readonly options: ErrorOptions

  constructor(
    code: OAuthErrorCode | (string & {}),
    publicDescription: string,
    options: ErrorOptions | string = {},
  ) {
    super(`${code}: ${publicDescription}`)
    this.code = code
    this.publicDescription = inAllowedCharacters(publicDescription)
    this.options = typeof options === 'string' ? { detail: options } : options
  }

  get status(): number {
    return this.options.status ?? (statusOf as Record<string, number>)[this.code] ?? 400
  }
}

/** Shows what came, cut short, for a description. */
export const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  return `'${text.length > 80 ? `${text.slice(0, 80)}...` : text}'`
}
