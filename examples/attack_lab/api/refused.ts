/** What the API says to a request without a good token. https://www.rfc-editor.org/rfc/rfc6750#section-3 */

export class Refused extends Error {
  /** The check that failed, such as `aud`. */
  readonly because: string
  readonly status: 401 | 403

  constructor(because: string, message: string, status: 401 | 403 = 401) {
    super(message)
    this.because = because
    this.status = status
  }
}

export function refusal({ status, message }: Refused): Response {
  const error = status === 403 ? 'insufficient_scope' : 'invalid_token'
  return Response.json(
    { error, error_description: message },
    { status, headers: { 'www-authenticate': `Bearer error="${error}"` } },
  )
}
