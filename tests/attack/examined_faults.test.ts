/** `latchkey examine` finds each fault: a server that changes one answer of a provider that is well fails in that check. Issue 11 §4. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { generateKeyPairSync } from 'node:crypto'
import { examine } from '../../src/cli/examine/report.ts'
import { look, type Sight } from '../../src/cli/examine/sight.ts'
import { checks } from '../../src/cli/examine/table.ts'
import { demoClient } from '../../src/models/demo.ts'
import { type Examined, examined, type Fault } from '../support/examined.ts'

setDefaultTimeout(60_000)

let place: Examined
beforeAll(async () => void (place = await examined()))
afterAll(() => place?.stop())

type Json = Record<string, unknown>

const isMetadata = (url: string) =>
  /\.well-known\/(openid-configuration|oauth-authorization-server)$/.test(url)
const pathOf = ({ url }: Request) => new URL(url).pathname

const withBody = (answer: Response, body: unknown, status = answer.status) => {
  const headers = new Headers(answer.headers)
  headers.delete('content-length')
  return new Response(JSON.stringify(body), { status, headers })
}
const json = async (answer: Response) => (await answer.json()) as Json

/** Of both documents. */
const metadata =
  (change: (document: Json) => Json, only = ''): Fault =>
  async (request, answer) =>
    isMetadata(request.url) && request.url.includes(only)
      ? withBody(answer, change(await json(answer)))
      : answer

const member = (name: string, value: unknown) => metadata((document) => ({ ...document, [name]: value }))

const keys =
  (change: (keys: Json[]) => unknown): Fault =>
  async (request, answer) =>
    pathOf(request) === '/jwks.json'
      ? withBody(answer, { keys: change((await json(answer)).keys as Json[]) })
      : answer

const key = (change: Json) => keys(([first, ...rest]) => [{ ...first, ...change }, ...rest])

const at =
  (path: string, change: Fault): Fault =>
  (request, answer) =>
    pathOf(request) === path ? change(request, answer) : answer

const header = (path: string, name: string, value: string | undefined): Fault =>
  at(path, (_, answer) => {
    const headers = new Headers(answer.headers)
    if (value === undefined) headers.delete(name)
    else headers.set(name, value)
    return new Response(answer.body, { status: answer.status, headers })
  })

const answers = (path: string, status: number, body: Json, headers: Record<string, string> = {}): Fault =>
  at(path, () => Response.json(body, { status, headers }))

/** Follows the request wherever it says. */
const openRedirect: Fault = at('/authorize', ({ url }) => {
  const target = new URL(url).searchParams.get('redirect_uri') ?? ''
  return new Response(null, { status: 303, headers: { location: `${target}?error=invalid_request` } })
})

/** Another error in the redirect to the client. */
const redirected = (change: (params: URLSearchParams) => void, status?: number): Fault =>
  at('/authorize', (_, answer) => {
    const location = answer.headers.get('location')
    if (location === null) return answer
    const url = new URL(location)
    change(url.searchParams)
    return new Response(null, { status: status ?? answer.status, headers: { location: url.href } })
  })

const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })

const html = { status: 400, headers: { 'content-type': 'text/html' } }

