/** The clients that the provider of the lab knows, in the form of docs/configuration_files.md. */
import type { Addresses } from './addresses.ts'

export const classicSecret = 'a-secret-of-the-attack-lab'

export const clientsFile = (at: Addresses) => ({
  latchkey: 1,
  scopes: ['read', 'write'],
  clients: [
    {
      client_id: 'notes',
      client_name: 'Notes',
      first_party: true,
      token_endpoint_auth_method: 'none',
      redirect_uris: [`${at.client}/callback`],
      scope: 'openid profile email read write',
    },
    // Bob's application. It asks each person for their consent.
    {
      client_id: 'weather',
      client_name: 'Weather',
      token_endpoint_auth_method: 'none',
      redirect_uris: [`${at.attacker}/weather/callback`],
      scope: 'openid read',
    },
    // For the clicks of lesson 14. The client is Bob's, and an operator of the provider knows it.
    {
      client_id: 'prize',
      client_name: 'Prize',
      token_endpoint_auth_method: 'none',
      redirect_uris: [`${at.attacker}/catch/prize`],
      scope: 'openid profile email',
    },
    // Lesson 9 has its refresh tokens.
    {
      client_id: 'notes-on-the-phone',
      client_name: 'Notes',
      first_party: true,
      token_endpoint_auth_method: 'none',
      redirect_uris: [`${at.client}/callback`],
      scope: 'openid profile email read write offline_access',
    },
    // For lesson 12.
    {
      client_id: 'television',
      client_name: 'Television',
      token_endpoint_auth_method: 'none',
      redirect_uris: [],
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
      scope: 'openid profile email',
    },
    // For lesson 5: an operator may still register a client that gets its tokens in the fragment.
    {
      client_id: 'notes-in-the-browser',
      client_name: 'Notes',
      first_party: true,
      token_endpoint_auth_method: 'none',
      grant_types: ['implicit'],
      response_types: ['id_token token'],
      redirect_uris: [`${at.client}/implicit`],
      scope: 'openid profile email read write',
    },
    // For lesson 2: Latchkey demands PKCE unless an operator exempts a client that has a secret.
    {
      client_id: 'notes-without-pkce',
      client_name: 'Notes',
      first_party: true,
      client_secret: 'env:CLASSIC_SECRET',
      require_pkce: false,
      redirect_uris: [`${at.client}/callback`],
      scope: 'openid profile email read write',
    },
  ],
})
