/** The mistakes that beginners make most: each is made against a provider behind a port, and its page names the true cause first. docs/lab.md */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { SignJWT } from 'jose'
import { Client, makeClient } from '../../src/models/client.ts'
import type { ServedProvider } from '../browser/served.ts'
import { authorizationUrl, basic, demo, formPost, browserClient, type TestClient } from '../support/client.ts'
import { authorize, browser } from '../support/flow.ts'
import type { Person } from '../support/person.ts'
import { explain, explainById, type Explained, misnamed, serveLab } from './explained.ts'

let op: ServedProvider
let who: Person

beforeAll(async () => {
  op = await serveLab({ CORS_ALLOWED_ORIGINS: 'https://known.example' })
  who = browser(op)
})
afterAll(() => op.stop())

type Fields = Record<string, string>
type More = Record<string, string | undefined>

const token = (client: TestClient, fields: Fields, headers: Fields = {}): Promise<Response> =>
  op.fetch('/token', formPost(client, fields, headers))

const redeem = (code: string, code_verifier: string, client = demo, more: Fields = {}): Promise<Response> =>
  token(client, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: client.redirect_uri,
    code_verifier,
    ...more,
  })

const ask = (more: More, client = demo): Promise<Response> =>
  op.fetch(authorizationUrl(op.issuer, client, more).url)

const signIn = (client = demo, more: More = {}) => authorize(op, who, client, more)

/** The client with a shared key for its assertions. */
const shared = 'q7Wn2bRz81LxKcVt5sMdP0yHgJfE3uAiO9TzXv4YkN6'

async function assertion(claims: Record<string, unknown>): Promise<Response> {
  const now = Math.floor(op.clock.now() / 1000)
  const jwt = await new SignJWT({
    iss: 'signing',
    sub: 'signing',
    aud: op.issuer,
    iat: now,
    exp: now + 60,
    jti: crypto.randomUUID(),
    ...claims,
  })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(shared))
  return op.fetch('/token', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: jwt,
    }),
  })
}

interface Story {
  mistake: string
  cause: string
  /** What the page says. */
  says: readonly string[]
  make(): Promise<Response>
  read?: (op: ServedProvider, response: Response) => Promise<Explained>
}

