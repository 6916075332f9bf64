/** The shapes that requests and answers have, as JSON Schema. https://json-schema.org/draft/2020-12 */
import * as v from 'valibot'
import { keyAlgs } from '../auth/jwk.ts'
import { coreMetadata } from '../auth/registration.ts'
import type { Described } from './described.ts'
import { jsonSchemaOf } from './json_schema.ts'
import { flag, object, type Part, ref, text, whole, words } from './parts.ts'

const uri = (description: string): Part => text(description, { format: 'uri' })

const oneOf = (names: Iterable<string>): Part => ({ enum: [...names] })

/** As registration parses it, with the values that the table has for some members. */
function clientMetadata({ table }: Described): Part {
  const schema = jsonSchemaOf(v.object({ ...table.clientMetadata, ...coreMetadata }))
  const properties = schema.properties as Readonly<Record<keyof typeof coreMetadata, Part>>
  const { grant_types, response_types, token_endpoint_auth_method, subject_type } = properties
  return {
    ...schema,
    properties: {
      ...properties,
      grant_types: { ...grant_types, items: { type: 'string', ...oneOf(table.grantTypes.keys()) } },
      response_types: { ...response_types, items: { type: 'string', ...oneOf(table.responseTypes.keys()) } },
      token_endpoint_auth_method: { ...token_endpoint_auth_method, ...oneOf(table.clientAuth.keys()) },
      subject_type: { ...subject_type, ...oneOf(table.subjectTypes.keys()) },
    },
  }
}

/** `components.schemas`. */
export const schemas = (context: Described): Readonly<Record<string, Part>> => ({
  Error: object(
    {
      error: text('A code of the specification, such as invalid_grant'),
      error_description: text('What was expected and what came; terse in production'),
      error_uri: uri('With LAB: the page that explains the refusal'),
    },
    ['error', 'error_description'],
  ),
  Problem: object(
    {
      type: uri('The section of the specification that the request did not meet'),
      title: text('The code in words'),
      status: whole('The status of the answer'),
      detail: text('What is wrong, in one sentence'),
      code: text('For programs: it stays the same'),
      expected: text('The condition that does not hold'),
      came: text('What came in its place; never a secret'),
      next: text('What to do'),
      request_id: text('Names the lines of the log'),
    },
    ['type', 'title', 'status', 'detail', 'code', 'expected', 'request_id'],
  ),
  Metadata: object(
    {
      issuer: uri('Compare it with `iss` of tokens and answers, character by character'),
      authorization_endpoint: uri('For the browser of the End-User'),
      token_endpoint: uri('Exchanges codes and refresh tokens'),
      userinfo_endpoint: uri('Claims of the End-User'),
      jwks_uri: uri('Public signing keys'),
      registration_endpoint: uri('Absent when registration is closed'),
      introspection_endpoint: uri('Whether a token is active'),
      revocation_endpoint: uri('Revokes a token'),
      end_session_endpoint: uri('Signs the End-User out'),
      scopes_supported: words('Scopes that may be asked for'),
      response_types_supported: words('Values of response_type'),
      grant_types_supported: words('Values of grant_type'),
      id_token_signing_alg_values_supported: words('Algorithms of ID Tokens'),
      token_endpoint_auth_methods_supported: words('How clients may authenticate'),
      code_challenge_methods_supported: words('Only S256'),
      claims_supported: words('Claims that may be returned'),
    },
    ['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri', 'response_types_supported'],
  ),
  Jwks: object(
    {
      keys: words(
        'RFC 7517; includes the next key before it signs, and the previous key until its tokens have expired',
        object(
          {
            kty: text('RSA, EC or OKP', { enum: ['RSA', 'EC', 'OKP'] }),
            kid: text('The RFC 7638 thumbprint'),
            alg: text('The only algorithm of this key; absent when it has several', { enum: keyAlgs }),
            use: text('sig: verifies signatures of this provider; enc: encrypts to it', {
              enum: ['sig', 'enc'],
            }),
          },
          ['kty', 'kid', 'use'],
        ),
      ),
    },
    ['keys'],
  ),
  TokenResponse: object(
    {
      access_token: text('A JWT (RFC 9068) or an opaque handle'),
      token_type: text('Bearer, unless the token is bound to a key'),
      expires_in: whole('Seconds'),
      scope: text('The granted scopes; absent when there is none'),
      refresh_token: text('For clients registered for refresh_token; replaces the one sent'),
      id_token: text('With the scope openid'),
    },
    ['access_token', 'token_type', 'expires_in'],
  ),
  Claims: object(
    {
      sub: text('The End-User; it never changes'),
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
  Introspection: object(
    {
      active: flag('False also for tokens that the caller may not inspect'),
      iss: uri('This provider'),
      client_id: text('The client that it was issued to'),
      sub: text('The End-User, or the client itself'),
      username: text('The username of the End-User'),
      scope: text('Separated by spaces; absent when there is none'),
      token_type: text('For access tokens'),
      exp: whole('Seconds since the epoch'),
      iat: whole('Seconds since the epoch'),
      aud: { description: 'The API it is for', type: ['string', 'array'] },
    },
    ['active'],
  ),
  ClientMetadata: clientMetadata(context),
  Client: {
    allOf: [
      ref('ClientMetadata'),
      object(
        {
          client_id: text('Assigned by this provider'),
          client_id_issued_at: whole('Seconds since the epoch'),
          client_secret: text('Not shown again; absent for methods without a secret'),
          client_secret_expires_at: whole('0: never'),
          left_out: object({
            grant_types: words('Not offered to clients that register themselves'),
            response_types: words('Not offered'),
            redirect_uris: words('Not allowed'),
            post_logout_redirect_uris: words('Not allowed'),
            scope: text('Unknown, or not for clients that register themselves'),
          }),
        },
        ['client_id', 'client_id_issued_at', 'redirect_uris', 'grant_types', 'response_types'],
      ),
    ],
  },
  Health: object(
    {
      status: text('healthy with 200, the others with 503', { enum: ['healthy', 'unhealthy', 'stopping'] }),
      checks: object(
        {
          store: text('The store answers and takes a write', { enum: ['ok', 'unreachable', 'read_only'] }),
          clock: text('The clock of this instance beside that of the store', { enum: ['ok', 'off'] }),
          keys: text('Each algorithm has a key that signs', { enum: ['ok', 'missing'] }),
        },
        ['store', 'clock', 'keys'],
      ),
      details: {
        type: 'object',
        description: 'What each check found, by its name, for a caller that may read /metrics',
      },
      version: text('Of this build, for a caller that may read /metrics'),
      timestamp: text('Now', { format: 'date-time' }),
    },
    ['status', 'checks', 'timestamp'],
  ),
  Liveness: object(
    { status: text('Always alive', { enum: ['alive'] }), timestamp: text('Now', { format: 'date-time' }) },
    ['status', 'timestamp'],
  ),
})
