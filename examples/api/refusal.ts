/** What an API says to a request without a good token. https://www.rfc-editor.org/rfc/rfc6750#section-3 */

/** Who a token is about, for whom it is, what it allows, and how and when the person signed in (seconds). */
export interface Claims {
  sub: string
  client_id: string
  scope: string
  auth_time?: number | undefined
  acr?: string | undefined
}

/** Throws `Refused` when the token is not good. */
export type Verify = (token: string) => Promise<Claims>

export class Refused extends Error {
  readonly status: 401 | 403
  readonly code: 'invalid_token' | 'insufficient_scope' | 'insufficient_user_authentication' | undefined
  /** What would do: `scope` (RFC 6750 §3), `acr_values` and `max_age` (RFC 9470 §3). */
  readonly wanted: Record<string, string>

  constructor(status: 401 | 403, code?: Refused['code'], wanted: Record<string, string> = {}) {
    super(code ?? 'no token')
    this.status = status
    this.code = code
    this.wanted = wanted
  }
}

export function refusal({ status, code, wanted }: Refused): Response {
  const parameters = Object.entries({ ...(code && { error: code }), ...wanted })
  const parts = parameters.map(([name, value]) => `${name}="${value}"`)
  return Response.json(
    { error: code ?? 'unauthorized' },
    { status, headers: { 'www-authenticate': ['Bearer', parts.join(', ')].join(' ').trim() } },
  )
}