const stories: readonly Story[] = [
  {
    mistake: 'a page that redeems the code is reloaded',
    cause: 'code_used_before',
    says: [
      'redeemed 3 seconds before, by the same client: a page that was reloaded?',
      'history.replaceState',
    ],
    async make() {
      const { code, code_verifier } = await signIn()
      await redeem(code, code_verifier)
      op.clock.advance(3_000)
      return redeem(code, code_verifier)
    },
  },
  {
    mistake: 'React StrictMode redeems the code twice',
    cause: 'code_used_twice_at_once',
    says: ['by the same client', 'StrictMode'],
    async make() {
      const { code, code_verifier } = await signIn()
      const both = await Promise.all([redeem(code, code_verifier), redeem(code, code_verifier)])
      return both.find(({ status }) => status === 400)!
    },
  },
  {
    mistake: 'the code waits at a breakpoint until it has expired',
    cause: 'code_expired',
    says: ['it was issued 11 minutes before', 'AUTHORIZATION_CODE_TTL'],
    async make() {
      const { code, code_verifier } = await signIn()
      op.clock.advance(660_000)
      return redeem(code, code_verifier)
    },
  },
  {
    mistake: 'the code is percent-encoded twice',
    cause: 'not_a_code',
    says: ['still percent-encoded'],
    make: () => redeem('lkc_abc%2Ddef', 'v'.repeat(43)),
  },
  {
    mistake: 'the redirect URI has a slash at its end that is not registered',
    cause: 'redirect_trailing_slash',
    says: [
      'The two differ in the slash at the end.',
      "First difference at character 31: expected the end, got '/'.",
      'latchkey client set client123 --redirect-uri http://localhost:8080/callback',
      '--redirect-uri http://localhost:8080/callback/',
    ],
    make: () => ask({ redirect_uri: 'http://localhost:8080/callback/' }),
  },
  {
    mistake: 'the redirect URI says 127.0.0.1 where localhost is registered',
    cause: 'redirect_loopback_name',
    says: ['The request says 127.0.0.1, and localhost is expected'],
    make: () => ask({ redirect_uri: 'http://127.0.0.1:8080/callback' }),
  },
  {
    mistake: 'the redirect URI says https where http is registered',
    cause: 'redirect_scheme',
    says: ['The request says https, and http is expected.'],
    make: () => ask({ redirect_uri: 'https://localhost:8080/callback' }),
  },
  {
    mistake: 'the development server runs on another port',
    cause: 'redirect_port',
    says: ['The request says port 5173, and port'],
    make: () => ask({ redirect_uri: 'http://localhost:5173/callback' }),
  },
  {
    mistake: 'the token request names another redirect URI than the authorization request',
    cause: 'redirect_port',
    says: ['The token request must repeat the redirect_uri', 'redirect_uri=http://localhost:8080/callback'],
    async make() {
      const { code, code_verifier } = await signIn()
      return redeem(code, code_verifier, demo, { redirect_uri: 'http://localhost:3000/callback' })
    },
  },
  {
    mistake: 'a second sign-in in another tab replaces the code_verifier',
    cause: 'verifier_of_other_request',
    says: ['belongs to another authorization request', 'sessionStorage'],
    async make() {
      const first = await signIn(browserClient)
      const second = await signIn(browserClient)
      return redeem(first.code, second.code_verifier, browserClient)
    },
  },
  {
    mistake: 'the code_verifier is made again on the page of the redirect URI',
    cause: 'verifier_made_anew',
    says: ['Its SHA-256 differs from the code_challenge'],
    async make() {
      const { code } = await signIn()
      return redeem(code, 'x'.repeat(43))
    },
  },
  {
    mistake: 'the code_challenge is sent as the code_verifier',
    cause: 'verifier_is_challenge',
    says: ['The code_challenge was sent as the code_verifier.'],
    async make() {
      const { code, params } = await signIn()
      return redeem(code, params.code_challenge!)
    },
  },
  {
    mistake: 'the code_challenge is the hash in hexadecimal digits',
    cause: 'challenge_hex',
    says: ['in hexadecimal digits', 'base64url'],
    make: () => ask({ code_challenge: 'ab12'.repeat(16) }),
  },
  {
    mistake: 'the code_challenge has padding',
    cause: 'challenge_padded',
    says: ['the padding of base64'],
    make: () => ask({ code_challenge: `${'A'.repeat(43)}=` }),
  },
  {
    mistake: 'code_challenge_method is forgotten',
    cause: 'challenge_method_missing',
    says: ['code_challenge_method is missing, which means plain.', 'code_challenge_method=S256'],
    make: () => ask({ code_challenge_method: undefined }),
  },
  {
    mistake: 'the token request is JSON',
    cause: 'json_body',
    says: ['The body is JSON, where a form is expected.', 'URLSearchParams'],
    make: () =>
      op.fetch('/token', {
        method: 'POST',
        headers: { ...basic(demo), 'content-type': 'application/json' },
        body: JSON.stringify({ grant_type: 'client_credentials' }),
      }),
  },
  {
    mistake: 'the secret is read from a file with a line break at its end',
    cause: 'secret_with_spaces',
    says: ['a space or a line break', 'secret.trim()'],
    make: () => token({ ...demo, client_secret: 'secret456\n' }, { grant_type: 'client_credentials' }),
  },
  {
    mistake: 'a secret with a plus sign is not percent-encoded in the body',
    cause: 'secret_not_encoded',
    says: ['a plus sign that was not percent-encoded', '--data-urlencode'],
    make: () =>
      op.fetch('/token', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'grant_type=client_credentials&client_id=plus&client_secret=K3+vJq8+Zt5rW1xLmN0p',
      }),
  },
  {
    mistake: 'the secret is that of another environment',
    cause: 'secret_wrong',
    says: ['The client_secret is not that of client123.', 'latchkey client secret client123'],
    make: () => token({ ...demo, client_secret: 'of-another-place' }, { grant_type: 'client_credentials' }),
  },
  {
    mistake: 'client_id and client_secret are swapped',
    cause: 'id_and_secret_swapped',
    says: ['client_id and client_secret are swapped.'],
    make: () =>
      token(
        { ...demo, client_id: 'secret456', client_secret: 'client123' },
        { grant_type: 'client_credentials' },
      ),
  },
  {
    mistake: 'the client_id is misspelled',
    cause: 'client_id_misspelled',
    says: ['No client clinet123 is registered; client123 is near.'],
    make: () => token({ ...demo, client_id: 'clinet123' }, { grant_type: 'client_credentials' }),
  },
  {
    mistake: 'the secret comes in the body where Basic is registered',
    cause: 'other_method',
    says: [
      'The client registered client_secret_basic, and the request uses client_secret_post.',
      'latchkey client set only-basic --auth-method client_secret_post',
    ],
    make: () =>
      op.fetch('/token', {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: 'only-basic',
          client_secret: 'Gh7kLp2Qw9Zx4Vb6Nm1T',
        }),
      }),
  },
  {
    mistake: 'an app in a browser sends a secret',
    cause: 'secret_of_public_client',
    says: ['The client is public, and the request has a secret.'],
    async make() {
      const { code, code_verifier } = await signIn(browserClient)
      return redeem(code, code_verifier, browserClient, { client_secret: 'anything' })
    },
  },
  {
    mistake: 'a scope is misspelled',
    cause: 'scope_misspelled',
    says: ['The scope emial is unknown; email is near.', 'scope=openid email'],
    make: () => ask({ scope: 'openid emial' }),
  },
  {
    mistake: 'scopes are separated by commas',
    cause: 'scope_with_commas',
    says: ['separated by commas, where spaces are expected', 'scope=openid%20profile'],
    make: () => ask({ scope: 'openid,profile' }),
  },
  {
    mistake: 'a client asks for a scope that it did not register',
    cause: 'scope_not_registered',
    says: ['is not registered for the scope email', '--scope openid --scope email'],
    make: () => ask({ scope: 'openid email' }, { ...demo, client_id: 'narrow' }),
  },
  {
    mistake: 'an old refresh token is sent again',
    cause: 'refresh_token_used_before',
    says: ['The refresh token was used before', 'Store the refresh_token of each answer'],
    async make() {
      const { code, code_verifier } = await signIn()
      const { refresh_token } = (await (await redeem(code, code_verifier)).json()) as {
        refresh_token: string
      }
      await token(demo, { grant_type: 'refresh_token', refresh_token })
      op.clock.advance(120_000)
      return token(demo, { grant_type: 'refresh_token', refresh_token })
    },
  },
  {
    mistake: 'the variable with the client_id is not set, so that the text undefined is sent',
    cause: 'variable_not_set',
    says: ['client_id came without a value: a variable is not set.', 'VITE_'],
    make: () => ask({ client_id: 'undefined' }),
  },
  {
    mistake: 'the variable with the code_verifier is empty',
    cause: 'variable_not_set',
    says: ['code_verifier came without a value'],
    async make() {
      const { code } = await signIn()
      return redeem(code, '')
    },
  },
  {
    mistake: 'the code is redeemed by another client',
    cause: 'handle_of_other_client',
    says: ['The code was issued to the client client123, and public-client sends it.'],
    async make() {
      const { code, code_verifier } = await signIn()
      return redeem(code, code_verifier, browserClient)
    },
  },
  {
    mistake: 'the client is disabled',
    cause: 'client_disabled',
    says: ['An operator has disabled the client off.'],
    make: () => ask({}, { ...demo, client_id: 'off' }),
  },
  {
    mistake: 'a silent sign-in runs in a hidden frame',
    cause: 'silent_sign_in_in_a_frame',
    says: ['in a frame of another site', 'offline_access'],
    make: () =>
      op.fetch(authorizationUrl(op.issuer, demo, { prompt: 'none' }).url, {
        headers: { 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' },
      }),
  },
  {
    mistake: 'the authorization URL of a pushed request is reloaded',
    cause: 'pushed_request_spent',
    says: ['The request_uri was used before', 'Push the request again'],
    async make() {
      const { params } = authorizationUrl(op.issuer, demo)
      const pushed = await op.fetch('/par', formPost(demo, params as Fields))
      const { request_uri } = (await pushed.json()) as { request_uri: string }
      const query = new URLSearchParams({ client_id: demo.client_id, request_uri })
      await who.goThrough(`${op.issuer}/authorize?${query}`)
      return op.fetch(`/authorize?${query}`)
    },
  },
  {
    mistake: 'a client is not registered for client_credentials',
    cause: 'grant_type_not_registered',
    says: ['is not registered for the grant type client_credentials', '--grant-type client_credentials'],
    make: () =>
      token(
        { ...demo, client_id: 'narrow', client_secret: secrets.narrow },
        { grant_type: 'client_credentials' },
      ),
  },
  {
    mistake: 'the ID Token is sent to userinfo',
    cause: 'id_token_as_access_token',
    says: ['The token is an ID Token.'],
    async make() {
      const { code, code_verifier } = await signIn()
      const { id_token } = (await (await redeem(code, code_verifier)).json()) as { id_token: string }
      return op.fetch('/userinfo', { headers: { authorization: `Bearer ${id_token}` } })
    },
  },
  {
    mistake: 'the access token has expired',
    cause: 'token_expired',
    says: ['The access token expired 1 minute before.', 'ACCESS_TOKEN_TTL'],
    async make() {
      const { code, code_verifier } = await signIn()
      const { access_token, expires_in } = (await (await redeem(code, code_verifier)).json()) as {
        access_token: string
        expires_in: number
      }
      op.clock.advance((expires_in + 60) * 1000)
      return op.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })
    },
  },
  {
    mistake: 'the word Bearer is forgotten',
    cause: 'scheme_missing',
    says: ['without the word Bearer'],
    async make() {
      const { code, code_verifier } = await signIn()
      const { access_token } = (await (await redeem(code, code_verifier)).json()) as { access_token: string }
      return op.fetch('/userinfo', { headers: { authorization: access_token } })
    },
  },
  {
    mistake: 'the scope openid is forgotten before userinfo',
    cause: 'openid_not_asked',
    says: ['The access token lacks the scope openid.', 'scope=openid%20profile'],
    async make() {
      const { code, code_verifier } = await signIn(demo, { scope: 'profile' })
      const { access_token } = (await (await redeem(code, code_verifier)).json()) as { access_token: string }
      return op.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })
    },
  },
  {
    mistake: 'exp of an assertion is in milliseconds',
    cause: 'times_in_milliseconds',
    says: ['exp is in milliseconds, where seconds are expected.', 'Math.floor(milliseconds / 1000)'],
    make: () => assertion({ exp: op.clock.now() + 60_000 }),
  },
  {
    mistake: 'aud of an assertion is the token endpoint',
    cause: 'assertion_audience',
    says: ['aud of the assertion is', '/token, and the issuer', 'CLIENT_ASSERTION_AUDIENCE=endpoint'],
    make: () => assertion({ aud: `${op.issuer}/token` }),
  },
  {
    mistake: 'the clock of the client is ten minutes ahead',
    cause: 'clock_ahead',
    says: ['10 minutes ahead of the clock of this provider', 'timedatectl'],
    make: () => {
      const then = Math.floor(op.clock.now() / 1000) + 600
      return assertion({ iat: then, exp: then + 60 })
    },
  },
  {
    mistake: 'the clock of the client is ten minutes behind',
    cause: 'clock_behind',
    says: ['10 minutes old', 'timedatectl'],
    make: () => {
      const then = Math.floor(op.clock.now() / 1000) - 600
      return assertion({ iat: then, exp: then + 60 })
    },
  },
  {
    mistake: 'the token endpoint is opened as an address',
    cause: 'get_in_place_of_post',
    says: ['/token takes POST, and the request is a GET.'],
    make: () => op.fetch('/token?grant_type=authorization_code'),
  },
  {
    mistake: 'the path is that of another provider',
    cause: 'path_of_other_provider',
    says: ['This provider serves its token endpoint at /token.', '/.well-known/openid-configuration'],
    make: () => op.fetch('/oauth2/v1/token', formPost(demo, { grant_type: 'client_credentials' })),
  },
  {
    mistake: 'a page at an Origin that is not registered calls the token endpoint',
    cause: 'origin_not_registered',
    says: ['pages of https://evil.example', 'CORS_ALLOWED_ORIGINS=https://evil.example'],
    read: explainById,
    make: () =>
      token(
        demo,
        { grant_type: 'client_credentials' },
        { origin: 'https://evil.example', 'sec-fetch-mode': 'cors' },
      ),
  },
  {
    mistake: 'a script requests the authorization endpoint with fetch',
    cause: 'page_by_script',
    says: ['A script requested /authorize with fetch.', 'location.assign'],
    read: explainById,
    make: () =>
      op.fetch(authorizationUrl(op.issuer, demo).url, {
        headers: { origin: 'http://localhost:8080', 'sec-fetch-mode': 'cors' },
      }),
  },
  {
    mistake: 'a proxy removes the Authorization header',
    cause: 'secret_missing_by_proxy',
    says: [
      'A proxy between the client and this provider removed the Authorization header.',
      'proxy_set_header',
    ],
    make: () =>
      op.fetch('/token', {
        method: 'POST',
        headers: { via: '1.1 proxy', 'x-forwarded-for': '10.0.0.9' },
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'client123' }),
      }),
  },
  {
    mistake: 'the client does not authenticate',
    cause: 'secret_missing',
    says: ['The request does not authenticate the client; it registered'],
    make: () =>
      op.fetch('/token', {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'client123' }),
      }),
  },
]

