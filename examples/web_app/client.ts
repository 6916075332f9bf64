/** What an operator registers for this application, in the form of docs/configuration_files.md. */

/** `key` is the public key (JWK) with which the application authenticates. */
export const clientAt = (origin: string, key: object) => ({
  client_id: 'web-app',
  client_name: 'Web application',
  // RFC 7523: it signs with its key, and sends no secret.
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [key] },
  // No parameter of a request can come from anywhere else than this server (RFC 9126 §6).
  require_pushed_authorization_requests: true,
  redirect_uris: [`${origin}/callback`],
  post_logout_redirect_uris: [`${origin}/`],
  backchannel_logout_uri: `${origin}/backchannel_logout`,
  backchannel_logout_session_required: true,
  scope: 'openid profile email offline_access read:notes write:notes',
})
