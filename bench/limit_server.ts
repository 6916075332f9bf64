/**
 * The limit: a bare Bun.serve that makes the same signatures, reads the same bodies and sends answers of the same size, and
 * does nothing else. It keeps nothing, checks nothing but the signatures of proofs, and is no provider.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto'

type Alg = 'ES256' | 'RS256' | 'EdDSA'

/** `SIZES` are the bytes of the answers of the provider, by workload. */
const { PORT, ACCESS_TOKEN = 'opaque', ID_TOKEN = 'ES256', SIZES = '{}', KEY = '{}' } = process.env
const issuer = `http://localhost:${PORT}`
const sizes = JSON.parse(SIZES) as Record<string, number>
const client = { client_id: 'bench', client_secret: 'secret' }

const pairs = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: generateKeyPairSync('ed25519'),
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const random = (bytes: number): string => randomBytes(bytes).toString('base64url')
const curve = { dsaEncoding: 'ieee-p1363' } as const

/** A JWT. RSA signs on the thread pool, as there it takes half a millisecond. */
function jwt(alg: Alg, claims: object): string | Promise<string> {
  const input = `${encode({ alg, typ: 'JWT', kid: alg })}.${encode(claims)}`
  const bytes = Buffer.from(input)
  const key = pairs[alg].privateKey
  if (alg !== 'RS256') {
    const signature = sign(alg === 'ES256' ? 'sha256' : null, bytes, { key, ...curve })
    return `${input}.${signature.toString('base64url')}`
  }
  return new Promise((resolve, reject) =>
    sign('sha256', bytes, key, (error, signature) =>
      error ? reject(error) : resolve(`${input}.${signature.toString('base64url')}`),
    ),
  )
}

/** Whether `token` is signed by `key`: a proof or an assertion of ES256. */
function holds(token: string, key: KeyObject): boolean {
  const at = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(at + 1), 'base64url')
  return verify('sha256', Buffer.from(token.slice(0, at)), { key, ...curve }, signature)
}

const requireHeld = (token: string, key: KeyObject): void => {
  if (!holds(token, key)) throw new Error(`a signature that does not hold: ${token}`)
}

const now = (): number => Math.floor(Date.now() / 1000)

const common = () => ({ iss: issuer, sub: 'the-end-user-of-this-server', iat: now(), exp: now() + 3600 })

const accessToken = () =>
  ACCESS_TOKEN === 'opaque'
    ? random(48)
    : jwt(ACCESS_TOKEN as Alg, {
        ...common(),
        aud: issuer,
        client_id: client.client_id,
        scope: 'openid profile email',
        jti: random(24),
        grant_id: random(15),
      })

const idToken = (nonce: string, aud: string) =>
  jwt(ID_TOKEN as Alg, { ...common(), aud, nonce, auth_time: now(), sid: random(15), at_hash: random(16) })