const faults: Record<string, Fault> = {
  'metadata.served': (request, answer) =>
    isMetadata(request.url)
      ? new Response('<p>metadata</p>', { headers: { 'content-type': 'text/html' } })
      : answer,
  'metadata.issuer': member('issuer', 'https://evil.example'),
  'metadata.required': metadata(({ response_types_supported: _, ...rest }) => rest),
  'metadata.types': member('scopes_supported', 'openid'),
  'metadata.empty_lists': member('claims_supported', []),
  'metadata.endpoints_https': member('userinfo_endpoint', 'http://id.example/userinfo'),
  'metadata.same_origin': member('end_session_endpoint', 'https://elsewhere.example/end'),
  'metadata.two_documents': metadata(
    (document) => ({ ...document, token_endpoint: 'https://x.example/t' }),
    'oauth',
  ),
  'metadata.response_types': member('response_types_supported', ['id_token']),
  'metadata.implicit': member('response_types_supported', ['code', 'id_token token']),
  'metadata.password_grant': member('grant_types_supported', ['authorization_code', 'password']),
  'metadata.scopes': member('scopes_supported', ['profile']),
  'metadata.subject_types': member('subject_types_supported', ['secret']),
  'abilities.pkce': member('code_challenge_methods_supported', ['plain']),
  'abilities.pkce_plain': member('code_challenge_methods_supported', ['S256', 'plain']),
  'abilities.issuer_parameter': member('authorization_response_iss_parameter_supported', false),
  'abilities.id_token_rs256': member('id_token_signing_alg_values_supported', ['HS256', 'ES256']),
  'abilities.alg_none': member('userinfo_signing_alg_values_supported', ['none', 'RS256']),
  'abilities.request_object_none': member('request_object_signing_alg_values_supported', ['none']),
  'abilities.authentication_algs': metadata(
    ({ token_endpoint_auth_signing_alg_values_supported: _, ...rest }) => rest,
  ),
  'abilities.strong_authentication': member('token_endpoint_auth_methods_supported', ['client_secret_post']),
  'abilities.sender_constrained': metadata(
    ({ dpop_signing_alg_values_supported: _, tls_client_certificate_bound_access_tokens: __, ...rest }) =>
      rest,
  ),
  'keys.served': keys(() => []),
  'keys.private_members': key({ d: 'AAAA' }),
  'keys.kid': key({ kid: undefined }),
  'keys.kid_unique': keys((all) => all.map((each) => ({ ...each, kid: 'one' }))),
  'keys.one_purpose': keys(([first, ...rest]) => [first, { ...first, kid: 'again' }, ...rest]),
  'keys.use': keys(([first, second, ...rest]) => [
    { ...first, use: undefined },
    { ...second, use: 'enc' },
    ...rest,
  ]),
  'keys.alg': key({ alg: undefined }),
  'keys.strength': keys((all) => [...all, { ...weak, kid: 'weak', alg: 'RS256', use: 'sig' }]),
  'keys.for_each_alg': keys(() => [{ ...weak, kid: 'weak', alg: 'PS512', use: 'sig' }]),
  'flows.client_credentials': at('/token', async (_, answer) =>
    answer.ok
      ? withBody(answer, { ...(await json(answer)), token_type: undefined, refresh_token: 'x' })
      : answer,
  ),
  'flows.access_token_jwt': keys((all) =>
    all.map(({ kid: _, ...each }, at) => ({ ...each, kid: `other-${at}` })),
  ),
  'flows.userinfo_of_client': answers('/userinfo', 200, { sub: 'someone' }),
  'flows.introspection': answers('/introspect', 200, { active: true }),
  'flows.revocation': answers('/introspect', 200, { active: true }),
  'flows.revocation_unknown': answers('/revoke', 400, { error: 'invalid_request' }),
  'flows.silent_sign_in': redirected((params) => params.set('iss', 'https://evil.example')),
  'flows.redirect_status': redirected(() => {}, 307),
  'flows.pushed_request': answers('/par', 200, { request_uri: 'urn:x', expires_in: 60 }),
  'flows.device': at('/device_authorization', () => Response.json({ device_code: 'x' })),
  'errors.unknown_client': answers('/token', 400, { error: 'invalid_grant' }),
  'errors.wrong_secret': answers('/token', 200, { access_token: 'x', token_type: 'Bearer' }),
  'errors.challenge': header('/token', 'www-authenticate', undefined),
  'errors.unknown_code': answers('/token', 500, { error: 'server_error' }),
  'errors.unknown_refresh_token': answers('/token', 400, { error: 'invalid_request' }),
  'errors.unknown_grant_type': answers('/token', 400, { error: 'invalid_grant' }),
  'errors.missing_grant_type': answers('/token', 400, { error: 'invalid_grant' }),
  'errors.token_get': answers('/token', 401, { error: 'invalid_client' }),
  'errors.redirect_of_stranger': openRedirect,
  'errors.unknown_redirect_uri': openRedirect,
  'errors.redirect_uri_exact': openRedirect,
  'errors.missing_pkce': redirected((params) => params.set('error', 'login_required')),
  'errors.pkce_method': redirected((params) => params.set('error', 'login_required')),
  'errors.response_type': redirected((params) => params.delete('state')),
  'errors.unsigned_request_object': redirected((params) => params.set('error', 'login_required')),
  'errors.introspection': answers('/introspect', 200, { active: false }),
  'errors.userinfo_without_token': answers('/userinfo', 401, {}),
  'errors.userinfo_wrong_token': answers('/userinfo', 401, {}, { 'www-authenticate': 'Bearer' }),
  'headers.no_store': header('/token', 'cache-control', 'max-age=60'),
  'headers.error_type': header('/token', 'content-type', 'text/plain'),
  'headers.no_frames': at('/authorize', (_, answer) => new Response(answer.body, html)),
  'headers.content_security_policy': header(
    '/authorize',
    'content-security-policy',
    "default-src 'self' 'unsafe-inline'",
  ),
  'headers.referrer': header('/authorize', 'referrer-policy', 'unsafe-url'),
  'headers.no_sniffing': header('/token', 'x-content-type-options', undefined),
  'headers.cors_discovery': header(
    '/.well-known/openid-configuration',
    'access-control-allow-origin',
    undefined,
  ),
  'headers.cors_keys': header('/jwks.json', 'access-control-allow-origin', undefined),
  'headers.cors_token': at('/token', ({ headers: asked }, answer) => {
    const headers = new Headers(answer.headers)
    headers.set('access-control-allow-origin', asked.get('origin') ?? '*')
    headers.set('access-control-allow-credentials', 'true')
    return new Response(answer.body, { status: answer.status, headers })
  }),
  'headers.cors_authorization': header('/authorize', 'access-control-allow-origin', '*'),
  'headers.cookies': header('/authorize', 'set-cookie', 'sid=1; Path=/'),
  'times.clock': header('/.well-known/openid-configuration', 'date', 'Mon, 01 Jan 2024 00:00:00 GMT'),
}

