/** What an operator registers for this application, in the form of docs/configuration_files.md. */
export const client = {
  client_id: 'native-app',
  client_name: 'Native application',
  application_type: 'native',
  // Each user has a copy of the program, so that it can keep no secret (RFC 8252 §8.5).
  token_endpoint_auth_method: 'none',
  // Without a port: the application listens on any that is free (RFC 8252 §7.3).
  redirect_uris: ['http://127.0.0.1/callback'],
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  scope: 'openid profile email offline_access read:notes write:notes',
}
