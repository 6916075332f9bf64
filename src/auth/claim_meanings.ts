/** What each header member and claim of a token means: one sentence, and the rule that defines it. https://www.rfc-editor.org/rfc/rfc7519#section-4 */
import { isLanguageTag } from './claims.ts'
import { type Meaning, type Meanings, parameterMeanings, readMeaning } from './parameter_meanings.ts'

/** The kinds of JWT that this provider makes or takes. */
export type TokenKind =
  | 'id_token'
  | 'access_token'
  | 'logout_token'
  | 'userinfo'
  | 'introspection'
  | 'authorization_response'
  | 'dpop_proof'
  | 'client_assertion'
  | 'request_object'

/** JOSE header parameters of JWS and JWE. */
const header: Meanings = {
  alg: ['The algorithm of the signature, or of the encryption of the key.', 'RFC 7515 §4.1.1'],
  typ: [
    'The media type of the whole token. It keeps one kind of token from passing as another.',
    'RFC 8725 §3.11',
  ],
  kid: ['The name of the key, by which the receiver finds it in the JWK Set.', 'RFC 7515 §4.1.4'],
  cty: ['The media type of the content. JWT means that another JWT is inside.', 'RFC 7519 §5.2'],
  jwk: [
    'The public key itself. It proves nothing unless the receiver knows the key by other means.',
    'RFC 7515 §4.1.3',
  ],
  jku: ['A URL of a JWK Set. A receiver that follows it lets the sender choose the key.', 'RFC 7515 §4.1.2'],
  x5u: [
    'A URL of a certificate. A receiver that follows it lets the sender choose the key.',
    'RFC 7515 §4.1.5',
  ],
  x5c: ['The certificate of the key with its chain.', 'RFC 7515 §4.1.6'],
  x5t: ['The SHA-1 thumbprint of the certificate of the key.', 'RFC 7515 §4.1.7'],
  'x5t#S256': ['The SHA-256 thumbprint of the certificate of the key.', 'RFC 7515 §4.1.8'],
  crit: [
    'Header members that the receiver must understand; otherwise it refuses the token.',
    'RFC 7515 §4.1.11',
  ],
  b64: ['Whether the payload is encoded as base64url. A JWT is always encoded.', 'RFC 7797 §3'],
  enc: ['The algorithm that encrypts the content.', 'RFC 7516 §4.1.2'],
  zip: [
    'The compression of the content before its encryption. A small token can become very large.',
    'RFC 7516 §4.1.3',
  ],
  epk: ['The ephemeral public key of the sender, for the agreement on a key.', 'RFC 7518 §4.6.1.1'],
  apu: ['What the sender adds to the agreement on a key.', 'RFC 7518 §4.6.1.2'],
  apv: ['What the receiver adds to the agreement on a key.', 'RFC 7518 §4.6.1.3'],
  iv: ['The initialization vector of the encryption of the key.', 'RFC 7518 §4.7.1.1'],
  tag: ['The authentication tag of the encryption of the key.', 'RFC 7518 §4.7.1.2'],
  p2s: ['The salt of a key that is derived from a password.', 'RFC 7518 §4.8.1.1'],
  p2c: [
    'The number of rounds of a key that is derived from a password. The sender chooses the cost.',
    'RFC 7518 §4.8.1.2',
  ],
}

