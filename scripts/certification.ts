/**
 * Makes everything that a run of the OpenID conformance suite needs (docs/certification.md):
 * `bun scripts/certification.ts oidc|fapi2|ciba|fapi1` writes to certification/NAME the variables of the provider, the
 * metadata of the clients, and the configuration of the suite with the private keys of the clients. Existing keys stay.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWK } from 'jose'

const plans = ['oidc', 'fapi2', 'ciba', 'fapi1'] as const
type Plan = (typeof plans)[number]
type Json = Record<string, unknown>

/** Where the suite and the provider are, as each of them and the browser reach the other. */
const suite = process.env.SUITE_URL ?? 'https://localhost.emobix.co.uk:8443'
const issuer = process.env.ISSUER_URL ?? 'https://host.docker.internal:8445'
const mtlsIssuer = process.env.MTLS_ISSUER_URL ?? 'https://host.docker.internal:8446'

const proxied = {
  NODE_ENV: 'development',
  ISSUER_URL: issuer,
  TRUSTED_PROXIES: '127.0.0.1',
  RATE_LIMITING_ENABLED: 'false',
}
const certificates = {
  MUTUAL_TLS: 'true',
  MTLS_ISSUER_URL: mtlsIssuer,
  MTLS_CLIENT_CERT_HEADER: 'X-SSL-Client-Cert',
  MTLS_CLIENT_VERIFY_HEADER: 'X-SSL-Client-Verify',
}
const strong = { SIGNING_ALGS: 'PS256 ES256', ACCESS_TOKEN_ALG: 'PS256', FAPI_INTERACTION_ID: 'true' }

const variables: Record<Plan, Record<string, string>> = {
  oidc: {
    ...proxied,
    PROFILE: 'classic',
    REGISTRATION: 'open',
    ID_TOKEN_CLAIMS: 'by_client',
    UNVERIFIED_CLIENT_LOGOS: 'true',
    UNVERIFIED_CLIENTS_REDIRECT: 'at_once',
  },
  fapi2: { ...proxied, PROFILE: 'fapi2', REGISTRATION: 'closed' },
  ciba: {
    ...proxied,
    ...certificates,
    ...strong,
    CLIENT_ASSERTION_AUDIENCE: 'endpoint',
    CIBA_DELIVERY_MODES: 'poll ping',
    REGISTRATION: 'closed',
  },
  fapi1: {
    ...proxied,
    ...certificates,
    ...strong,
    CLIENT_ASSERTION_AUDIENCE: 'endpoint',
    IMPLICIT_AND_HYBRID: 'on',
    REQUIRE_PKCE: 'false',
    REGISTRATION: 'closed',
  },
}

const alias = (plan: Plan) => `latchkey-${plan}`
const callback = (plan: Plan) => `${suite}/test/a/${alias(plan)}/callback`

/** The second client has a redirect URI with a query, as the suite wants it. */
const redirects = (plan: Plan, second: boolean) => [
  second ? `${callback(plan)}?dummy1=lorem&dummy2=ipsum` : callback(plan),
]

const ofKeys = {
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'PS256',
  id_token_signed_response_alg: 'PS256',
}

const metadata: Record<Exclude<Plan, 'oidc'>, (second: boolean) => Json> = {
  fapi2: (second) => ({
    ...ofKeys,
    redirect_uris: redirects('fapi2', second),
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    dpop_bound_access_tokens: true,
    scope: 'openid profile email offline_access',
  }),
  ciba: () => ({
    ...ofKeys,
    redirect_uris: [],
    grant_types: ['urn:openid:params:grant-type:ciba', 'refresh_token'],
    response_types: [],
    backchannel_token_delivery_mode: 'poll',
    backchannel_authentication_request_signing_alg: 'PS256',
    tls_client_certificate_bound_access_tokens: true,
    scope: 'openid profile email offline_access',
  }),
  fapi1: (second) => ({
    ...ofKeys,
    redirect_uris: redirects('fapi1', second),
    grant_types: ['authorization_code', 'implicit', 'refresh_token'],
    response_types: ['code id_token', 'code'],
    request_object_signing_alg: 'PS256',
    authorization_signed_response_alg: 'PS256',
    require_signed_request_object: true,
    tls_client_certificate_bound_access_tokens: true,
    scope: 'openid profile email offline_access',
  }),
}