/** Secrets of the clients below. `plus` has characters that a form encodes. */
const secrets = {
  narrow: 'Gh7kLp2Qw9Zx4Vb6Nm1T',
  'only-basic': 'Gh7kLp2Qw9Zx4Vb6Nm1T',
  off: 'Gh7kLp2Qw9Zx4Vb6Nm1T',
  plus: 'K3+vJq8+Zt5rW1xLmN0p',
  signing: shared,
}

beforeAll(async () => {
  const make = async (client_id: keyof typeof secrets, members = {}) => {
    const metadata = {
      client_id,
      redirect_uris: [demo.redirect_uri],
      grant_types: ['client_credentials'],
      ...members,
    }
    await Client.create(op.context, makeClient(op.context, metadata, secrets[client_id]).client)
  }
  await make('narrow', { scope: 'openid', grant_types: ['authorization_code'], either_secret_method: true })
  await make('only-basic', { token_endpoint_auth_method: 'client_secret_basic' })
  await make('off', { disabled: true })
  await make('plus', { either_secret_method: true })
  await make('signing', { token_endpoint_auth_method: 'client_secret_jwt' })
})

test('without the mistakes the requests succeed', async () => {
  const { code, code_verifier } = await signIn()
  const sent = await Promise.all([
    redeem(code, code_verifier),
    assertion({}),
    ...(['only-basic', 'plus'] as const).map((client_id) =>
      token({ ...demo, client_id, client_secret: secrets[client_id] }, { grant_type: 'client_credentials' }),
    ),
  ])
  expect(sent.map(({ status }) => status)).toEqual([200, 200, 200, 200])
})

for (const { mistake, cause, says, make, read = explain } of stories)
  test(mistake, async () => {
    const response = await make()
    const page = await read(op, response)
    expect(page.status).toBe(200)
    expect(page.causes[0]).toBe(cause)
    for (const text of says) expect(page.text).toContain(text)
    expect(await misnamed(page.lines)).toEqual([])
    expect(page.text).toContain('How to mend it')
  })

test('there are at least twenty, and each names a cause of its own or another evidence', () => {
  expect(stories.length).toBeGreaterThanOrEqual(20)
  expect(new Set(stories.map(({ cause }) => cause)).size).toBeGreaterThanOrEqual(20)
})
