/** Which kind of token a JWT is, by its type and its claims. Nothing is verified. https://www.rfc-editor.org/rfc/rfc8725#section-3.11 */
import type { TokenKind } from '../../auth/claim_meanings.ts'
import { hasType, isMarkedAccessToken } from '../../auth/jwt_type.ts'
import type { Rule } from '../../auth/rule.ts'
import type { Json } from './pasted.ts'

interface KindOfToken {
  title: string
  /** For what it is, and where it must be refused. */
  about: string
  /** Claims that it must have. */
  required: readonly string[]
  /** The media type of its header, in lower case; without one any is well. */
  typ?: string
  rule: Rule
}

export const kinds: Readonly<Record<TokenKind, KindOfToken>> = {
  id_token: {
    title: 'ID Token',
    about: 'It tells one client which End-User signed in. No API may accept it.',
    required: ['iss', 'sub', 'aud', 'exp', 'iat'],
    rule: 'OpenID Connect Core §2',
  },
  access_token: {
    title: 'Access token (JWT)',
    about: 'It opens an API. For the client it is an opaque text.',
    required: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
    typ: 'at+jwt',
    rule: 'RFC 9068 §2.2',
  },
  logout_token: {
    title: 'Logout token',
    about: 'It tells a client that a session ended. It signs no End-User in.',
    required: ['iss', 'aud', 'iat', 'exp', 'jti', 'events'],
    typ: 'logout+jwt',
    rule: 'OpenID Connect Back-Channel Logout §2.4',
  },
  userinfo: {
    title: 'Signed answer of the userinfo endpoint',
    about: 'It tells one client claims about the End-User. It opens nothing.',
    required: ['iss', 'aud', 'sub'],
    rule: 'OpenID Connect Core §5.3.2',
  },
  introspection: {
    title: 'Signed answer of the introspection endpoint',
    about: 'It tells one API what a token is. It is no token itself.',
    required: ['iss', 'aud', 'iat', 'token_introspection'],
    typ: 'token-introspection+jwt',
    rule: 'RFC 9701 §5',
  },
  authorization_response: {
    title: 'Signed authorization response (JARM)',
    about: 'It brings the code or the error to one client.',
    required: ['iss', 'aud', 'exp'],
    rule: 'JARM §2.1',
  },
  dpop_proof: {
    title: 'DPoP proof',
    about: 'It proves for one request that the client holds a key. It is no token by itself.',
    required: ['jti', 'htm', 'htu', 'iat'],
    typ: 'dpop+jwt',
    rule: 'RFC 9449 §4.2',
  },
  client_assertion: {
    title: 'Client assertion',
    about: 'A client authenticates with it at the provider, once.',
    required: ['iss', 'sub', 'aud', 'exp', 'jti'],
    rule: 'RFC 7523 §3',
  },
  request_object: {
    title: 'Request object',
    about: 'It has the parameters of a request, signed by the client.',
    required: ['client_id'],
    rule: 'RFC 9101 §4',
  },
}

/** A type that says what the token is; `JWT` and none say nothing. */
const byType: readonly (readonly [types: readonly string[], kind: TokenKind])[] = [
  [['at+jwt'], 'access_token'],
  [['logout+jwt'], 'logout_token'],
  [['dpop+jwt'], 'dpop_proof'],
  [['token-introspection+jwt'], 'introspection'],
  [['oauth-authz-req+jwt'], 'request_object'],
  [['client-authentication+jwt'], 'client_assertion'],
]

const has = (claims: Json, ...names: readonly string[]): boolean =>
  names.some((name) => Object.hasOwn(claims, name))

/** Tried in this order where the type says nothing. */
const byClaims: readonly (readonly [fits: (claims: Json) => boolean, kind: TokenKind])[] = [
  [isMarkedAccessToken, 'access_token'],
  [(claims) => has(claims, 'events'), 'logout_token'],
  [(claims) => has(claims, 'htm', 'htu'), 'dpop_proof'],
  [(claims) => has(claims, 'token_introspection'), 'introspection'],
  [(claims) => has(claims, 'redirect_uri', 'response_type', 'code_challenge'), 'request_object'],
  [(claims) => has(claims, 'code', 'error', 'access_token') && !has(claims, 'sub'), 'authorization_response'],
  [(claims) => has(claims, 'sub') && claims.sub === claims.iss, 'client_assertion'],
  [
    (claims) => has(claims, 'nonce', 'at_hash', 'c_hash', 'auth_time', 'sid', 'azp') && !has(claims, 'scope'),
    'id_token',
  ],
  [(claims) => has(claims, 'scope', 'client_id'), 'access_token'],
  [(claims) => !has(claims, 'exp'), 'userinfo'],
]

export function kindOfJwt(header: Json, claims: Json): TokenKind {
  const said =
    typeof header.typ === 'string' ? byType.find(([types]) => hasType(header.typ, types)) : undefined
  return said?.[1] ?? byClaims.find(([fits]) => fits(claims))?.[1] ?? 'id_token'
}
