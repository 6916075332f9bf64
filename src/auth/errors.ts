/** The errors of OAuth and of HTTP, and the HTTP status of each code. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
import { type Grounds, RefusedError } from './refusal.ts'
import type { Rule } from './rule.ts'

/**
 * Code to HTTP status. Rows after the blank line come from RFC 6750 §3.1, RFC 7591 §3.2.2, RFC 7009 §2.2.1 and
 * OpenID Connect Core §3.1.2.6. Features add codes, with the status in the refusal.
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
} as const

export type OAuthErrorCode = keyof typeof statusOf | (string & {})

/** A refusal with a code of OAuth, OpenID Connect or one of their extensions. */
export class OAuthError extends RefusedError {
  override name = 'OAuthError'

  constructor(code: OAuthErrorCode, grounds: Grounds) {
    super({ ...grounds, code })
  }

  get status(): number {
    return this.refusal.status ?? (statusOf as Record<string, number>)[this.code] ?? 400
  }
}

/** The refusal of a client whose secret was wrong, and of nothing else: each one is a guess. */
export class WrongSecret extends OAuthError {
  override name = 'WrongSecret'

  constructor(grounds: Grounds) {
    super('invalid_client', grounds)
  }
}

/** Refusals outside of OAuth: code to status and rule. */
export const httpRefusals = {
  bad_request: [400, 'RFC 9110 §15.5.1'],
  form_out_of_date: [403, 'RFC 6749 §10.12'],
  foreign_form: [403, 'RFC 6749 §10.12'],
  plain_http: [403, 'RFC 6749 §3.2'],
  session_limit: [403, 'RFC 9110 §15.5.4'],
  account_being_deleted: [403, 'RFC 9110 §15.5.4'],
  forbidden: [403, 'RFC 9110 §15.5.4'],
  not_found: [404, 'RFC 9110 §15.5.5'],
  method_not_allowed: [405, 'RFC 9110 §15.5.6'],
  conflict: [409, 'RFC 9110 §15.5.10'],
  precondition_failed: [412, 'RFC 9110 §15.5.13'],
  unprocessable: [422, 'RFC 9110 §15.5.21'],
  precondition_required: [428, 'RFC 6585 §3'],
  payload_too_large: [413, 'RFC 9110 §15.5.14'],
  too_many_requests: [429, 'RFC 6585 §4'],
  server_error: [500, 'RFC 9110 §15.6.1'],
  temporarily_unavailable: [503, 'RFC 9110 §15.6.4'],
} as const satisfies Record<string, readonly [status: number, rule: Rule]>

export type HttpErrorCode = keyof typeof httpRefusals

/** A refusal outside of OAuth. The code determines its status and its rule. */
export class HttpError extends RefusedError {
  override name = 'HttpError'
  readonly status: number

  constructor(code: HttpErrorCode, grounds: Omit<Grounds, 'rule' | 'status'>) {
    const [status, rule] = httpRefusals[code]
    super({ ...grounds, code, rule })
    this.status = status
  }
}
