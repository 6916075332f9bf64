/** The shapes that requests and answers have, as JSON Schema. https://json-schema.org/draft/2020-12 */
import { keyAlgs } from '../auth/jwk.ts'
import { signingAlgs } from '../auth/registration.ts'
import type { Described } from './described.ts'
import { authorizationRequest } from './authorization.ts'
import { flag, object, type Part, ref, text, whole, words } from './parts.ts'

const uri = (description: string): Part => text(description, { format: 'uri' })

/** What features add is named without being described: their metadata rows are schemas of another kind. */
const clientMetadata = ({ table }: Described): Readonly<Record<string, Part>> => ({
  ...Object.fromEntries(Object.keys(table.clientMetadata).map((name) => [name, {}])),
  client_name: text('Shown on the consent page'),
  client_uri: uri('The home page of the client'),
  logo_uri: uri('An https image for the consent page'),
  policy_uri: uri('Its privacy policy'),
  tos_uri: uri('Its terms of service'),
  contacts: words('People responsible for the client'),
  software_id: text('The software, the same for all its instances'),
  software_version: text('Its version'),
  initiate_login_uri: uri('Where somebody else may send a person to begin a sign-in'),
  redirect_uris: words(
    'Compared character by character; https, http on loopback, or a reverse-domain scheme',
  ),
  post_logout_redirect_uris: words('Where /logout may lead back to'),
  application_type: { type: 'string', enum: ['web', 'native'] },
  grant_types: words('Default: authorization_code', { type: 'string', enum: [...table.grantTypes.keys()] }),
  response_types: words('Default: code', { type: 'string', enum: [...table.responseTypes.keys()] }),
  scope: text('Scopes the client may ask for, separated by spaces'),
  token_endpoint_auth_method: text('Default: client_secret_basic', { enum: [...table.clientAuth.keys()] }),
  token_endpoint_auth_signing_alg: text('The one algorithm its assertions are signed with'),
  id_token_signed_response_alg: text('Default: RS256', { enum: signingAlgs }),
  subject_type: text('Default: public'),
  default_max_age: whole('Seconds after which a sign-in is asked for again'),
  default_acr_values: words('Wanted when the request names none'),
  require_auth_time: flag('auth_time is in every ID Token anyway'),
  jwks: object({ keys: words('Public keys', { type: 'object' }) }, ['keys']),
  jwks_uri: text('Where its public keys are, instead of jwks'),
  access_token_format: text('Instead of ACCESS_TOKEN_FORMAT', { enum: ['jwt', 'opaque'] }),
})

const clientCredentials = {
  client_id: text('With client_secret_post and none; else as in the Authorization header'),
  client_secret: text('With client_secret_post'),
  client_assertion: text('A JWT, with private_key_jwt and client_secret_jwt; aud is the issuer'),
  client_assertion_type: text('urn:ietf:params:oauth:client-assertion-type:jwt-bearer'),
}

const token = text('A token this provider issued')

