/**
 * Issue 9, C.35: with PROFILE=mcp the registrations of the clients that exist were refused: VS Code for a grant type,
 * Cursor for its scheme, MCP Inspector for empty members, Claude for a scope. The bodies are those of their sources and of
 * public reports.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { loadConfig } from '../../src/config.ts'
import { authorizationUrl, claimsOf, formPost, type Json } from '../support/client.ts'
import { authorize, browser, operatorClient, post } from '../support/flow.ts'
import { type Laboratory, laboratory, type Stranger } from '../support/laboratory.ts'
import { type Provider, provider } from '../support/provider.ts'
import { asClient, manage, register, registered } from '../support/registration.ts'

const device = 'urn:ietf:params:oauth:grant-type:device_code'
const env = { PROFILE: 'mcp', SCOPES: 'mcp:tools', RATE_LIMITING_ENABLED: 'false' }
const op = await provider({ env })
/** As in production: no origin is listed for all. */
const own = await provider({ env: { ...env, CORS_ALLOWED_ORIGINS: 'https://listed.example' } })
const strict = await provider({ env: { REGISTRATION: 'open', RATE_LIMITING_ENABLED: 'false' } })

const vsCode = {
  client_name: 'Visual Studio Code',
  client_uri: 'https://code.visualstudio.com',
  grant_types: ['authorization_code', 'refresh_token', device],
  response_types: ['code'],
  redirect_uris: [
    'https://insiders.vscode.dev/redirect',
    'https://vscode.dev/redirect',
    'http://127.0.0.1/',
    'http://127.0.0.1:33418/',
  ],
  token_endpoint_auth_method: 'none',
  application_type: 'native',
}
const cursor = {
  client_name: 'Cursor',
  redirect_uris: [
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'https://www.cursor.com/agents/mcp/oauth/callback',
    'http://localhost:8787/callback',
  ],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
}
const claude = {
  client_name: 'Claude',
  redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_post',
  scope: 'claudeai',
}
const claudeCode = {
  client_name: 'Claude Code (example)',
  redirect_uris: ['http://localhost:54212/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
}
const inspector = {
  redirect_uris: ['http://localhost:6274/oauth/callback', 'http://localhost:6274/oauth/callback/debug'],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  client_name: 'MCP Inspector',
  client_uri: 'https://github.com/modelcontextprotocol/inspector',
  scope: '',
}

/** The code flow of a client that posts its secret, if it has one. */
async function signIn(at: Provider, made: Json, redirect_uri: string, scope = 'openid mcp:tools') {
  const client = { ...asClient(made), redirect_uri }
  const { code, code_verifier, location } = await authorize(at, browser(at), client, { scope })
  expect(location.href).toStartWith(redirect_uri)
  const { client_secret, client_id } = client
  const { status, body } = await post(
    at,
    '/token',
    { client_id, redirect_uri },
    {
      grant_type: 'authorization_code',
      code,
      code_verifier,
      redirect_uri,
      ...(client_secret !== undefined && { client_secret }),
    },
  )
  expect(status).toBe(200)
  return body
}

describe('the clients that exist', () => {
  test.each(Object.entries({ vsCode, cursor, claude, claudeCode, inspector }))(
    '%s registers, and signs in at each of its redirect URIs',
    async (_, body) => {
      const made = await registered(op, body)
      expect(made.redirect_uris).toEqual(body.redirect_uris)
      expect(made.grant_types).toEqual(['authorization_code', 'refresh_token'])
      for (const uri of body.redirect_uris) {
        const { access_token, refresh_token } = await signIn(op, made, uri)
        expect(claimsOf(access_token).scope).toBe('openid mcp:tools')
        expect(refresh_token).toBeTruthy()
      }
    },
  )
})

describe('what is not offered is left out', () => {
  test('a grant type, a response type, a scope, a redirect URI: the answer names them', async () => {
    const uris = ['https://app.example/cb', 'http://app.example/cb', 'javascript:alert(1)']
    const made = await registered(op, {
      redirect_uris: uris,
      post_logout_redirect_uris: ['https://app.example/', 'ftp://app.example/'],
      grant_types: ['authorization_code', device, 'password', 'client_credentials'],
      response_types: ['code', 'code id_token', 'nothing'],
      scope: 'openid unknown mcp:tools a"b',
    })
    expect(made).toMatchObject({
      redirect_uris: uris.slice(0, 1),
      post_logout_redirect_uris: ['https://app.example/'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      scope: 'openid mcp:tools',
      left_out: {
        redirect_uris: uris.slice(1),
        post_logout_redirect_uris: ['ftp://app.example/'],
        grant_types: [device, 'password', 'client_credentials'],
        response_types: ['code id_token', 'nothing'],
        scope: 'unknown a"b',
      },
    })
    expect(op.lines.findLast((line) => line.includes('client_registered'))).toContain('left_out')
    const again = await manage(op, 'GET', made, made.registration_access_token)
    expect(again.body).not.toHaveProperty('left_out')
  })

  test.each<[string, Json]>([
    ['a logo without TLS', { logo_uri: 'http://app.example/logo.png' }],
    ['an image in place of its URL', { logo_uri: `data:image/png;base64,${'A'.repeat(100)}` }],
    ['a URL without scheme', { client_uri: 'app.example' }],
    ['a path', { tos_uri: '/terms', policy_uri: 'about:blank' }],
    ['a host that means something in a header', { client_uri: 'https://a;sandbox/' }],
    ['one contact', { contacts: 'me@app.example' }],
    ['a number', { software_version: 1.2 }],
    ['a type of another specification', { application_type: 'browser' }],
  ])('a member that only describes the client, in a wrong form: %s', async (_, more) => {
    const made = await registered(op, { ...claudeCode, ...more })
    for (const name of Object.keys(more)) expect(made).not.toHaveProperty(name)
    expect(made.left_out).toEqual(
      Object.fromEntries(Object.entries(more).map(([name, value]) => [name, String(value)])),
    )
    expect((await register(strict, { ...claudeCode, ...more })).status).toBe(400)
  })

  test('nothing is left out: the answer names nothing', async () => {
    expect(await registered(op, cursor)).not.toHaveProperty('left_out')
  })

  test('an update is read like a registration', async () => {
    const made = await registered(op, cursor)
    const body = {
      client_id: made.client_id,
      ...vsCode,
      scope: '',
      redirect_uris: [...cursor.redirect_uris, 'x'],
    }
    const updated = await manage(op, 'PUT', made, made.registration_access_token, body)
    expect([updated.status, updated.body.redirect_uris]).toEqual([200, cursor.redirect_uris])
    expect(updated.body.left_out).toEqual({ grant_types: [device], redirect_uris: ['x'] })
  })

  test.each<[string, Json, string]>([
    [
      'redirect URIs',
      { redirect_uris: ['javascript:alert(1)', 'http://a.example/'] },
      'invalid_redirect_uri',
    ],
    ['grant types', { ...cursor, grant_types: [device] }, 'invalid_client_metadata'],
    ['response types', { ...cursor, response_types: ['token'] }, 'invalid_client_metadata'],
    [
      'the grant type of the code',
      { ...cursor, grant_types: [device, 'refresh_token'] },
      'invalid_client_metadata',
    ],
    ['no redirect URI', { ...cursor, redirect_uris: [] }, 'invalid_redirect_uri'],
  ])('refused when none remains: %s', async (_, body, error) => {
    const answer = await register(op, body)
    expect([answer.status, answer.body.error]).toEqual([400, error])
  })

  test.each<[string, Json]>([
    ['a list that is none', { ...cursor, redirect_uris: cursor.redirect_uris[1] }],
    ['a value that is no text', { ...cursor, redirect_uris: [...cursor.redirect_uris, 1] }],
    ['more than 50', { ...cursor, redirect_uris: Array(51).fill(cursor.redirect_uris[1]) }],
    ['a method', { ...cursor, token_endpoint_auth_method: 'magic' }],
    ['an algorithm', { ...cursor, id_token_signed_response_alg: 'none' }],
    ['a member that must not be ignored', { ...cursor, backchannel_logout_uri: 'http://a.example/' }],
  ])('still refused: %s', async (_, body) => {
    expect((await register(op, body)).status).toBe(400)
  })

  test('discovery says what registration gives', async () => {
    const metadata = (await (await op.fetch('/.well-known/oauth-authorization-server')).json()) as Json
    const made = await registered(op, {
      redirect_uris: ['https://app.example/cb'],
      grant_types: metadata.grant_types_supported,
      response_types: metadata.response_types_supported,
      scope: (metadata.scopes_supported as string[]).join(' '),
    })
    expect(made).not.toHaveProperty('left_out')
    expect(made.grant_types).toEqual(metadata.grant_types_supported)
    expect(made.scope).toBe((metadata.scopes_supported as string[]).join(' '))
    expect(metadata.scopes_supported).toContain('mcp:tools')
    const wider = await provider({
      env: { ...env, REGISTRATION_ALLOWED_GRANT_TYPES: `authorization_code refresh_token ${device}` },
    })
    const more = (await (await wider.fetch('/.well-known/openid-configuration')).json()) as Json
    expect(more.grant_types_supported).toEqual(['authorization_code', 'refresh_token', device])
    expect((await registered(wider, vsCode)).grant_types).toEqual(vsCode.grant_types)
  })
})

describe('an empty member is absent', () => {
  test('texts and lists', async () => {
    const made = await registered(op, {
      redirect_uris: ['https://app.example/cb'],
      client_name: '',
      client_uri: '',
      logo_uri: ' ',
      policy_uri: '',
      tos_uri: '',
      'client_name#fr': '',
      jwks_uri: '',
      scope: '',
      software_id: '',
      contacts: [],
      response_types: [],
      grant_types: [],
      post_logout_redirect_uris: [],
      application_type: '',
      token_endpoint_auth_method: '',
      default_acr_values: [],
    })
    expect(made).toMatchObject({
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      scope: 'openid profile email address phone offline_access mcp:tools',
    })
    for (const name of ['client_name', 'client_uri', 'logo_uri', 'jwks_uri', 'contacts', 'client_name#fr'])
      expect(made).not.toHaveProperty([name])
    expect(made).not.toHaveProperty('left_out')
  })

  test('response_types: [] beside authorization_code is code', async () => {
    const made = await registered(op, { ...cursor, response_types: [] })
    expect([made.response_types, made.grant_types]).toEqual([
      ['code'],
      ['authorization_code', 'refresh_token'],
    ])
  })

  test('a scope of which nothing is known is absent, too', async () => {
    const made = await registered(op, { ...cursor, scope: 'claudeai' })
    expect([made.scope, made.left_out]).toEqual([
      'openid profile email address phone offline_access mcp:tools',
      { scope: 'claudeai' },
    ])
    const tokens = await signIn(op, made, cursor.redirect_uris[1]!, 'openid claudeai')
    expect(claimsOf(tokens.access_token).scope).toBe('openid')
  })
})

describe('schemes of applications', () => {
  const withScheme = (uri: string) => register(op, { ...cursor, redirect_uris: [uri] })

  test.each([
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'vscode://vscode.mcp/callback?x=1',
    'vscode-insiders://callback',
    'windsurf://codeium.windsurf/oauth',
    'claude://oauth/callback',
    'zed://mcp/oauth',
    'warp://mcp/oauth2callback',
    'raycast://oauth',
    'com.example.app:/callback',
  ])('%s', async (uri) => {
    const answer = await withScheme(uri)
    expect([answer.status, answer.body.redirect_uris]).toEqual([201, [uri]])
  })

  test.each([
    'javascript://host/%0aalert(1)',
    'JavaScript://host/%0aalert(1)',
    'javascript:alert(1)',
    'vbscript://host/x',
    'x-javascript://host/x',
    'data://text/html,x',
    'data:text/html,x',
    'file://host/share',
    'blob://host/x',
    'about://blank',
    'view-source://app.example/',
    'filesystem://host/x',
    'chrome-extension://abcdef/x',
    'moz-extension://abcdef/x',
    'http://app.example/cb',
    'HTTP://app.example/cb',
    'httpx://app.example/cb',
    'shttp://app.example/cb',
    'http-s://app.example/cb',
    'htps://app.example/cb',
    'htttp://app.example/cb',
    'hxxps://app.example/cb',
    'hhtps://app.example/cb',
    'nttps://app.example/cb',
    'httq://app.example/cb',
    'httos://app.example/cb',
    'hattps://app.example/cb',
    'web+app://host/x',
    'ext+app://host/x',
    'ws://host/x',
    'wss://host/x',
    'ftp://host/x',
    'ssh://host/x',
    'mailto://host/x',
    'intent://host/x',
    'ms-msdt://host/x',
    'search-ms://host/x',
    'otpauth://totp/x',
    'cursor:callback',
    'cursor:/callback',
    'cursor:///callback',
    'cursor://',
    'cursor://user@host/callback',
    'cursor://host/callback#x',
    'cursor://*/callback',
    'cursor://ho st/callback',
    'c://host/callback',
  ])('never %s', async (uri) => {
    const answer = await withScheme(uri)
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_redirect_uri'])
  })

  test('never one that a website, a browser or a system handles', async () => {
    // https://html.spec.whatwg.org/#safelisted-scheme, and what Chromium and Firefox allow beyond it.
    const websites =
      'bitcoin cabal dat did doi dweb ethereum ftp ftps geo hyper im ipfs ipns irc ircs magnet mailto matrix mms news nntp openpgp4fpr payto sftp sip sms smsto ssb ssh tel urn webcal wtai xmpp'
    const browsers =
      'googlechrome googlechromes googlechrome-x-callback chrome firefox firefox-focus firefox-klar microsoft-edge opera brave vivaldi safari-https'
    const systems =
      'webcals jnlp jnlps apt snap flatpak appstream x-man-page telprompt facetime-prompt itms-books steam admin'
    const wallets = 'lightning lnurlp bitcoincash upi wc siopv2 openid-initiate-issuance eudi-openid4vp mdoc'
    const taken = [websites, browsers, systems, wallets].flatMap((line) => line.split(' '))
    const accepted: string[] = []
    for (const scheme of taken)
      if ((await withScheme(`${scheme}://oauth/callback`)).status !== 400) accepted.push(scheme)
    expect(accepted).toEqual([])
  })

  test('the application that gets the answer is asked for each time, and the page names its scheme', async () => {
    const made = await registered(op, cursor)
    const client = asClient(made)
    const who = browser(op)
    await authorize(op, who, client)
    const { url } = authorizationUrl(op.issuer, client)
    const { page } = await who.open(url)
    expect(page!.html).toContain('<bdi class="host">cursor</bdi>')
    expect(page!.headers.get('content-security-policy')).toContain('cursor:')
  })

  test('not for a website', async () => {
    const answer = await register(op, { ...cursor, application_type: 'web' })
    expect(answer.body.redirect_uris).toEqual(cursor.redirect_uris.slice(1))
  })
})

describe('a loopback port', () => {
  const at = (made: Json, uri: string) =>
    browser(op).open(authorizationUrl(op.issuer, { ...asClient(made), redirect_uri: uri }).url)

  test('of localhost may differ for a client that registered itself, like those of the addresses', async () => {
    const made = await registered(op, { ...claudeCode, redirect_uris: ['http://localhost/callback'] })
    await signIn(op, made, 'http://localhost:61234/callback')
    await signIn(op, made, 'http://localhost/callback')
    for (const uri of [
      'http://localhost:61234/other',
      'http://localhost:61234/callback?x=1',
      'https://localhost:61234/callback',
      'http://localhost:99999/callback',
      'http://localhost:80@evil.example/callback',
      'http://localhost.evil.example/callback',
      'http://127.0.0.1:61234/callback',
      'http://LOCALHOST:61234/callback',
    ])
      expect([uri, (await at(made, uri)).page?.status]).toEqual([uri, 400])
  })

  test('the page there reads the answers', async () => {
    const made = await registered(own, { ...claudeCode, redirect_uris: ['http://localhost/callback'] })
    const isReadableAt = async (origin: string) => {
      const init = formPost(asClient(made), { token: 'x' }, { origin })
      return (await own.fetch('/revoke', init)).headers.get('access-control-allow-origin') === origin
    }
    expect(await isReadableAt('http://localhost:6274')).toBe(true)
    expect(await isReadableAt('http://localhost.evil.example')).toBe(false)
    expect(await isReadableAt('http://127.0.0.1:6274')).toBe(false)
  })

  test('is exact for a client of the operator', async () => {
    const redirect_uris = ['http://localhost:8080/callback']
    const made = await operatorClient(op, { client_id: 'exact', redirect_uris })
    const { page } = await at({ ...made, redirect_uris }, 'http://localhost:8081/callback')
    expect(page?.status).toBe(400)
  })
})

describe('MCP-Protocol-Version and other origins', () => {
  test('in production, without a variable', async () => {
    const config = loadConfig({
      NODE_ENV: 'production',
      PROFILE: 'mcp',
      ISSUER_URL: 'https://id.example',
      SECRET_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString('base64'),
      STORE_URL: 'sqlite:unused.db',
    })
    expect([config.corsAllowedOrigins, config.corsRedirectOrigins, config.registration]).toEqual([
      [],
      'registration',
      'open',
    ])
    const origin = 'http://localhost:6274'
    for (const path of [
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
      '/jwks.json',
      '/register',
      '/token',
      '/userinfo',
      '/revoke',
    ]) {
      const { headers } = await own.fetch(path, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-headers': 'mcp-protocol-version' },
      })
      const allowed = [
        headers.get('access-control-allow-origin'),
        headers.get('access-control-allow-headers'),
      ]
      expect([path, ...allowed]).toEqual([
        path,
        path.includes('.') ? '*' : origin,
        expect.stringMatching(/\bmcp-protocol-version\b/i),
      ])
    }
    const answer = await own.fetch('/register', {
      method: 'POST',
      body: JSON.stringify(inspector),
      headers: { origin, 'content-type': 'application/json', 'mcp-protocol-version': '2025-11-25' },
    })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([201, origin])
  })
})

describe('a metadata document', () => {
  let lab: Laboratory
  let server: Stranger
  let published: Json
  beforeAll(async () => {
    lab = laboratory()
    server = await lab.https('localhost', (_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(published)),
    )
  })
  afterAll(() => lab.close())

  test.each(Object.entries({ vsCode, cursor, claudeCode, inspector }))('of %s', async (name, body) => {
    const client_id = `https://localhost:${server.port}/${name}.json`
    const [uri] = body.redirect_uris
    published = {
      ...body,
      client_id,
      grant_types: [...body.grant_types, device],
      response_types: [],
      redirect_uris: ['javascript:alert(1)', 'http://localhost/callback', ...body.redirect_uris],
      token_endpoint_auth_method: '',
      logo_uri: '',
    }
    const at = await provider({
      env: { ...env, OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`, OUTBOUND_CA_PATH: lab.caPath },
    })
    const client = { client_id, redirect_uris: body.redirect_uris }
    await signIn(at, client, uri!)
    await signIn(at, client, 'http://localhost:61234/callback')
    const script = authorizationUrl(at.issuer, { client_id, redirect_uri: 'javascript:alert(1)' })
    expect((await browser(at).open(script.url)).page?.status).toBe(400)
  })
})

describe('without PROFILE=mcp', () => {
  test.each<[string, Json]>([
    ['a grant type', vsCode],
    ['a scheme', cursor],
    ['a scope', claude],
    ['an empty text', { ...claudeCode, client_uri: '' }],
  ])('%s is refused as before', async (_, body) => {
    expect((await register(strict, body)).status).toBe(400)
  })

  test('the scopes of APIs are not for clients that register themselves', async () => {
    const at = await provider({ env: { REGISTRATION: 'open', SCOPES: 'api:read' } })
    expect((await registered(at, claudeCode)).scope).not.toContain('api:read')
  })

  test('each rule has a variable of its own', async () => {
    const at = await provider({
      env: {
        REGISTRATION: 'open',
        REGISTRATION_MISFITS: 'leave_out',
        REGISTRATION_REDIRECT_SCHEMES: 'with_host',
      },
    })
    expect((await registered(at, cursor)).redirect_uris).toEqual(cursor.redirect_uris)
    expect((await registered(at, vsCode)).left_out).toEqual({ grant_types: [device] })
  })
})
