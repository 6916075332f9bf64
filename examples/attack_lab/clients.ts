/** The clients that the provider of the lab knows, in the form of docs/configuration_files.md. */
import type { Addresses } from './addresses.ts'

export const classicSecret = 'a-secret-of-the-attack-lab'

export const clientsFile = (at: Addresses) => ({
  latchkey: 1,
  scopes: ['notes'],
  clients: [
    {
      client_id: 'notes',
      client_name: 'Notes',
      first_party: true,
      token_endpoint_auth_method: 'none',
      redirect_uris: [`${at.client}/callback`],
      scope: 'openid profile email notes',
    },
    // For lesson 2: Latchkey demands PKCE unless an operator exempts a client that has a secret.
    {
      client_id: 'notes-without-pkce',
      client_name: 'Notes',
      first_party: true,
      client_secret: 'env:CLASSIC_SECRET',
      require_pkce: false,
      redirect_uris: [`${at.client}/callback`],
      scope: 'openid profile email notes',
    },
  ],
})
