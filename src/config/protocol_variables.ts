/** Variables of the protocol: keys, tokens, sessions, limits, registration. */
import type { Sections } from './entry.ts'
import * as is from './schemas.ts'

const year = 31_536_000

export const protocolSections = {
  'Signing keys': [
    {
      name: 'KEYS_PATH',
      schema: is.path,
      default: 'keys',
      help: 'Folder of signing keys beside the memory store; every other store holds them itself.',
    },
    {
      name: 'PRIVATE_KEY_PATH',
      schema: is.path,
      computed: { development: '`private.pem` in `KEYS_PATH`' },
      help: 'An RSA private key (PEM) of your own to sign with.',
    },
    {
      name: 'PUBLIC_KEY_PATH',
      schema: is.path,
      computed: { development: '`public.pem` in `KEYS_PATH`' },
      help: 'The public half (PEM) of that key.',
    },
    {
      name: 'KEY_ACTIVATION_DELAY',
      schema: is.seconds(0, year),
      default: '600',
      help: 'How long a new key is published before it signs.',
    },
    {
      name: 'JWKS_MAX_AGE',
      schema: is.seconds(0, year),
      default: '300',
      help: 'How long others may cache the JWKS and the metadata. At most KEY_ACTIVATION_DELAY.',
    },
  ],
  Tokens: [
    {
      name: 'REQUIRE_PKCE',
      schema: is.boolean,
      default: 'true',
      profiles: { classic: 'false' },
      help: 'PKCE for every client; public ones need it always. An operator may exempt a client.',
    },
    {
      name: 'CLIENT_AUTH_METHODS',
      schema: is.words,
      default: '',
      profiles: { fapi2: 'private_key_jwt tls_client_auth self_signed_tls_client_auth' },
      help: 'How clients may authenticate (token_endpoint_auth_method). Empty: in every way offered.',
    },
    {
      name: 'CLIENT_ASSERTION_AUDIENCE',
      schema: is.oneOf('issuer', 'endpoint'),
      default: 'issuer',
      profiles: { classic: 'endpoint' },
      help: 'What `aud` of a client assertion may name: the issuer alone, or also the endpoint that it is sent to and the token endpoint (OpenID Connect Core §9).',
    },
    {
      name: 'SIGNING_ALGS',
      schema: is.someOf('RS256', 'PS256', 'ES256', 'EdDSA'),
      default: 'RS256 PS256 ES256 EdDSA',
      profiles: { fapi2: 'PS256 ES256 EdDSA' },
      help: 'Signature algorithms that tokens, assertions and requests may use.',
    },
    {
      name: 'ACCESS_TOKEN_ALG',
      schema: is.oneOf('RS256', 'PS256', 'ES256', 'EdDSA'),
      default: 'RS256',
      profiles: { fapi2: 'PS256' },
      help: 'Signature of JWT access tokens.',
    },
    {
      name: 'ACCESS_TOKEN_FORMAT',
      schema: is.oneOf('jwt', 'opaque'),
      default: 'jwt',
      help: 'Access tokens an API checks by itself (RFC 9068), or asks us about (RFC 7662). A client may differ.',
    },
    {
      name: 'ACCESS_TOKEN_AUDIENCE',
      schema: is.audience,
      computed: '`ISSUER_URL`',
      help: '`aud` of JWT access tokens.',
    },
    {
      name: 'ACCESS_TOKEN_TTL',
      schema: is.seconds(1, 86_400),
      default: '3600',
      help: 'Lifetime of an access token.',
    },
    {
      name: 'ID_TOKEN_TTL',
      schema: is.seconds(1, 86_400),
      default: '3600',
      help: 'Lifetime of an ID Token.',
    },
    {
      name: 'AUTHORIZATION_CODE_TTL',
      schema: is.seconds(1, 600),
      default: '60',
      help: 'Lifetime of an authorization code (RFC 6749 §4.1.2 allows ten minutes).',
    },
    {
      name: 'REFRESH_TOKEN_TTL',
      schema: is.seconds(1, 10 * year),
      default: '2592000',
      help: 'Lifetime of a grant with refresh tokens, from its start, however often it is refreshed.',
    },
    {
      name: 'REFRESH_TOKEN_ROTATION',
      schema: is.boolean,
      default: 'true',
      profiles: { fapi2: 'false' },
      help: 'A new refresh token at each use. Without it, tokens must be bound to the client (FAPI 2.0 §5.3.2.1).',
    },
    {
      name: 'REFRESH_TOKEN_GRACE',
      schema: is.seconds(0, 60),
      default: '5',
      help: 'How long an honest retry of a refresh gets the same answer; later it counts as theft.',
    },
  ],
  Sessions: [
    {
      name: 'SESSION_IDLE_TTL',
      schema: is.seconds(60, 10 * year),
      default: '86400',
      help: 'A session unused this long ends.',
    },
    {
      name: 'SESSION_TTL',
      schema: is.seconds(60, 10 * year),
      default: '604800',
      help: 'A session ends this long after sign-in.',
    },
    {
      name: 'GEOIP_DATABASE_PATH',
      schema: is.path,
      help: 'A MaxMind database (.mmdb, city or country) that says roughly where sign-ins come from. None: no places are shown.',
    },
    {
      name: 'INTERACTION_TTL',
      schema: is.seconds(60, 86_400),
      default: '3600',
      help: 'How long the sign-in and consent pages of one request stay good.',
    },
    {
      name: 'CONSENT_TTL',
      schema: is.seconds(0, 10 * year),
      default: `${year}`,
      help: 'How long consent is remembered; 0 asks every time.',
    },
  ],
  'Sign-in and limits': [
    {
      name: 'RATE_LIMITING_ENABLED',
      schema: is.boolean,
      default: { development: 'false', production: 'true' },
      help: 'Limits requests by address.',
    },
    {
      name: 'RATE_LIMIT_PER_MINUTE',
      schema: is.integer(1, 10_000_000),
      default: '600',
      help: 'Requests a minute, by address.',
    },
    {
      name: 'SIGN_IN_CONCURRENCY',
      schema: is.integer(1, 1024),
      computed: 'one less than the processors, at least 1',
      help: 'Passwords checked at the same time.',
    },
    {
      name: 'SIGN_IN_QUEUE',
      schema: is.integer(0, 1_000_000),
      default: '200',
      help: 'Sign-ins that may wait for their turn; beyond it the answer is 503.',
    },
    {
      name: 'SIGN_IN_ATTEMPTS_PER_ACCOUNT',
      schema: is.integer(1, 1_000_000),
      default: '10',
      help: 'Failed sign-ins in one window, by account.',
    },
    {
      name: 'SIGN_IN_ATTEMPTS_PER_ADDRESS',
      schema: is.integer(1, 1_000_000),
      default: '100',
      help: 'Failed sign-ins in one window, by address.',
    },
    {
      name: 'SIGN_IN_WINDOW',
      schema: is.seconds(1, 86_400),
      default: '900',
      help: 'The window of those two counts.',
    },
    {
      name: 'SECOND_FACTORS',
      schema: is.someOf('totp', 'passkey', 'sms', 'email', 'recovery'),
      default: 'totp passkey recovery',
      help: 'What may prove a person beside the password. A mailed code (email) is no factor by NIST SP 800-63B: it is asked for, and acr does not rise.',
    },
  ],
  'Scopes and registration': [
    {
      name: 'SCOPES',
      schema: is.words,
      default: '',
      help: 'Scopes of your own APIs, besides those of OpenID Connect.',
    },
    {
      name: 'UNKNOWN_SCOPES',
      schema: is.oneOf('refuse', 'ignore'),
      default: 'refuse',
      profiles: { classic: 'ignore' },
      help: 'A request for a scope that nobody here knows: invalid_scope (RFC 6749 §3.3), or the rest is granted (OpenID Connect Core §3.1.2.1).',
    },
    {
      name: 'REGISTRATION',
      schema: is.oneOf('open', 'closed', 'token'),
      default: { development: 'open', production: 'closed' },
      profiles: { mcp: 'open' },
      help: 'Who may register a client (RFC 7591): anyone, nobody, or whoever holds an initial access token.',
    },
    {
      name: 'REGISTRATION_INITIAL_ACCESS_TOKEN',
      schema: is.bearer(32),
      secret: true,
      help: 'An initial access token, with REGISTRATION=token; `latchkey client token add` makes others, each with limits of its own.',
    },
    {
      name: 'REGISTRATION_ALLOWED_SCOPES',
      schema: is.words,
      default: 'openid profile email address phone offline_access',
      help: 'Scopes a registered client may have.',
    },
    {
      name: 'REGISTRATION_ALLOWED_GRANT_TYPES',
      schema: is.words,
      default: 'authorization_code refresh_token',
      profiles: {
        classic:
          'authorization_code refresh_token implicit client_credentials urn:ietf:params:oauth:grant-type:device_code',
      },
      help: 'Grant types a registered client may have.',
    },
  ],
} as const satisfies Sections