/** What a person does on our pages, for the browser of the suite. */
const browser = (plan: Plan): Json[] => [
  {
    match: `${issuer}/authorize*`,
    tasks: [
      {
        task: 'Sign in',
        optional: true,
        match: `${issuer}/login*`,
        commands: [
          ['text', 'name', 'username', 'alice', 'optional'],
          ['text', 'name', 'password', 'alicepassword'],
          ['click', 'name', 'login'],
        ],
      },
      { task: 'Allow', optional: true, match: `${issuer}/consent*`, commands: [['click', 'name', 'allow']] },
      {
        task: 'Return to the suite',
        match: `${callback(plan)}*`,
        commands: [['wait', 'id', 'submission_complete', 10]],
      },
    ],
  },
]

const folderOf = (plan: Plan) => join('certification', plan)
const write = (plan: Plan, name: string, text: string) => writeFileSync(join(folderOf(plan), name), text)
const asText = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

async function keyOf(plan: Plan, name: string): Promise<JWK> {
  const path = join(folderOf(plan), `${name}.key.json`)
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as JWK
  const { privateKey } = await generateKeyPair('PS256', { extractable: true })
  const key = { ...(await exportJWK(privateKey)), kid: `${plan}-${name}`, alg: 'PS256', use: 'sig' }
  writeFileSync(path, asText(key), { mode: 0o600 })
  return key
}

function publicHalf({ kty, n, e, kid, alg, use }: JWK): JWK {
  return { kty, n, e, kid, alg, use } as JWK
}

function certificateOf(plan: Plan, name: string): Json {
  const [key, cert] = [`${name}.tls.key`, `${name}.tls.pem`].map((each) => join(folderOf(plan), each))
  if (!existsSync(cert!)) {
    const subject = ['-subj', `/O=Latchkey certification/CN=${plan}-${name}`]
    const made = Bun.spawnSync(
      ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '365', ...subject].concat([
        ...['-keyout', key!],
        ...['-out', cert!],
      ]),
    )
    if (!made.success) throw new Error(`openssl: ${made.stderr.toString()}`)
  }
  return { key: readFileSync(key!, 'utf8'), cert: readFileSync(cert!, 'utf8') }
}

async function clientOf(plan: Exclude<Plan, 'oidc'>, name: 'client' | 'client2'): Promise<Json> {
  const key = await keyOf(plan, name)
  const registered = metadata[plan](name === 'client2')
  write(plan, `${name}.json`, asText({ ...registered, jwks: { keys: [publicHalf(key)] } }))
  return {
    client_id: `${plan}-${name}`,
    scope: 'openid profile email',
    jwks: { keys: [key] },
    ...(plan === 'fapi2' && { dpop_signing_alg: 'PS256' }),
    ...(plan === 'ciba' && { hint_type: 'login_hint', hint_value: 'alice' }),
  }
}

async function configurationOf(plan: Plan): Promise<Json> {
  const base = {
    alias: alias(plan),
    description: `Latchkey: ${plan}`,
    server: { discoveryUrl: `${issuer}/.well-known/openid-configuration` },
    ...(plan !== 'ciba' && { browser: browser(plan) }),
  }
  if (plan === 'oidc')
    return { ...base, client: { client_name: 'first client' }, client2: { client_name: 'second client' } }
  const [client, client2] = [await clientOf(plan, 'client'), await clientOf(plan, 'client2')]
  const host = plan === 'fapi2' ? issuer : mtlsIssuer
  return {
    ...base,
    client,
    client2,
    resource: { resourceUrl: `${host}/userinfo` },
    ...(plan !== 'fapi2' && {
      mtls: certificateOf(plan, 'client'),
      mtls2: certificateOf(plan, 'client2'),
    }),
  }
}

const plan = plans.find((each) => each === process.argv[2])
if (!plan) {
  console.error(`usage: bun scripts/certification.ts ${plans.join('|')}`)
  process.exit(2)
}
mkdirSync(folderOf(plan), { recursive: true })
const env = { ...variables[plan], STORE_URL: `sqlite:${join(folderOf(plan), 'latchkey.db')}` }
write(
  plan,
  'provider.env',
  Object.entries(env)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
    .join(''),
)
write(plan, 'suite.json', asText(await configurationOf(plan)))
console.log(`certification/${plan} has provider.env, suite.json and the clients`)
