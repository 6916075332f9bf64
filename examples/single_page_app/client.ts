/** What an operator registers for this application, in the form of docs/configuration_files.md. */
export const clientAt = (origin: string) => ({
  client_id: 'single-page-app',
  client_name: 'Single-page application',
  // Everybody can read the script, so that it can keep no secret.
  token_endpoint_auth_method: 'none',
  // No token without a key: one that is stolen is of no use (RFC 9449 §5.2).
  dpop_bound_access_tokens: true,
  redirect_uris: [`${origin}/callback`],
  post_logout_redirect_uris: [`${origin}/`],
  scope: 'openid profile email read:notes write:notes',
})
