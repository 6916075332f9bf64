/** The End-Users and clients of docs/walkthrough.md; they exist in development alone. */
import type { Client } from './client.ts'

export const demoUsers = [
  {
    sub: 'user-alice',
    username: 'alice',
    password: 'alicepassword',
    password_hash:
      '$argon2id$v=19$m=19456,t=2,p=1$1tJ0b2ndJ1H6N38GMB9BxhLqgv1SW0bdRUugZV/mtUg$kLlWwcoB2AcESuEYqAZyiz3Fiu+1ujzKS+2U6nig3P4',
    claims: {
      name: 'Alice Adams',
      given_name: 'Alice',
      family_name: 'Adams',
      middle_name: 'Ada',
      nickname: 'ally',
      preferred_username: 'alice',
      profile: 'https://people.example/alice',
      picture: 'https://people.example/alice.png',
      website: 'https://alice.example',
      gender: 'female',
      birthdate: '1990-04-01',
      zoneinfo: 'Europe/Berlin',
      locale: 'en-GB',
      email: 'alice@example.com',
      email_verified: true,
      phone_number: '+49 30 901820',
      phone_number_verified: true,
      address: {
        formatted: '1 Main Street\n10115 Berlin\nGermany',
        street_address: '1 Main Street',
        locality: 'Berlin',
        region: 'Berlin',
        postal_code: '10115',
        country: 'Germany',
      },
    },
  },
  {
    sub: 'user-bob',
    username: 'bob',
    password: 'bobpassword',
    password_hash:
      '$argon2id$v=19$m=19456,t=2,p=1$o8t2VUIF2+q3cwuFkW92AF9T9cz5X4aydvgRalU2ymI$Zgl4wUslnFaZhSoPxA5d/vImW9MG3aSuGi/unt3HnQg',
    claims: {
      name: 'Bob Brown',
      given_name: 'Bob',
      family_name: 'Brown',
      preferred_username: 'bob',
      locale: 'en-US',
      zoneinfo: 'America/New_York',
      email: 'bob@example.com',
      email_verified: false,
    },
  },
] as const

const redirects = ['http://localhost:8080/callback', 'http://localhost:3000/callback']

const shared = {
  redirect_uris: redirects,
  post_logout_redirect_uris: ['http://localhost:8080/', 'http://localhost:3000/'],
  response_types: ['code'],
  scope: 'openid profile email address phone offline_access',
  id_token_signed_response_alg: 'RS256',
  subject_type: 'public',
  lab_client: true,
} satisfies Partial<Client>

export const demoClient = {
  ...shared,
  client_id: 'client123',
  client_secret: 'secret456',
  client_name: 'Demo client',
  either_secret_method: true,
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
}

export const demoPublicClient = {
  ...shared,
  client_id: 'public-client',
  client_name: 'Demo browser client',
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
} satisfies Partial<Client>

/** A device without a browser, which shows a code. https://www.rfc-editor.org/rfc/rfc8628 */
export const demoDeviceClient = {
  client_id: 'device-client',
  client_name: 'Demo device',
  redirect_uris: [],
  response_types: [],
  scope: shared.scope,
  subject_type: shared.subject_type,
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
} satisfies Partial<Client>

/** A service without End-Users of its own: it accepts access tokens as an API, and exchanges them for tokens of another API. */
export const demoServiceClient = {
  client_id: 'service-client',
  client_secret: 'secret789',
  client_name: 'Demo service',
  redirect_uris: [],
  response_types: [],
  scope: shared.scope,
  subject_type: shared.subject_type,
  grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
  either_secret_method: true,
  resource_server: true,
  allowed_resources: ['https://api.example'],
} satisfies Partial<Client> & { client_secret: string }
