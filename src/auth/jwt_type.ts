/** What kind of JWT the header `typ` declares: a media type. https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9, RFC 8725 §3.11 */

/** Media types are compared without regard to case, and `application/` may be left out. */
const nameOf = (typ: string): string => typ.toLowerCase().replace(/^application\/(?=[^/]*$)/, '')

/** Whether `typ` is absent or one of `types`, which are written in lower case and without `application/`. */
export const hasType = (typ: unknown, types: readonly string[]): boolean =>
  typ === undefined || (typeof typ === 'string' && types.includes(nameOf(typ)))

/** `typ` of JWT access tokens: RFC 9068 §2.1, or the one of APIs that know no other. */
export const accessTokenTypes = ['at+jwt', 'JWT'] as const

/** In access tokens of `typ` JWT, and in no other JWT of this provider: it tells them from ID Tokens. */
export const accessTokenMark = { token_use: 'access' } as const

export const isMarkedAccessToken = (claims: Readonly<Record<string, unknown>>): boolean =>
  claims.token_use === accessTokenMark.token_use

/** The authentication of a client (RFC 7523bis §4), or a JWT that does not say what it is. */
export const clientAuthenticationTypes = ['client-authentication+jwt', 'jwt']

/** An authorization request (RFC 9101 §4), or a JWT that does not say what it is. */
export const requestTypes = ['oauth-authz-req+jwt', 'jwt']
