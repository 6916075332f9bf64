/** examples/api at work: its README carried out, and with a provider the tokens of an End-User, step-up, rotation and revocation. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createProvingFetch } from '../../examples/api/proving_fetch.ts'
import { type RunningLatchkey, startLatchkey } from '../../examples/start/latchkey.ts'
import { authorizationUrl, formPost, type TestClient } from '../support/client.ts'
import { freePort } from '../support/free_port.ts'
import { person } from '../support/person.ts'
import { until } from '../support/until.ts'
import { type Example, startExample } from './example.ts'
import { carryOut } from './example_readme.ts'

setDefaultTimeout(120_000)

test('the README does what it says', async () => {
  const { runs } = await carryOut('api', [
    ['PORT', 9000, freePort()],
    ['PROVIDER_PORT', 5000, freePort()],
  ])
  expect(runs[0]!.stdout).toMatch(/www-authenticate: Bearer scope="read:notes", resource_metadata=/)
  expect(runs[0]!.stdout).toContain('"scopes_supported":["read:notes","write:notes"]')
})

describe('with the tokens of an End-User', () => {
  const ways = ['jwt', 'introspection'] as const
  const ports = { jwt: freePort(), introspection: freePort(), strong: freePort() }
  type Name = keyof typeof ports
  const resource = (name: Name) => `http://localhost:${ports[name]}`
  const notebook: TestClient = { client_id: 'notebook', redirect_uri: 'http://localhost:8080/callback' }
  const apis: Example[] = []
  let provider: RunningLatchkey

  beforeAll(async () => {
    provider = await startLatchkey(
      freePort(),
      {
        scopes: ['read:notes', 'write:notes'],
        clients: [
          {
            client_id: 'notes-api',
            grant_types: ['client_credentials'],
            resource_server: true,
            resource_uris: [resource('introspection')],
            client_secret: 'env:API_SECRET',
          },
          {
            client_id: notebook.client_id,
            token_endpoint_auth_method: 'none',
            redirect_uris: [notebook.redirect_uri],
            scope: 'openid read:notes write:notes',
          },
        ],
      },
      {
        RESOURCES: Object.values(ports)
          .map((port) => `http://localhost:${port}`)
          .join(' '),
        API_SECRET: 'c2VjcmV0LW9mLXRoZS1hcGktaW4tdGVzdHM',
        ACCESS_TOKEN_TTL: '60',
      },
    )
    for (const name of Object.keys(ports) as Name[])
      apis.push(
        await startExample('api', {
          PORT: `${ports[name]}`,
          ISSUER: provider.issuer,
          VERIFY: name === 'introspection' ? 'introspection' : 'jwt',
          CLIENT_SECRET: 'c2VjcmV0LW9mLXRoZS1hcGktaW4tdGVzdHM',
          KEEP_FOR: '1',
          MAX_AGE: '2',
          DEVELOPER_PAGE: `${name !== 'strong'}`,
          ...(name === 'strong' && { ACR_VALUES: 'urn:example:hardware urn:example:two' }),
        }),
      )
  })
  afterAll(async () => {
    await Promise.all(apis.map((each) => each.stop()))
    await provider.stop()
  })

  async function tokens(
    of: Name,
    {
      scope = 'openid read:notes write:notes',
      by = person(provider.issuer, fetch),
      more = {},
      send = fetch as typeof fetch,
    } = {},
  ) {
    const asked = { scope, resource: resource(of), ...more }
    const { url, code_verifier } = authorizationUrl(provider.issuer, notebook, asked)
    const code = (await by.goThrough(url)).searchParams.get('code')!
    const fields = {
      grant_type: 'authorization_code',
      code,
      code_verifier,
      redirect_uri: notebook.redirect_uri,
    }
    const answer = await send(`${provider.issuer}/token`, formPost(notebook, fields))
    return (await answer.json()) as Record<
      'access_token' | 'id_token' | 'refresh_token' | 'token_type',
      string
    >
  }
  const notes = (name: Name, authorization?: string, init: RequestInit = {}) =>
    fetch(`${resource(name)}/notes`, { ...init, headers: authorization ? { authorization } : {} })
  const codeOf = (answer: Response) => /error="(\w+)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1]

  for (const way of ways)
    test(`by ${way}: an access token for this API with the scope, and nothing else`, async () => {
      const good = await tokens(way)
      expect(good.token_type).toBe('Bearer')
      const added = await notes(way, `Bearer ${good.access_token}`, {
        method: 'POST',
        body: '{"text":"mine"}',
      })
      expect(added.status).toBe(201)
      expect(await (await notes(way, `Bearer ${good.access_token}`)).json()).toEqual({ notes: ['mine'] })
      expect((await notes(way, `bearer ${good.access_token}`)).status).toBe(200)
      const forAnother = await tokens(way === 'jwt' ? 'introspection' : 'jwt')
      const wrong = [
        good.id_token,
        good.refresh_token,
        forAnother.access_token,
        `${good.access_token}A`,
        'made-up',
      ]
      for (const each of wrong) {
        const refused = await notes(way, `Bearer ${each}`)
        expect([refused.status, codeOf(refused)]).toEqual([401, 'invalid_token'])
      }
      const bare = await notes(way)
      expect([bare.status, codeOf(bare)]).toEqual([401, undefined])
      expect(bare.headers.get('www-authenticate')).toContain(
        `resource_metadata="${resource(way)}/.well-known/oauth-protected-resource"`,
      )
      const narrow = await tokens(way, { scope: 'openid read:notes' })
      const refused = await notes(way, `Bearer ${narrow.access_token}`, { method: 'POST', body: '{}' })
      expect([refused.status, codeOf(refused)]).toEqual([403, 'insufficient_scope'])
      expect(refused.headers.get('www-authenticate')).toContain('scope="write:notes"')
      for (const method of ['HEAD', 'PUT', 'OPTIONS'])
        expect((await notes(way, `Bearer ${good.access_token}`, { method })).status).toBe(405)
    })

  for (const way of ways)
    test(`by ${way}: a token that is bound to a key, and the thief who has it`, async () => {
      const send = await createProvingFetch()
      const { access_token: token, token_type } = await tokens(way, { send: send as typeof fetch })
      expect(token_type).toBe('DPoP')
      expect((await send(`${resource(way)}/notes`, { token })).status).toBe(200)
      const own = await createProvingFetch()
      const stolen = await own(`${resource(way)}/notes`, { token })
      expect([stolen.status, codeOf(stolen)]).toEqual([401, 'invalid_dpop_proof'])
      for (const scheme of ['Bearer', 'DPoP'])
        expect((await notes(way, `${scheme} ${token}`)).status).toBe(401)
    })

  test('the page for the developer shows no secret, and no other host sees it', async () => {
    const { access_token } = await tokens('jwt')
    await notes('jwt', `Bearer ${access_token}`)
    const send = await createProvingFetch()
    const bound = await tokens('jwt', { send: send as typeof fetch })
    await send(`${resource('jwt')}/notes`, { token: bound.access_token })
    const page = await (await fetch(`${resource('jwt')}/`)).text()
    expect(page).toContain('GET /notes')
    expect(page).toContain('dpop: eyJ0…')
    expect(page).toContain('&#34;jkt&#34;')
    expect(page).toContain('&#34;sub&#34;: &#34;user-alice&#34;')
    expect(page).not.toMatch(/eyJ[\w-]{20}|lkr_[\w-]/)
    const elsewhere = await fetch(`${resource('jwt')}/`, { headers: { host: 'notes.example.com' } })
    expect(elsewhere.status).toBe(404)
    expect((await fetch(`${resource('strong')}/`)).status).toBe(404)
  })

  test('step-up: the API says which sign-in would do, and that one does', async () => {
    const by = person(provider.issuer, fetch)
    const remove = async (name: Name, token: string) => {
      const answer = await notes(name, `Bearer ${token}`, { method: 'DELETE' })
      return [
        answer.status,
        /Bearer error="[^"]*", (?!res)[^"]*"[^"]*"/.exec(answer.headers.get('www-authenticate') ?? '')?.[0],
      ]
    }
    const old = await tokens('jwt', { by })
    await until(async () => (await remove('jwt', old.access_token))[0] === 401, 'the sign-in to be too old')
    expect((await notes('jwt', `Bearer ${old.access_token}`)).status).toBe(200)
    const wanted = 'Bearer error="insufficient_user_authentication", max_age="2"'
    const again = await tokens('introspection', { by })
    expect(await remove('jwt', old.access_token)).toEqual([401, wanted])
    expect(await remove('introspection', again.access_token)).toEqual([401, wanted])
    for (const way of ways)
      await until(async () => {
        const { access_token } = await tokens(way, { by, more: { max_age: '2' } })
        return (await remove(way, access_token))[0] === 204
      }, 'a new sign-in that is accepted')
    const { access_token } = await tokens('strong', { by })
    expect((await remove('strong', access_token))[1]).toContain(
      'acr_values="urn:example:hardware urn:example:two"',
    )
  })

  test('a revoked token: introspection knows when what it kept is old', async () => {
    const { access_token } = await tokens('introspection')
    expect((await notes('introspection', `Bearer ${access_token}`)).status).toBe(200)
    await fetch(`${provider.issuer}/revoke`, formPost(notebook, { token: access_token }))
    const gone = async () => (await notes('introspection', `Bearer ${access_token}`)).status === 401
    await until(gone, 'the revocation to be noticed')
  })
})