const json = (text: string, status = 200) =>
  new Response(text, { status, headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' } })

/** `value` as JSON, with a member that makes it `bytes` long. */
function padded(value: object, bytes = 0): object {
  const missing = bytes - JSON.stringify({ ...value, padding: '' }).length
  return missing > 0 ? { ...value, padding: 'x'.repeat(missing) } : value
}

const metadata = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  introspection_endpoint: `${issuer}/introspect`,
  pushed_authorization_request_endpoint: `${issuer}/par`,
  end_session_endpoint: `${issuer}/logout`,
  registration_endpoint: `${issuer}/register`,
  jwks_uri: `${issuer}/jwks`,
}
const keys = Object.entries(pairs).map(([kid, { publicKey }]) => ({
  ...publicKey.export({ format: 'jwk' }),
  kid,
  alg: kid,
  use: 'sig',
}))
const discovery = JSON.stringify(padded(metadata, sizes.discovery))
const jwks = JSON.stringify(padded({ keys }, sizes.jwks))

/** Answered anew for each request, from a value of the size of the provider's. */
const introspected = padded({ active: true, client_id: client.client_id }, sizes.introspection)
const userinfo = padded(
  { sub: common().sub, email: 'alice@example.com' },
  sizes.userinfo ?? sizes.code_flow_in_session,
)

const form = async (request: Request) => new URLSearchParams(await request.text())

async function token(request: Request): Promise<Response> {
  const params = await form(request)
  const grantType = params.get('grant_type')
  const proof = request.headers.get('dpop')
  const assertion = params.get('client_assertion')
  if (proof !== null) {
    const { jwk } = JSON.parse(Buffer.from(proof.slice(0, proof.indexOf('.')), 'base64url').toString())
    requireHeld(proof, createPublicKey({ key: jwk, format: 'jwk' }))
  }
  if (assertion !== null) requireHeld(assertion, assertionKey)
  const [nonce = '', aud = client.client_id] = params.get('code')?.split('.').slice(1) ?? []
  const access_token = await accessToken()
  return json(
    JSON.stringify({
      access_token,
      token_type: proof === null ? 'Bearer' : 'DPoP',
      expires_in: 3600,
      ...(grantType !== 'client_credentials' && {
        id_token: await idToken(nonce, aud),
        refresh_token: random(48),
        scope: 'openid profile email',
      }),
    }),
  )
}

const assertionKey =
  KEY === '{}' ? pairs.ES256.publicKey : createPublicKey({ key: JSON.parse(KEY), format: 'jwk' })

const redirect = (location: string, cookie?: string) =>
  new Response(null, {
    status: 303,
    headers: { Location: location, ...(cookie !== undefined && { 'Set-Cookie': cookie }) },
  })

const queryOf = ({ url }: Request): string => url.slice(url.indexOf('?') + 1)

/** The nonce and the client stand in the code, so that nothing has to be kept. */
function withCode(params: URLSearchParams): Response {
  const code = `${random(24)}.${params.get('nonce')}.${params.get('client_id')}`
  const query = new URLSearchParams({ code, state: params.get('state') ?? '', iss: issuer })
  return redirect(`${params.get('redirect_uri')}?${query}`)
}

/** With `prompt=none` the answer has a code; with `consent` it leads to that page, else to the page for signing in. */
function authorize(request: Request): Response {
  const query = queryOf(request)
  const params = new URLSearchParams(query)
  const prompt = params.get('prompt')
  if (prompt === 'none') return withCode(params)
  if (prompt === 'consent') return redirect(`${issuer}/consent?${query}`)
  return redirect(`${issuer}/login?${query}&interaction=${random(24)}`, `browser=${random(24)}; Path=/`)
}

const page = (button: string, bytes = 0): string => {
  const inner = `<!doctype html><form method="post"><button name="${button}" value="1">${button}</button></form>`
  return inner.padEnd(bytes, ' ')
}
const loginPage = page('login', sizes.sign_in_page)
const consentPage = page('allow', sizes.consent_page)
const html = (text: string) => () =>
  new Response(text, { headers: { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' } })
const answered = (request: Request) => withCode(new URLSearchParams(queryOf(request)))

/** Of back-channel logout: where each registered client receives its tokens. */
const receivers: { client_id: string; uri: string }[] = []
/** Requests of this server under way at once. */
const atOnce = 64
const waiting: { client_id: string; uri: string }[] = []
let underWay = 0

async function deliver(): Promise<void> {
  if (underWay >= atOnce) return
  underWay++
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { client_id, uri } = next
    const logout_token = await jwt(ID_TOKEN as Alg, {
      ...common(),
      aud: client_id,
      jti: random(15),
      sid: random(15),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    })
    await (await fetch(uri, { method: 'POST', body: new URLSearchParams({ logout_token }) })).text()
  }
  underWay--
}

Bun.serve({
  port: Number(PORT),
  // A connection may be idle while the driver prepares others.
  idleTimeout: 0,
  hostname: 'localhost',
  routes: {
    '/.well-known/openid-configuration': () => json(discovery),
    '/jwks': () => json(jwks),
    '/token': { POST: token },
    '/introspect': {
      POST: async (request) => {
        const params = await form(request)
        return json(JSON.stringify(params.has('token') ? introspected : { active: false }))
      },
    },
    '/userinfo': () => json(JSON.stringify(userinfo)),
    '/par': {
      POST: async (request) => {
        const params = await form(request)
        const request_uri = `urn:ietf:params:oauth:request_uri:${random(24)}`
        return json(JSON.stringify({ request_uri, expires_in: params.size > 0 ? 60 : 0 }), 201)
      },
    },
    '/authorize': authorize,
    '/login': { GET: html(loginPage), POST: answered },
    '/consent': { GET: html(consentPage), POST: answered },
    '/register': {
      POST: async (request) => {
        const { backchannel_logout_uri: uri } = (await request.json()) as { backchannel_logout_uri?: string }
        const client_id = random(16)
        if (uri !== undefined) receivers.push({ client_id, uri })
        return json(JSON.stringify({ ...client, client_id }), 201)
      },
    },
    '/logout': () => {
      waiting.push(...receivers)
      for (let i = 0; i < atOnce; i++) void deliver()
      return html('signed out')()
    },
  },
})
