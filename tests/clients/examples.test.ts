/** The examples of `examples/` at work: a web application signs people in. example_api.test.ts has the API. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { TestClient } from '../support/client.ts'
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