/** Claims about the token itself. */
const ofToken: Meanings = {
  iss: ['The issuer: the party that made and signed the token.', 'RFC 7519 §4.1.1'],
  sub: [
    'The subject: the End-User or the client that the token is about, unique at the issuer.',
    'RFC 7519 §4.1.2',
  ],
  aud: [
    'The audience: the recipients. A recipient that is not named must refuse the token.',
    'RFC 7519 §4.1.3',
  ],
  exp: ['The time at which the token stops being valid.', 'RFC 7519 §4.1.4'],
  nbf: ['The time before which the token is not valid.', 'RFC 7519 §4.1.5'],
  iat: ['The time at which the token was made.', 'RFC 7519 §4.1.6'],
  jti: ['The identifier of the token. A recipient notices by it that a token came twice.', 'RFC 7519 §4.1.7'],
  cnf: ['The key that the presenter of the token must prove to hold.', 'RFC 7800 §3.1'],
  client_id: ['The client that requested the token.', 'RFC 8693 §4.3'],
  scope: ['The scope values that were granted, separated by spaces.', 'RFC 8693 §4.2'],
  act: ['The party that acts for the subject. A chain of parties is nested.', 'RFC 8693 §4.1'],
  may_act: ['The party that may become the actor for the subject.', 'RFC 8693 §4.4'],
  authorization_details: [
    'What exactly was authorized, where scope values are not precise enough.',
    'RFC 9396 §9.1',
  ],
  events: ['What happened, as names of events.', 'RFC 8417 §2.2'],
  token_introspection: ['The answer of the introspection endpoint about one token.', 'RFC 9701 §5'],
  active: ['Whether the token is valid now.', 'RFC 7662 §2.2'],
  token_type: ['How the token is presented, for example Bearer or DPoP.', 'RFC 7662 §2.2'],
  username: ['The name by which the End-User signs in.', 'RFC 7662 §2.2'],
  grant_id: [
    'Of this provider: the authorization that the token belongs to. When it ends, the token ends.',
    'RFC 7519 §4.3',
  ],
  htm: ['The HTTP method of the request that the proof is for.', 'RFC 9449 §4.2'],
  htu: ['The URL of the request that the proof is for, without query and fragment.', 'RFC 9449 §4.2'],
  ath: ['The SHA-256 of the access token that is sent with the proof.', 'RFC 9449 §4.2'],
  token_use: [
    'Of this provider: access marks an access token whose typ is JWT, so that it is no ID Token.',
    'RFC 7519 §4.3',
  ],
}

/** Claims about the sign-in, and those that tie an ID Token to the other parts of the answer. */
const ofSignIn: Meanings = {
  nonce: [
    'The value that the client sent in its request. It ties the answer to that request.',
    'OpenID Connect Core §2',
  ],
  auth_time: ['The time at which the End-User signed in.', 'OpenID Connect Core §2'],
  acr: ['The level of the sign-in, by the names of the provider.', 'OpenID Connect Core §2'],
  amr: ['The methods of the sign-in, for example pwd and otp.', 'RFC 8176 §2'],
  azp: [
    'The client to which the token was issued, where the audience does not tell.',
    'OpenID Connect Core §2',
  ],
  sid: [
    'The session of the End-User at the provider, as this client knows it.',
    'OpenID Connect Back-Channel Logout §2.1',
  ],
  at_hash: [
    'The left half of the hash of the access token that came with this token.',
    'OpenID Connect Core §3.1.3.6',
  ],
  c_hash: [
    'The left half of the hash of the code that came with this token.',
    'OpenID Connect Core §3.3.2.11',
  ],
  s_hash: ['The left half of the hash of the state that came with this token.', 'FAPI 1.0 Advanced §5.1.1'],
  'urn:openid:params:jwt:claim:auth_req_id': [
    'The CIBA request that this token answers.',
    'OpenID Connect CIBA §10.3.1',
  ],
  'urn:openid:params:jwt:claim:rt_hash': [
    'The left half of the hash of the refresh token that came with this token.',
    'OpenID Connect CIBA §10.3.1',
  ],
}

/** Claims about the End-User. */
const ofPerson: Meanings = {
  name: ['The full name.', 'OpenID Connect Core §5.1'],
  given_name: ['The given name or names.', 'OpenID Connect Core §5.1'],
  family_name: ['The family name or names.', 'OpenID Connect Core §5.1'],
  middle_name: ['The middle name or names.', 'OpenID Connect Core §5.1'],
  nickname: ['The casual name.', 'OpenID Connect Core §5.1'],
  preferred_username: [
    'The name that the End-User prefers. It may change, so it identifies no account.',
    'OpenID Connect Core §5.7',
  ],
  profile: ['The URL of the profile page.', 'OpenID Connect Core §5.1'],
  picture: ['The URL of the picture.', 'OpenID Connect Core §5.1'],
  website: ['The URL of the website.', 'OpenID Connect Core §5.1'],
  gender: ['The gender.', 'OpenID Connect Core §5.1'],
  birthdate: [
    'The day of birth as YYYY-MM-DD, YYYY alone, or with 0000 as the year.',
    'OpenID Connect Core §5.1',
  ],
  zoneinfo: ['The time zone, for example Europe/Lisbon.', 'OpenID Connect Core §5.1'],
  locale: ['The language and region, for example de-AT.', 'OpenID Connect Core §5.1'],
  updated_at: ['The time of the last change of these claims.', 'OpenID Connect Core §5.1'],
  email: [
    'The email address. It may move to another End-User, so it identifies no account.',
    'OpenID Connect Core §5.7',
  ],
  email_verified: [
    'Whether the provider has verified that the End-User controls the email address.',
    'OpenID Connect Core §5.1',
  ],
  phone_number: ['The telephone number, in the format of E.164.', 'OpenID Connect Core §5.1'],
  phone_number_verified: [
    'Whether the provider has verified that the End-User controls the telephone number.',
    'OpenID Connect Core §5.1',
  ],
  address: ['The postal address.', 'OpenID Connect Core §5.1.1'],
  groups: ['The groups of the End-User.', 'RFC 9068 §2.2.3.1'],
  roles: ['The roles of the End-User.', 'RFC 9068 §2.2.3.1'],
  entitlements: ['What the End-User is entitled to.', 'RFC 9068 §2.2.3.1'],
}