/** What needs https is tried in tests/operations/examine_tls.test.ts; the rest finds no fault by itself. */
const elsewhere = [
  ...['metadata.issuer_form', 'headers.hsts', 'tls.version', 'tls.old_versions', 'tls.certificate'],
  ...['flows.code', 'times.latency'],
]

test('each check has a fault', () => {
  expect([...Object.keys(faults), ...elsewhere].sort()).toEqual(checks.map(({ id }) => id).sort())
})

async function outcomeOf(id: string): Promise<string | undefined> {
  const sight: Sight = {
    ...(await look(place.issuer, place.reach)),
    client: {
      client_id: demoClient.client_id,
      client_secret: demoClient.client_secret,
      redirect_uri: 'http://localhost:8080/callback',
    },
  }
  const report = await examine(
    sight,
    checks.filter((each) => each.id === id),
  )
  return report.checks[0]?.outcome
}

const badOutcome = (id: string): string => {
  const { level = 'must' } = checks.find((each) => each.id === id)!
  return { must: 'fail', should: 'advice', note: 'note' }[level]
}

test.each(Object.entries(faults))('%s', async (id, fault) => {
  place.disturb()
  const well = await outcomeOf(id)
  expect(well, 'without the fault').toBe(
    ['flows.device', 'metadata.endpoints_https'].includes(id) ? 'not_examined' : 'pass',
  )
  place.disturb(fault)
  expect(await outcomeOf(id), 'with the fault').toBe(badOutcome(id))
})

/** A host that begins like the registered one, with its port. */
const redirectByPrefixOfHost: Fault = at('/authorize', (request, answer) => {
  const target = URL.parse(new URL(request.url).searchParams.get('redirect_uri') ?? '')
  return target?.hostname.startsWith('localhost.') && target.port === '8080'
    ? openRedirect(request, answer)
    : answer
})

type Case = [id: string, what: string, fault: Fault, isWell: boolean]
const referrer = (policy: string, isWell: boolean): Case => [
  'headers.referrer',
  policy,
  header('/authorize', 'referrer-policy', policy),
  isWell,
]

test.each<Case>([
  ['errors.redirect_uri_exact', 'by the prefix of the host', redirectByPrefixOfHost, false],
  referrer('no-referrer-when-downgrade', false),
  referrer('no-referrer, unsafe-url', false),
  referrer('originless', false),
  referrer('unsafe-url, Strict-Origin', true),
  referrer('same-origin, not-known-yet', true),
])('%s: %s', async (id, _what, fault, isWell) => {
  place.disturb(fault)
  expect(await outcomeOf(id)).toBe(isWell ? 'pass' : badOutcome(id))
})
