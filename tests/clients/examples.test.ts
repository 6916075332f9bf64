/** The examples of `examples/` at work: a web application signs people in, an API checks the tokens. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { authorizationUrl, formPost, type TestClient } from '../support/client.ts'
import { alice, bob, person } from '../support/person.ts'
import { freePort } from '../support/free_port.ts'
import { type SpawnedProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'
import { type Example, startExample } from './example.ts'
import { everything, spawnOpenProvider } from './relying_party.ts'

setDefaultTimeout(60_000)

/** Seconds that an access token is good for: long enough for a busy machine, short enough to wait for its end. */
const ttl = 5

let provider: SpawnedProvider
beforeAll(async () => {
  provider = await spawnOpenProvider({ ACCESS_TOKEN_TTL: `${ttl}` })
})
afterAll(() => provider.stop())

async function register(metadata: Record<string, unknown>): Promise<TestClient> {
  const response = await fetch(`${provider.issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...everything, ...metadata }),
  })
  expect(response.status).toBe(201)
  const { client_id, client_secret, redirect_uris } = (await response.json()) as {
    client_id: string
    client_secret: string
    redirect_uris: [string]
  }
  return { client_id, client_secret, redirect_uri: redirect_uris[0] }
}

describe('examples/web_app', () => {
  let app: Example
  beforeAll(async () => {
    const PORT = `${freePort()}`
    const origin = `http://localhost:${PORT}`
    const client = await register({
      redirect_uris: [`${origin}/callback`],
      post_logout_redirect_uris: [`${origin}/`],
    })
    app = await startExample('web_app', {
      PORT,
      ISSUER: provider.issuer,
      CLIENT_ID: client.client_id,
      CLIENT_SECRET: client.client_secret!,
    })
  })
  afterAll(() => app.stop())

  /** A person with one cookie jar at the provider and one at the application. */
  const visitor = () => ({ there: person(provider.issuer, fetch), here: person(app.origin, fetch) })
  type Visitor = ReturnType<typeof visitor>

  async function signIn({ here, there }: Visitor, who = alice) {
    const { location } = await here.open(`${app.origin}/login`)
    return here.open((await there.goThrough(location!.href, who)).href)
  }

  test('signs in, renews what has expired, signs out at the provider', async () => {
    const visit = visitor()
    expect((await visit.here.open('/')).page?.html).toContain('You are signed out')
    expect((await signIn(visit)).page?.html).toContain('You are Alice Adams &lt;alice@example.com&gt;')
    expect([...visit.here.cookies.keys()]).toEqual(['session'])
    const { html } = (await visit.here.open('/')).page!
    for (const title of [
      'goes to the provider',
      'comes back',
      'POST /token, authorization_code',
      'GET /userinfo',
    ])
      expect(html).toContain(title)
    expect(html).toContain('&#34;iss&#34;: &#34;http://localhost')
    expect(html).not.toMatch(/eyJ[\w-]{20}|lk[cr]_[\w-]/)
    // Each time it is opened, the page asks userinfo; once the access token has expired, it renews it first.
    await until(async () => {
      const { page } = await visit.here.open('/')
      expect(page?.html).toContain('You are Alice Adams')
      return page!.html.includes('POST /token, refresh_token')
    }, 'the access token to be renewed')
    expect((await visit.here.open('/')).page?.html).toContain('You are Alice Adams')
    const leaving = await visit.here.open('/logout')
    const back = await visit.there.open(leaving.location!.href)
    expect(back.location?.href).toBe(`${app.origin}/`)
    expect((await visit.here.open('/')).page?.html).toContain('You are signed out')
    const again = await visit.here.open('/login')
    expect((await visit.there.open(again.location!.href)).page?.forms[0]?.buttons).toEqual(['login'])
  })

  test("an attacker's answer in another browser signs nobody in", async () => {
    const attacker = visitor()
    const { location } = await attacker.here.open('/login')
    const answer = await attacker.there.goThrough(location!.href, bob)
    const victim = visitor()
    expect((await victim.here.open(answer.href)).page?.status).toBe(400)
    await victim.here.open('/login')
    expect((await victim.here.open(answer.href)).page?.html).toContain('did not work')
    expect((await victim.here.open('/')).page?.html).toContain('You are signed out')
  })

  test('a denial is told, not shown as a crash', async () => {
    const { here, there } = visitor()
    const { location } = await here.open('/login')
    location!.searchParams.set('prompt', 'none')
    const answer = await there.goThrough(location!.href)
    const { page } = await here.open(answer.href)
    expect(page?.status).toBe(400)
    expect(page?.html).toContain('Start again')
  })
})

