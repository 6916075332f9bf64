/** What an API says to a request without a good token. https://www.rfc-editor.org/rfc/rfc6750#section-3 */

export type Code =
  | 'invalid_token'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'

export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: 401 | 403
  readonly code: Code | undefined
  /** What would do: `scope` (RFC 6750 §3), `acr_values` and `max_age` (RFC 9470 §3). */
  readonly wanted: Readonly<Record<string, string>>

  /** `why` is for the log. The client learns the code alone, so that an attacker does not learn which check failed. */
  constructor(status: 401 | 403, code?: Code, why = 'no token', wanted: Record<string, string> = {}) {
    super(why)
    this.status = status
    this.code = code
    this.wanted = wanted
  }
}

/** Where a client finds what it needs for a good token. */
export interface Terms {
  /** https://www.rfc-editor.org/rfc/rfc9728#section-5.1 */
  resourceMetadata: string
  /** Algorithms for proofs. https://www.rfc-editor.org/rfc/rfc9449#section-7.1 */
  algs: readonly string[]
  nonce(): string
}

const aboutProof: readonly (Code | undefined)[] = ['invalid_dpop_proof', 'use_dpop_nonce']

/** One challenge for each scheme that a token may come with; for a fault of a proof that of DPoP alone. */
export function refusal({ status, code, wanted }: Refused, terms: Terms): Response {
  const parameters = { ...(code && { error: code }), ...wanted, resource_metadata: terms.resourceMetadata }
  const challenge = (scheme: string, more: Record<string, string>) =>
    `${scheme} ${Object.entries({ ...parameters, ...more })
      .map(([name, value]) => `${name}="${value}"`)
      .join(', ')}`
  const headers = new Headers({ 'dpop-nonce': terms.nonce(), 'cache-control': 'no-store' })
  if (!aboutProof.includes(code)) headers.append('www-authenticate', challenge('Bearer', {}))
  headers.append('www-authenticate', challenge('DPoP', { algs: terms.algs.join(' ') }))
  return Response.json({ error: code ?? 'unauthorized' }, { status, headers })
}
