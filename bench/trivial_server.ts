/** A server that does nothing, to learn how fast the driver is: one document for every GET, a new token for every POST. */
const port = Number(process.env.PORT)
const issuer = `http://localhost:${port}`
const metadata = JSON.stringify({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  introspection_endpoint: `${issuer}/introspect`,
  jwks_uri: `${issuer}/jwks`,
  keys: [],
})
let serial = 0
Bun.serve({
  port,
  hostname: 'localhost',
  fetch: ({ method }) =>
    new Response(
      method === 'GET'
        ? metadata
        : `{"access_token":"${String(++serial).padStart(43, '0')}","token_type":"Bearer","expires_in":3600}`,
      { headers: { 'Content-Type': 'application/json' } },
    ),
})
