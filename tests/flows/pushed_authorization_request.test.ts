/** Pushed authorization requests: what the browser carries is a reference, answered once. https://www.rfc-editor.org/rfc/rfc9126 */
import { expect, test } from 'bun:test'
import { memoryStore } from '../../src/store/memory.ts'
import {
  authorizationUrl,
  browserClient,
  demo,
  formPost,
  type Json,
  type TestClient,
} from '../support/client.ts'
import { person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const fieldsOf = (params: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(params).filter((each): each is [string, string] => each[1] !== undefined))

async function push(
  op: Provider,
  client: TestClient,
  more: Record<string, string | undefined> = {},
  init?: RequestInit,
) {
  const { params, code_verifier } = authorizationUrl(op.issuer, client, more)
  const answer = await op.fetch('/par', init ?? formPost(client, fieldsOf(params)))
  return { status: answer.status, body: (await answer.json()) as Json, params, code_verifier }
}

const redeem = (op: Provider, location: URL, code_verifier: string): Promise<Response> =>
  op.fetch(
    '/token',
    formPost(demo, {
      grant_type: 'authorization_code',
      code: location.searchParams.get('code') ?? '',
      redirect_uri: demo.redirect_uri,
      code_verifier,
    }),
  )

const urlOf = (op: Provider, client: TestClient, request_uri: unknown, more: Record<string, string> = {}) =>
  `${op.issuer}/authorize?${new URLSearchParams({ client_id: client.client_id, request_uri: String(request_uri), ...more })}`

for (const client of [demo, browserClient])
  test(`${client.client_id} pushes, the person allows, the code is redeemed`, async () => {
    const op = await provider()
    const { status, body, params, code_verifier } = await push(op, client)
    expect(status).toBe(201)
    expect(body).toMatchObject({ expires_in: 90 })
    expect(body.request_uri).toStartWith('urn:ietf:params:oauth:request_uri:')
    // Parameters beside the reference do not count (§4).
    const location = await person(op.issuer, op.fetch).goThrough(
      urlOf(op, client, body.request_uri, { scope: 'openid phone', state: 'swapped' }),
    )
    expect(location.searchParams.get('state')).toBe(params.state!)
    const answer = await op.fetch(
      '/token',
      formPost(client, {
        grant_type: 'authorization_code',
        code: location.searchParams.get('code')!,
        redirect_uri: client.redirect_uri,
        code_verifier,
      }),
    )
    expect(((await answer.json()) as Json).scope).toBe('openid profile email')
  })

test('a reference is answered once however many race for it, for its client alone, and not for long', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const [a, b] = [await provider({ store, clock }), await provider({ store, clock })]
  const once = (await push(a, demo)).body.request_uri
  // Signed in, and consent is remembered: each request is answered at once.
  const people = await Promise.all(
    [a, b].map(async (op) => {
      const who = person(op.issuer, op.fetch)
      await who.goThrough(authorizationUrl(op.issuer, demo).url)
      return who
    }),
  )
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => people[i % 2]!.open(urlOf(a, demo, once))),
  )
  const back = answers.flatMap(({ location }) => (location ? [location.searchParams] : []))
  expect(back.filter((params) => params.has('code'))).toHaveLength(1)
  const refused = back.filter((params) => !params.has('code')).map((params) => params.get('error'))
  expect(new Set(refused)).toEqual(new Set(refused.length > 0 ? ['invalid_request_uri'] : []))
  expect((await a.fetch(urlOf(a, demo, once))).status).toBe(400)

  const swapped = (await push(a, demo)).body.request_uri
  expect((await a.fetch(urlOf(a, browserClient, swapped))).status).toBe(400)
  expect((await a.fetch(urlOf(a, demo, swapped))).status).toBe(303) // the stranger's try did not spend it

  const late = (await push(a, demo)).body.request_uri
  clock.advance(91_000)
  const tooLate = await a.fetch(urlOf(a, demo, late))
  expect(tooLate.status).toBe(400)
  expect(await tooLate.text()).toContain('invalid_request_uri')
})

test('a preview of the link or a reload takes nothing from the person, and the page outlives the reference', async () => {
  const op = await provider()
  const { body, params, code_verifier } = await push(op, demo)
  const url = urlOf(op, demo, body.request_uri)
  expect((await op.fetch(url)).status).toBe(303) // a scanner of links, in a browser of its own
  const who = person(op.issuer, op.fetch)
  await who.open(url)
  const page = (await who.open(url)).page!
  op.clock.advance(95_000)
  const location = await who.goThrough(page.url)
  expect(location.searchParams.get('state')).toBe(params.state!)
  expect((await redeem(op, location, code_verifier)).status).toBe(200)
})

test('of two who began with one reference the second is told, and its code is none', async () => {
  const op = await provider()
  const { body, params, code_verifier } = await push(op, demo)
  const url = urlOf(op, demo, body.request_uri)
  const [first, second] = [person(op.issuer, op.fetch), person(op.issuer, op.fetch)]
  const begun = (await second.open(url)).page!
  const answered = await first.goThrough(url)
  const late = await second.goThrough(begun.url)
  expect(late.searchParams.get('error')).toBe('invalid_request_uri')
  expect(late.searchParams.get('state')).toBe(params.state!)
  expect(late.searchParams.has('code')).toBe(false)
  expect((await redeem(op, answered, code_verifier)).status).toBe(200) // the first has lost nothing by it
})

test('the mark of a pushed request is worth nothing in a URL that anybody writes', async () => {
  const op = await provider()
  const { url } = authorizationUrl(op.issuer, demo, { pushed_request: 'x.y' })
  const location = await person(op.issuer, op.fetch).goThrough(url)
  expect(location.searchParams.has('code')).toBe(true)
})

test('what the authorization endpoint would refuse is refused at the push', async () => {
  const op = await provider()
  const refusals: [Record<string, string | undefined>, string][] = [
    [{ redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
    [{ redirect_uri: undefined }, 'invalid_request'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: 'code token' }, 'unauthorized_client'],
    [{ scope: 'openid admin' }, 'invalid_scope'],
    [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'invalid_request'],
    [{ prompt: 'none login' }, 'invalid_request'],
  ]
  for (const [more, error] of refusals) {
    const { status, body } = await push(op, demo, more)
    expect([more, status, body.error]).toEqual([more, 400, error])
  }
  const wrong = await push(
    op,
    demo,
    {},
    formPost({ ...demo, client_secret: 'wrong' }, { response_type: 'code' }),
  )
  expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client'])
  expect((await op.fetch('/par')).status).toBe(405)
})

test('where pushing is a duty, nothing else is taken', async () => {
  const op = await provider({ env: { REQUIRE_PAR: 'true' } })
  const { url } = authorizationUrl(op.issuer, demo)
  const refused = await op.fetch(url)
  expect(new URL(refused.headers.get('location')!).searchParams.get('error')).toBe('invalid_request')
  const metadata = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Json
  expect(metadata).toMatchObject({
    require_pushed_authorization_requests: true,
    pushed_authorization_request_endpoint: `${op.issuer}/par`,
  })
  const location = await person(op.issuer, op.fetch).goThrough(
    urlOf(op, demo, (await push(op, demo)).body.request_uri),
  )
  expect(location.searchParams.get('code')).not.toBeNull()
})
