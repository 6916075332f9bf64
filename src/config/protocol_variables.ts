/** Variables of the protocol: keys, tokens, sessions, registration. */
import type { Sections } from './entry.ts'
import { limitSections } from './limit_variables.ts'
import * as is from './schemas.ts'

const year = 31_536_000

export const protocolSections = {
  'Signing keys': [
    {
      name: 'KEYS_PATH',
      schema: is.path,
      default: 'keys',
      help: 'Folder of signing keys, with the memory store. Every other store keeps the keys itself.',
    },
    {
      name: 'PRIVATE_KEY_PATH',
      schema: is.path,
      computed: { development: '`private.pem` in `KEYS_PATH`' },
      help: 'An RSA private key (PEM) of your own to sign with: for RS256, or for PS256 if SIGNING_ALGS lacks RS256.',
    },
    {
      name: 'PUBLIC_KEY_PATH',
      schema: is.path,
      computed: { development: '`public.pem` in `KEYS_PATH`' },
      help: 'The public key (PEM) that belongs to it.',
    },
    {
      name: 'RSA_KEY_SIZE',
      schema: is.oneOf('2048', '3072', '4096'),
      default: '2048',
      help: 'Bits of a new RSA key. A larger key takes effect with the next rotation; a signature of 4096 bits costs about six times the CPU time of one of 2048.',
    },
    {
      name: 'KEY_ACTIVATION_DELAY',
      schema: is.seconds(0, year),
      default: '600',
      help: 'How long a new key is published before it signs.',
    },
    {
      name: 'KEY_ROTATION_INTERVAL',
      schema: is.seconds(0, 10 * year),
      default: { development: '0', production: '7776000' },
      help: 'Age at which a signing or encryption key gets a successor by itself; 0: only latchkey keys rotate makes one. More than KEY_ACTIVATION_DELAY and JWKS_MAX_AGE together. A key of PRIVATE_KEY_PATH stays until you replace it.',
    },
    {
      name: 'SIGNING_KEY_SOURCES',
      schema: is.keySources,
      default: '',
      help: 'Signing keys that stay at a service, by algorithm: `vault-transit:MOUNT/KEY`, `awskms:ARN`, `awskms:alias/NAME` or a `pkcs11:` URI (RFC 7512) with `module-path`. Keys of other algorithms are made here.',
    },
    {
      name: 'PKCS11_PIN',
      schema: is.text,
      secret: true,
      help: 'The PIN of the user of the token that a `pkcs11:` URI names.',
    },
    {
      name: 'JWKS_MAX_AGE',
      schema: is.seconds(0, year),
      default: '300',
      help: 'How long clients may cache the JWKS and the metadata. At most KEY_ACTIVATION_DELAY less 5 seconds, in which other instances learn of a new key.',
    },
  ],
  Tokens: [
    {
      name: 'REQUIRE_PKCE',
      schema: is.boolean,
      default: 'true',
      profiles: { classic: 'false' },
      help: 'Requires PKCE of every client; public clients always need it. An operator may exempt a confidential client.',
    },
    {
      name: 'CLIENT_AUTH_METHODS',
      schema: is.words,
      default: '',
      profiles: { fapi2: 'private_key_jwt tls_client_auth self_signed_tls_client_auth' },
      help: 'Methods by which clients may authenticate (token_endpoint_auth_method). Empty: every method that is available.',
    },
    {
      name: 'CLIENT_ASSERTION_AUDIENCE',
      schema: is.oneOf('issuer', 'endpoint'),
      default: 'issuer',
      profiles: { classic: 'endpoint' },
      help: 'What `aud` of a client assertion may name: only the issuer, or also the requested endpoint and the token endpoint (OpenID Connect Core §9).',
    },
    {
      name: 'SIGNING_ALGS',
      schema: is.someOf('RS256', 'PS256', 'ES256', 'EdDSA'),
      default: 'RS256 PS256 ES256 EdDSA',
      profiles: { fapi2: 'PS256 ES256 EdDSA' },
      help: 'Signature algorithms that tokens, assertions and requests may use. The provider has a signing key for each, and for no other.',
    },
    {
      name: 'ACCESS_TOKEN_ALG',
      schema: is.oneOf('RS256', 'PS256', 'ES256', 'EdDSA'),
      default: 'RS256',
      profiles: { fapi2: 'PS256' },
      help: 'Signature algorithm of JWT access tokens.',
    },
    {
      name: 'ACCESS_TOKEN_FORMAT',
      schema: is.oneOf('jwt', 'opaque'),
      default: 'jwt',
      help: 'jwt: an API verifies access tokens by itself (RFC 9068). opaque: it asks the provider (RFC 7662). A client may have a format of its own.',
    },
    {
      name: 'ACCESS_TOKEN_TYP',
      schema: is.oneOf('at+jwt', 'JWT'),
      default: 'at+jwt',
      help: '`typ` of JWT access tokens. JWT is for APIs that refuse at+jwt (RFC 9068 §2.1), such as a Spring resource server with its defaults. Such a token has the claim `token_use` `access`; a token for a client by token exchange keeps at+jwt. A client may have a type of its own.',
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
      name: 'ID_TOKEN_CLAIMS',
      schema: is.oneOf('by_client', 'every_client'),
      default: 'by_client',
      profiles: { classic: 'every_client' },
      help: 'Which ID Tokens of the token endpoint have the claims of the granted scopes, beside userinfo. by_client: those of clients with the metadata include_claims_in_id_token, which latchkey client add sets. every_client: also those of clients without the metadata. ID Tokens in a redirect have them only where no access token is issued (OpenID Connect Core §5.4).',
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
      help: 'Lifetime of a grant with refresh tokens, from its start. A refresh does not extend it.',
    },
    {
      name: 'REFRESH_TOKEN_ROTATION',
      schema: is.boolean,
      default: 'true',
      profiles: { fapi2: 'false' },
      help: 'Issues a new refresh token at each use. If it is off, tokens must be bound to the client (FAPI 2.0 §5.3.2.1).',
    },
    {
      name: 'REFRESH_TOKEN_GRACE',
      schema: is.seconds(0, 60),
      default: '5',
      help: 'How long a repeated refresh gets the same answer as the first. Later it counts as theft.',
    },
  ],
  Sessions: [
    {
      name: 'SESSION_IDLE_TTL',
      schema: is.seconds(60, 10 * year),
      default: '86400',
      help: 'A session that is unused for this long ends.',
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
      help: 'A MaxMind database (.mmdb, city or country) that gives the rough place of sign-ins. Unset: no places are shown.',
    },
    {
      name: 'INTERACTION_TTL',
      schema: is.seconds(60, 86_400),
      default: '3600',
      help: 'How long the sign-in and consent pages of one authorization request stay valid.',
    },
    {
      name: 'CONSENT_TTL',
      schema: is.seconds(0, 10 * year),
      default: `${year}`,
      help: 'How long consent is remembered. 0: the consent page is always shown.',
    },
  ],
  ...limitSections,
  'Scopes and registration': [
    {
      name: 'UNKNOWN_ACR_VALUES',
      schema: is.oneOf('refuse', 'ignore'),
      default: 'refuse',
      profiles: { classic: 'ignore' },
      help: 'What happens to a request whose `acr_values` are all unknown here. refuse: unmet_authentication_requirements (RFC 9470 §5). ignore: the answer has the level that was reached (OpenID Connect Core §15.1).',
    },
    {
      name: 'SCOPES',
      schema: is.words,
      default: '',
      help: 'Scopes of your own APIs, in addition to those of OpenID Connect.',
    },
    {
      name: 'EDITABLE_ATTRIBUTES',
      schema: is.editableAttributes,
      default: '',
      help: 'Attributes that End-Users may change on their profile page, as text. All others are set with `latchkey user set`. None that CUSTOM_SCOPES returns as roles, groups, entitlements or permissions.',
    },
    {
      name: 'UNKNOWN_SCOPES',
      schema: is.oneOf('refuse', 'ignore'),
      default: 'refuse',
      profiles: { classic: 'ignore', mcp: 'ignore' },
      help: 'What happens to a request with an unknown scope. refuse: invalid_scope (RFC 6749 §3.3). ignore: the other scopes are granted (OpenID Connect Core §3.1.2.1), and a client that registers itself gets the scopes that it may have. latchkey client add and set refuse unknown scopes in any case.',
    },
    {
      name: 'REGISTRATION',
      schema: is.oneOf('open', 'closed', 'token'),
      default: { development: 'open', production: 'closed' },
      profiles: { mcp: 'open' },
      help: 'Who may register a client (RFC 7591). open: every caller. closed: only the operator. token: also the holder of an initial access token.',
    },
    {
      name: 'REGISTRATION_INITIAL_ACCESS_TOKEN',
      schema: is.bearer(32),
      secret: true,
      help: 'An initial access token, for REGISTRATION=token. `latchkey client token add` makes others, each with its own limits.',
    },
    {
      name: 'UNVERIFIED_CLIENT_LOGOS',
      schema: is.boolean,
      default: 'false',
      help: 'Shows the logo of a client that registered itself, beside its warning. The logo may imitate another. It is fetched by this provider and served from here.',
    },
    {
      name: 'UNVERIFIED_CLIENTS_REDIRECT',
      schema: is.oneOf('after_a_page', 'at_once'),
      default: 'after_a_page',
      help: 'When a client that registered itself gets the browser back from a request with an error, or from a sign-out without a session. after_a_page: after a page that names its host. at_once: without a page, so that a link to this provider can lead anywhere (RFC 9700 §4.11.2).',
    },
    {
      name: 'REGISTRATION_ALLOWED_SCOPES',
      schema: is.words,
      computed: '`openid profile email address phone offline_access`; with `PROFILE=mcp` also `SCOPES`',
      help: 'Scopes that a client may have when it registers itself.',
    },
    {
      name: 'REGISTRATION_ALLOWED_GRANT_TYPES',
      schema: is.words,
      default: 'authorization_code refresh_token',
      profiles: {
        classic:
          'authorization_code refresh_token implicit client_credentials urn:ietf:params:oauth:grant-type:device_code',
      },
      help: 'Grant types that a client may have when it registers itself.',
    },
    {
      name: 'REGISTRATION_UNUSED_TTL',
      schema: is.seconds(0, year),
      default: '604800',
      help: 'How long a client that registered itself may stay without getting tokens; then it ends, and must register again. 0: for ever.',
    },
    {
      name: 'REGISTRATION_REDIRECT_SCHEMES',
      schema: is.oneOf('reverse_domain', 'with_host'),
      default: 'reverse_domain',
      profiles: { mcp: 'with_host' },
      help: 'Schemes of an application that a redirect URI may have beside https and http on loopback. reverse_domain: such as com.example.app (RFC 8252 §7.1). with_host: also a word, if a host follows, such as cursor://anysphere.cursor-mcp/callback; never one that browsers or systems open themselves.',
    },
    {
      name: 'REGISTRATION_MISFITS',
      schema: is.oneOf('refuse', 'leave_out'),
      default: 'refuse',
      profiles: { mcp: 'leave_out' },
      help: 'What happens when a client registers itself with a grant type, a response type, a scope or a redirect URI that it may not have. refuse: the registration is refused. leave_out: it is registered without, if others remain, and the answer names what is left out (RFC 7591 §2); an empty member counts as absent, and discovery lists the grant types and scopes that such a client may have.',
    },
  ],
} as const satisfies Sections