const claims: Meanings = { ...parameterMeanings, ...ofPerson, ...ofSignIn, ...ofToken }

/** Claims that mean something of their own in one kind of token. */
const ofKind: Readonly<Partial<Record<TokenKind, Meanings>>> = {
  id_token: {
    aud: [
      'The client that the token is for. An API is never the audience of an ID Token.',
      'OpenID Connect Core §2',
    ],
    sub: ['The End-User, as this client knows them.', 'OpenID Connect Core §2'],
  },
  access_token: {
    aud: ['The API that the token is for. Another API must refuse it.', 'RFC 9068 §2.2'],
    sub: ['The End-User that authorized the client, or the client itself.', 'RFC 9068 §2.2'],
    auth_time: ['The time at which the End-User signed in.', 'RFC 9068 §2.2.1'],
    acr: ['The level of the sign-in, by the names of the provider.', 'RFC 9068 §2.2.1'],
  },
  logout_token: {
    aud: ['The client that must end its session.', 'OpenID Connect Back-Channel Logout §2.4'],
    sid: ['The session that ended.', 'OpenID Connect Back-Channel Logout §2.4'],
    events: [
      'That this is a logout: the name of that event, and nothing else.',
      'OpenID Connect Back-Channel Logout §2.4',
    ],
  },
  dpop_proof: {
    nonce: ['The value that the server gave for this proof, against proofs made in advance.', 'RFC 9449 §8'],
    jti: ['The identifier of the proof. A server accepts it once.', 'RFC 9449 §4.2'],
  },
  client_assertion: {
    iss: ['The client that authenticates.', 'RFC 7523 §3'],
    sub: ['The client that authenticates, the same as iss.', 'RFC 7523 §3'],
    aud: ['The provider that the assertion is for.', 'RFC 7523 §3'],
    jti: ['The identifier of the assertion. The provider accepts it once.', 'RFC 7523 §3'],
  },
  request_object: {
    iss: ['The client that made the request.', 'RFC 9101 §4'],
    aud: ['The provider that the request is for.', 'RFC 9101 §4'],
    nonce: ['The value that the ID Token must repeat.', 'OpenID Connect Core §3.1.2.1'],
  },
  authorization_response: {
    aud: ['The client that the answer is for.', 'JARM §2.1'],
    iss: ['The provider that answers. A client compares it with the provider that it asked.', 'JARM §2.1'],
  },
}

/** The meaning of a header parameter; undefined for one that no specification here defines. */
export const headerMeaning = (name: string): Meaning | undefined => readMeaning(header, name)

/** The meaning of a claim in a token of this kind; undefined for one that no specification here defines. */
export function claimMeaning(name: string, kind?: TokenKind): Meaning | undefined {
  const [base = '', tag, ...more] = name.split('#')
  if (tag === undefined) return readMeaning((kind && ofKind[kind]) ?? {}, name) ?? readMeaning(claims, name)
  const about = more.length === 0 && isLanguageTag(tag) ? readMeaning(ofPerson, base)?.about : undefined
  return about === undefined ? undefined : { about: `${about} In ${tag}.`, rule: 'OpenID Connect Core §5.2' }
}
