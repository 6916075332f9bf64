/** An MCP client that nobody registered signs a person in, step by step as its specification says. https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import * as oauth from 'oauth4webapi'
import { claimsOf, type Json } from '../support/client.ts'
import { type Laboratory, laboratory, type Stranger } from '../support/laboratory.ts'
import { person } from '../support/person.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'
import { type Example, startExample } from './example.ts'

setDefaultTimeout(60_000)

const http = { [oauth.allowInsecureRequests]: true }
const redirect_uri = 'http://127.0.0.1:33418/callback'

let lab: Laboratory
/** Where the client describes itself. */
let home: Stranger
let clientId: string

beforeAll(async () => {
  lab = laboratory()
  home = await lab.https('localhost', (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        client_id: clientId,
        client_name: 'An MCP client',
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      }),
    ),
  )
  clientId = `https://localhost:${home.port}/oauth/client.json`
})
afterAll(() => lab.close())

const rpc = (method: string, params: Json = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
})

function call(url: URL, token: string | undefined, method: string, params?: Json): Promise<Response> {
  const init = rpc(method, params)
  const headers = { ...(init.headers as Record<string, string>) }
  if (token !== undefined) headers.authorization = `Bearer ${token}`
  return fetch(url, { ...init, headers })
}

/** The first of the places an authorization server may have its metadata, in the order of the specification. */
async function discover(issuer: URL): Promise<{ server: oauth.AuthorizationServer; at: string[] }> {
  const path = issuer.pathname.replace(/\/$/, '')
  const places = [
    `/.well-known/oauth-authorization-server${path}`,
    `/.well-known/openid-configuration${path}`,
    ...(path ? [`${path}/.well-known/openid-configuration`] : []),
  ]
  const found = await Promise.all(places.map((place) => fetch(new URL(place, issuer))))
  const documents = await Promise.all(found.map((each) => oauth.processDiscoveryResponse(issuer, each)))
  for (const document of documents) expect(document).toEqual(documents[0]!)
  return { server: documents[0]!, at: places }
}

interface Found {
  server: oauth.AuthorizationServer
  scope: string
  resource: string
}

/** 401, then the metadata of the resource, then that of the server it trusts. */
async function findWay(url: URL): Promise<Found> {
  const refused = await call(url, undefined, 'initialize')
  expect(refused.status).toBe(401)
  const challenge = refused.headers.get('www-authenticate')!
  const [, metadata] = /resource_metadata="([^"]+)"/.exec(challenge)!
  const [, scope] = /scope="([^"]+)"/.exec(challenge)!
  const described = await oauth.processResourceDiscoveryResponse(url, await fetch(metadata!))
  const byUrl = await oauth.processResourceDiscoveryResponse(
    url,
    await oauth.resourceDiscoveryRequest(url, http),
  )
  expect(described).toEqual(byUrl)
  const { server } = await discover(new URL(described.authorization_servers![0]!))
  expect(server.code_challenge_methods_supported).toContain('S256')
  expect(server.token_endpoint_auth_methods_supported).toContain('none')
  return { server, scope: scope!, resource: described.resource }
}

async function signIn({ server, scope, resource }: Found, client: oauth.Client): Promise<string> {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const url = new URL(server.authorization_endpoint!)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri,
    scope,
    resource,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).toString()
  const back = await person(server.issuer, fetch).goThrough(url.href)
  const answered = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    oauth.validateAuthResponse(server, client, back, state),
    redirect_uri,
    verifier,
    { ...http, additionalParameters: { resource } },
  )
  return (await oauth.processAuthorizationCodeResponse(server, client, answered)).access_token
}

for (const path of ['', '/tenants/one'])
  describe(`PROFILE=mcp, the issuer ${path || 'without a path'}`, () => {
    let provider: SpawnedProvider
    let example: Example
    let url: URL
    beforeAll(async () => {
      const port = `${freePort()}`
      const PORT = `${freePort()}`
      const origin = `http://localhost:${PORT}`
      provider = await spawnProvider({
        PORT: port,
        ISSUER_URL: `http://localhost:${port}${path}`,
        PROFILE: 'mcp',
        RESOURCES: `${origin}/mcp ${origin} ${origin}/mcp/ https://other.example/mcp`,
        // The client's home has an address of this machine only because this is a test.
        OUTBOUND_ALLOW_HOSTS: `localhost:${home.port}`,
        OUTBOUND_CA_PATH: lab.caPath,
      })
      example = await startExample('mcp_server', { PORT, ISSUER: provider.issuer })
      url = new URL(`${example.origin}/mcp`)
    })
    afterAll(async () => {
      await example.stop()
      await provider.stop()
    })

    test('signs in by its metadata document, and calls a tool', async () => {
      const way = await findWay(url)
      expect(way.server.client_id_metadata_document_supported).toBe(true)
      const token = await signIn(way, { client_id: clientId })
      expect(claimsOf(token)).toMatchObject({ aud: url.href, client_id: clientId, scope: 'profile' })
      const hello = (await (await call(url, token, 'initialize')).json()) as { result: Json }
      expect(hello.result.serverInfo).toMatchObject({ name: 'latchkey-example' })
      const said = (await (await call(url, token, 'tools/call', { name: 'whoami' })).json()) as Json
      expect(JSON.stringify(said.result)).toContain(`You are user-alice, and ${clientId} asks for you.`)
    })

    test('an older client registers first', async () => {
      const way = await findWay(url)
      const registered = await oauth.dynamicClientRegistrationRequest(
        way.server,
        {
          client_name: 'An older MCP client',
          redirect_uris: [redirect_uri],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: 'none',
        },
        http,
      )
      const client = await oauth.processDynamicClientRegistrationResponse(registered)
      const token = await signIn(way, client)
      expect((await call(url, token, 'tools/list')).status).toBe(200)
    })

    test('a token for another resource is refused here; one for here is refused elsewhere', async () => {
      const way = await findWay(url)
      for (const resource of ['https://other.example/mcp', example.origin, `${url}/`, provider.issuer]) {
        const token = await signIn({ ...way, resource }, { client_id: clientId })
        const refused = await call(url, token, 'tools/call', { name: 'whoami' })
        expect([resource, refused.status]).toEqual([resource, 401])
        expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"')
      }
      const token = await signIn(way, { client_id: clientId })
      const elsewhere = await oauth.userInfoRequest(way.server, { client_id: clientId }, token, http)
      expect(elsewhere.status).toBe(401)
    })

    test('a scope less, and the tool is out of reach', async () => {
      const way = await findWay(url)
      const token = await signIn({ ...way, scope: 'openid' }, { client_id: clientId })
      const refused = await call(url, token, 'tools/list')
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
        403,
        expect.stringContaining('error="insufficient_scope", scope="profile"'),
      ])
    })

    test('a page in a browser has nothing to say to it', async () => {
      const token = await signIn(await findWay(url), { client_id: clientId })
      const { headers, ...init } = rpc('tools/list')
      const foreign = { ...(headers as Record<string, string>), origin: 'https://evil.example' }
      const answer = await fetch(url, {
        ...init,
        headers: { ...foreign, authorization: `Bearer ${token}` },
      })
      expect(answer.status).toBe(403)
    })
  })