describe('examples/api', () => {
  const origins = new Map<string, Example>()
  let client: TestClient
  beforeAll(async () => {
    client = await register({})
    const apis: Record<string, Record<string, string>> = {
      jwt: { VERIFY: 'jwt' },
      introspection: { VERIFY: 'introspection' },
      strong: { VERIFY: 'jwt', ACR_VALUES: 'urn:example:hardware urn:example:two' },
    }
    for (const [name, more] of Object.entries(apis)) {
      const env = {
        PORT: `${freePort()}`,
        ISSUER: provider.issuer,
        CLIENT_ID: client.client_id,
        CLIENT_SECRET: client.client_secret!,
        MAX_AGE: '2',
        ...more,
      }
      origins.set(name, await startExample('api', env))
    }
  })
  afterAll(() => Promise.all([...origins.values()].map((each) => each.stop())))

  async function tokens(scope: string, by = person(provider.issuer, fetch), more: { max_age?: string } = {}) {
    const { url, code_verifier } = authorizationUrl(provider.issuer, client, { scope, ...more })
    const answer = await by.goThrough(url)
    const response = await fetch(
      `${provider.issuer}/token`,
      formPost(client, {
        grant_type: 'authorization_code',
        code: answer.searchParams.get('code')!,
        redirect_uri: client.redirect_uri,
        code_verifier,
      }),
    )
    return (await response.json()) as { access_token: string; refresh_token: string; id_token: string }
  }

  const notes = (verify: string, authorization?: string) =>
    fetch(`${origins.get(verify)!.origin}/notes`, { headers: authorization ? { authorization } : {} })

  for (const verify of ['jwt', 'introspection'])
    test(`by ${verify}: an access token with the scope, and nothing else`, async () => {
      const { access_token, refresh_token, id_token } = await tokens('openid profile')
      const good = await notes(verify, `Bearer ${access_token}`)
      expect(await good.json()).toEqual({ notes: [`a note of user-alice, read by ${client.client_id}`] })

      const bare = await notes(verify)
      expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      for (const wrong of [id_token, refresh_token, `${access_token.slice(0, -4)}AAAA`, 'made-up']) {
        const refused = await notes(verify, `Bearer ${wrong}`)
        expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
          401,
          'Bearer error="invalid_token"',
        ])
      }
      const narrow = await notes(verify, `Bearer ${(await tokens('openid')).access_token}`)
      expect(narrow.status).toBe(403)
      expect(narrow.headers.get('www-authenticate')).toBe(
        'Bearer error="insufficient_scope", scope="profile"',
      )

      const { origin } = origins.get(verify)!
      const page = await (await fetch(origin)).text()
      expect(page).toContain('GET /notes')
      expect(page).toContain('&#34;sub&#34;: &#34;user-alice&#34;')
      expect(page).not.toMatch(/eyJ[\w-]{20}|lkr_[\w-]/)
      const elsewhere = await fetch(origin, { headers: { host: 'notes.example.com' } })
      expect(elsewhere.status).toBe(404)

      await until(
        async () => (await notes(verify, `Bearer ${access_token}`)).status === 401,
        'the access token to expire',
      )
    })

  const remove = async (api: string, token: string) => {
    const authorization = `Bearer ${token}`
    const answer = await fetch(`${origins.get(api)!.origin}/notes`, {
      method: 'DELETE',
      headers: { authorization },
    })
    return [answer.status, answer.headers.get('www-authenticate')]
  }

  test('step-up: the API says which sign-in would do, and that one does', async () => {
    const someone = person(provider.issuer, fetch)
    const apis = ['jwt', 'introspection']
    let old = await tokens('openid profile', someone)
    // The same sign-in, and an access token that has not expired: only MAX_AGE passes.
    await until(async () => {
      old = await tokens('openid profile', someone)
      return (await remove('jwt', old.access_token))[0] === 401
    }, 'the sign-in to be older than MAX_AGE')
    for (const api of apis) {
      expect((await notes(api, `Bearer ${old.access_token}`)).status).toBe(200)
      expect(await remove(api, old.access_token)).toEqual([
        401,
        'Bearer error="insufficient_user_authentication", max_age="2"',
      ])
    }
    let access_token = ''
    await until(async () => {
      access_token = (await tokens('openid profile', someone, { max_age: '2' })).access_token
      const answers = await Promise.all(apis.map((api) => remove(api, access_token)))
      return answers.every(([status]) => status === 204)
    }, 'a new sign-in that both accept while it is younger than MAX_AGE')
    const acr = 'acr_values="urn:example:hardware urn:example:two"'
    expect(await remove('strong', access_token)).toEqual([
      401,
      `Bearer error="insufficient_user_authentication", ${acr}`,
    ])
  })

  test('a revoked token: introspection knows at once', async () => {
    const { access_token } = await tokens('openid profile')
    await fetch(`${provider.issuer}/revoke`, formPost(client, { token: access_token }))
    expect((await notes('introspection', `Bearer ${access_token}`)).status).toBe(401)
  })
})
