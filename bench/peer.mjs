/** The peer: oidc-provider from npm on Node, configured as fast as its documentation allows. Run by node, not by bun. */
import { createServer } from 'node:http'
import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'

const port = Number(process.env.PORT)
const issuer = `http://localhost:${port}`

/**
 * Its own adapter evicts after 1,000 entries, and walks all tokens of a grant at each write. This one does neither:
 * a plain Map, constant work a write, expiry checked on reading, values kept by reference as its own adapter does.
 */
const rows = new Map()
const members = new Map()
const sessionUids = new Map()
const grantable = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken'])

class MapAdapter {
  constructor(model) {
    this.model = model
  }
  async upsert(id, payload, expiresIn) {
    const key = `${this.model}:${id}`
    rows.set(key, { payload, exp: expiresIn ? Date.now() + expiresIn * 1000 : Infinity })
    if (this.model === 'Session') sessionUids.set(payload.uid, id)
    if (payload.grantId && grantable.has(this.model)) {
      const known = members.get(payload.grantId)
      if (known) known.add(key)
      else members.set(payload.grantId, new Set([key]))
    }
  }
  async find(id) {
    const row = rows.get(`${this.model}:${id}`)
    return row && row.exp > Date.now() ? row.payload : undefined
  }
  async findByUid(uid) {
    return this.find(sessionUids.get(uid))
  }
  async findByUserCode() {
    return undefined
  }
  async consume(id) {
    rows.get(`${this.model}:${id}`).payload.consumed = Math.floor(Date.now() / 1000)
  }
  async destroy(id) {
    rows.delete(`${this.model}:${id}`)
  }
  async revokeByGrantId(grantId) {
    for (const key of members.get(grantId) ?? []) rows.delete(key)
    members.delete(grantId)
  }
}

const users = new Map([
  ['alice', 'alicepassword'],
  ['bob', 'bobpassword'],
])

const jwk = (alg, pair) => ({ ...pair.privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg })
const resources = new Map([
  ['https://es256.example', 'ES256'],
  ['https://rs256.example', 'RS256'],
])

const provider = new Provider(issuer, {
  adapter: MapAdapter,
  jwks: {
    keys: [
      jwk('ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })),
      jwk('RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })),
    ],
  },
  clients: [
    {
      client_id: process.env.CLIENT_ID,
      client_secret: process.env.CLIENT_SECRET,
      redirect_uris: [process.env.REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      id_token_signed_response_alg: process.env.ID_TOKEN_ALG,
    },
    {
      client_id: process.env.KEY_CLIENT_ID,
      redirect_uris: [process.env.REDIRECT_URI],
      grant_types: ['authorization_code', 'client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [JSON.parse(process.env.KEY_CLIENT_JWK)] },
    },
  ],
  findAccount: (_, sub) =>
    users.has(sub) && {
      accountId: sub,
      claims: () => ({
        sub,
        name: `${sub} Example`,
        given_name: sub,
        family_name: 'Example',
        preferred_username: sub,
        email: `${sub}@example.com`,
        email_verified: true,
      }),
    },
  claims: {
    openid: ['sub'],
    profile: ['name', 'given_name', 'family_name', 'preferred_username'],
    email: ['email', 'email_verified'],
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: 3600,
    ClientCredentials: 3600,
    AuthorizationCode: 60,
    IdToken: 3600,
    RefreshToken: 86400,
    Interaction: 3600,
    Session: 86400,
    Grant: 86400,
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
    userinfo: { enabled: true },
    dPoP: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_, resource) => ({
        scope: '',
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 3600,
        jwt: { sign: { alg: resources.get(resource) } },
      }),
    },
  },
})

const page = (
  title,
  inner,
) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
<body><main><h1>${title}</h1><form method="post">${inner}</form></main></body></html>`

const loginPage = page(
  'Sign in',
  '<label>Username <input name="username"></label><label>Password <input name="password" type="password"></label><button name="login" value="1">Sign in</button>',
)
const consentPage = page(
  'Allow access',
  '<button name="allow" value="1">Allow</button><button name="deny" value="1">Deny</button>',
)

async function form(req) {
  let body = ''
  for await (const chunk of req) body += chunk
  return new URLSearchParams(body)
}

/** Our own interactions, since the development ones are not for use: sign in by password, then consent. */
async function interaction(req, res) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(req, res)
  if (req.method === 'GET') {
    const html = prompt.name === 'login' ? loginPage : consentPage
    res.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': Buffer.byteLength(html),
    })
    res.end(html)
    return
  }
  const sent = await form(req)
  if (prompt.name === 'login') {
    const username = sent.get('username')
    if (!users.has(username) || users.get(username) !== sent.get('password')) {
      res.writeHead(401, { 'Content-Length': 0 }).end()
      return
    }
    await provider.interactionFinished(
      req,
      res,
      { login: { accountId: username } },
      { mergeWithLastSubmission: false },
    )
    return
  }
  if (!sent.has('allow')) {
    await provider.interactionFinished(
      req,
      res,
      { error: 'access_denied' },
      { mergeWithLastSubmission: false },
    )
    return
  }
  const known = grantId && (await provider.Grant.find(grantId))
  const grant = known || new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
  // With prompt=consent nothing need be missing; what is asked is what is allowed.
  grant.addOIDCScope(params.scope)
  const saved = await grant.save()
  await provider.interactionFinished(
    req,
    res,
    { consent: { grantId: saved } },
    { mergeWithLastSubmission: true },
  )
}

const callback = provider.callback()
const server = createServer((req, res) => {
  if (!req.url.startsWith('/interaction/')) return callback(req, res)
  interaction(req, res).catch((error) => {
    res.writeHead(500).end()
    console.error(error)
  })
})
server.keepAliveTimeout = 0
server.listen(port, 'localhost')
process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeAllConnections()
})