/** `components.schemas`. */
export const schemas = (context: Described): Readonly<Record<string, Part>> => ({
  Error: object(
    {
      error: text('A code of the specification, such as invalid_grant'),
      error_description: text('What was expected and what came; terse in production'),
    },
    ['error', 'error_description'],
  ),
  Metadata: object(
    {
      issuer: uri('Compare it with `iss` of tokens and answers, character by character'),
      authorization_endpoint: uri('Send people here'),
      token_endpoint: uri('Exchange codes and refresh tokens here'),
      userinfo_endpoint: uri('Claims of the person'),
      jwks_uri: uri('Public signing keys'),
      registration_endpoint: uri('Absent when registration is closed'),
      introspection_endpoint: uri('Is a token good?'),
      revocation_endpoint: uri('End a token'),
      end_session_endpoint: uri('Sign a person out'),
      scopes_supported: words('Scopes that may be asked for'),
      response_types_supported: words('Values of response_type'),
      grant_types_supported: words('Values of grant_type'),
      id_token_signing_alg_values_supported: words('Algorithms of ID Tokens'),
      token_endpoint_auth_methods_supported: words('How clients may authenticate'),
      code_challenge_methods_supported: words('S256 alone'),
      claims_supported: words('Claims that may be returned'),
    },
    ['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri', 'response_types_supported'],
  ),
  Jwks: object(
    {
      keys: words(
        'RFC 7517; the next key is here before it signs, the previous one until its tokens have expired',
        object(
          {
            kty: text('RSA, EC or OKP', { enum: ['RSA', 'EC', 'OKP'] }),
            kid: text('The RFC 7638 thumbprint'),
            alg: text('The one algorithm this key is for; absent where it serves several', { enum: keyAlgs }),
            use: text('sig: verifies what we sign; enc: encrypts to us', { enum: ['sig', 'enc'] }),
          },
          ['kty', 'kid', 'use'],
        ),
      ),
    },
    ['keys'],
  ),
  AuthorizationRequest: authorizationRequest(context),
  TokenRequest: object(
    {
      grant_type: text('What is exchanged', { enum: [...context.table.grantTypes.keys()] }),
      code: text('authorization_code: the code'),
      redirect_uri: text('authorization_code: as in the authorization request'),
      code_verifier: text('authorization_code: what code_challenge is the hash of'),
      refresh_token: text('refresh_token: the newest one'),
      scope: text('refresh_token: narrower than granted; client_credentials: scopes of your own APIs'),
      ...clientCredentials,
    },
    ['grant_type'],
  ),
  TokenResponse: object(
    {
      access_token: text('A JWT (RFC 9068) or an opaque handle'),
      token_type: text('Bearer, unless the token is bound to a key'),
      expires_in: whole('Seconds'),
      scope: text('What was granted; absent when that is nothing'),
      refresh_token: text('For clients registered for refresh_token; replaces the one sent'),
      id_token: text('With the scope openid'),
    },
    ['access_token', 'token_type', 'expires_in'],
  ),
  Claims: object(
    {
      sub: text('The person, the same for ever'),
      name: text('Scope profile, with the other claims of OpenID Connect Core §5.1'),
      email: text('Scope email'),
      email_verified: flag('Scope email'),
      phone_number: text('Scope phone'),
      phone_number_verified: flag('Scope phone'),
      address: { type: 'object', description: 'Scope address' },
      updated_at: whole('Scope profile; seconds since the epoch'),
    },
    ['sub'],
  ),
  OneToken: object({ token, token_type_hint: text('Not needed: tokens tell'), ...clientCredentials }, [
    'token',
  ]),
  Introspection: object(
    {
      active: flag('False for everything the caller may not know of'),
      iss: uri('This provider'),
      client_id: text('Who it was issued to'),
      sub: text('The person, or the client itself'),
      username: text('The person as they sign in'),
      scope: text('Separated by spaces; absent when there is none'),
      token_type: text('For access tokens'),
      exp: whole('Seconds since the epoch'),
      iat: whole('Seconds since the epoch'),
      aud: { description: 'The API it is for', type: ['string', 'array'] },
    },
    ['active'],
  ),
  ClientMetadata: object(clientMetadata(context)),
  Client: {
    allOf: [
      ref('ClientMetadata'),
      object(
        {
          client_id: text('The name of the client here'),
          client_id_issued_at: whole('Seconds since the epoch'),
          client_secret: text('Shown this once; absent for methods without a secret'),
          client_secret_expires_at: whole('0: never'),
        },
        ['client_id', 'client_id_issued_at', 'redirect_uris', 'grant_types', 'response_types'],
      ),
    ],
  },
  Health: object(
    {
      status: text('200 goes with healthy', { enum: ['healthy', 'unhealthy', 'stopping'] }),
      checks: object({ store: text('The store', { enum: ['ok', 'unreachable'] }) }, ['store']),
      version: text('Of this build'),
      timestamp: text('Now', { format: 'date-time' }),
    },
    ['status', 'checks', 'version', 'timestamp'],
  ),
})
