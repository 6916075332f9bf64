/** examples/websocket at work and under attack: tickets, hijacking, the end of the session and of the token, limits. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import type { ToPage } from '../../examples/websocket/messages.ts'
import { alice, bob, type Person, person } from '../support/person.ts'
import { formPost } from '../support/client.ts'
import { freePort } from '../support/free_port.ts'
import { until } from '../support/until.ts'
import { startByCommand } from './example_readme.ts'

setDefaultTimeout(120_000)

const [port, providerPort] = [`${freePort()}`, `${freePort()}`]
const origin = `http://localhost:${port}`
const issuer = `http://localhost:${providerPort}`
const resource = `${origin}/live`
/** Seconds: short enough to wait for, long enough for a busy machine to renew. */
const ttl = 10

let running: Awaited<ReturnType<typeof startByCommand>>
beforeAll(async () => {
  const env = { PORT: port, PROVIDER_PORT: providerPort, ACCESS_TOKEN_TTL: `${ttl}` }
  running = await startByCommand(['bun', 'examples/websocket/start.ts'], env)
})
afterAll(() => running.stop())

interface Visitor {
  here: Person
  there: Person
  cookie: string
  csrf: string
}

async function signIn(who = alice): Promise<Visitor> {
  const [here, there] = [person(origin, fetch), person(issuer, fetch)]
  const { location } = await here.open('/login')
  await here.open((await there.goThrough(location!.href, who)).href)
  const { page } = await here.open('/')
  const csrf = /name="csrf" content="([^"]*)"/.exec(page!.html)?.[1]
  if (csrf === undefined) throw new Error(`not signed in:\n${page!.html}`)
  const cookie = [...here.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return { here, there, cookie, csrf }
}

const askTicket = (
  { cookie, csrf }: Visitor,
  purpose: unknown = 'connect',
  headers: Record<string, string> = {},
) =>
  fetch(`${origin}/tickets`, {
    method: 'POST',
    headers: { cookie, 'x-csrf': csrf, origin, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ purpose }),
  })
async function ticketOf(visitor: Visitor, purpose = 'connect'): Promise<string> {
  const answer = await askTicket(visitor, purpose)
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { ticket: string }).ticket
}

/** The status of the answer to the request for a connection: 101 is one, and it is closed at once. */
async function knock(ticket: string, headers: Record<string, string>, path = '/live'): Promise<number> {
  const answer = await fetch(`${origin}${path}?ticket=${ticket}`, {
    headers: {
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    },
  })
  await answer.body?.cancel()
  return answer.status
}

interface Line {
  heard: ToPage[]
  closed: { code: number; reason: string } | undefined
  say(message: object | string): void
  close(): void
  until(type: ToPage['type']): Promise<ToPage>
}

/** A connection, once it has opened. Rejects when it does not. */
async function connect(ticket: string, headers: Record<string, string>): Promise<Line> {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/live?ticket=${ticket}`, { headers } as never)
  const line: Line = {
    heard: [],
    closed: undefined,
    say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    close: () => socket.close(),
    async until(type) {
      const found = () => line.heard.find((each) => each.type === type)
      await until(() => found() !== undefined || line.closed !== undefined, `a message ${type}`)
      return found() ?? Promise.reject(new Error(`closed: ${JSON.stringify(line.closed)}`))
    },
  }
  const opened = Promise.withResolvers<void>()
  socket.addEventListener('open', () => opened.resolve())
  socket.addEventListener('message', ({ data }) => line.heard.push(JSON.parse(String(data)) as ToPage))
  socket.addEventListener('close', ({ code, reason }) => {
    line.closed = { code, reason }
    opened.reject(new Error(`closed with ${code}`))
  })
  await opened.promise
  return line
}
const opened = async (visitor: Visitor) =>
  connect(await ticketOf(visitor), { cookie: visitor.cookie, origin })
const closedWith = async (line: Line) => {
  await until(() => line.closed !== undefined, 'the connection to end')
  return line.closed!.code
}

describe('a ticket', () => {
  let visitor: Visitor
  beforeAll(async () => {
    visitor = await signIn()
  })
  const own = () => ({ cookie: visitor.cookie, origin })

  test('opens one connection, and none when it comes again', async () => {
    const ticket = await ticketOf(visitor)
    expect(ticket).toMatch(/^[\w-]{43}$/)
    const line = await connect(ticket, own())
    expect(await line.until('welcome')).toMatchObject({ name: 'Alice Adams' })
    await line.until('reading')
    expect(await knock(ticket, own())).toBe(401)
    line.close()
  })

  test('opens one connection for requests that race', async () => {
    const ticket = await ticketOf(visitor)
    const lines = await Promise.allSettled(Array.from({ length: 12 }, () => connect(ticket, own())))
    const won = lines.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    expect(won).toHaveLength(1)
    won[0]!.close()
  })

  test('is good for its purpose, its origin and its browser alone, and is gone after a wrong use', async () => {
    const other = await signIn(bob)
    const wrong: [string, Record<string, string>][] = [
      ['renew', own()],
      ['connect', { origin }],
      ['connect', { origin, cookie: other.cookie }],
      ['connect', { cookie: visitor.cookie }],
    ]
    for (const [purpose, headers] of wrong) {
      const ticket = await ticketOf(visitor, purpose)
      expect([purpose, headers.origin, await knock(ticket, headers)]).toEqual([purpose, headers.origin, 401])
      expect(await knock(ticket, own())).toBe(401)
    }
    for (const made of ['', 'made-up', 'x'.repeat(5_000)]) expect(await knock(made, own())).toBe(401)
  })

  test('is not given to a page of another site, to a form, or without the value of the page', async () => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'http://localhost:1' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'x-csrf': '' },
      { 'x-csrf': 'guessed' },
    ] as Record<string, string>[])
      expect([headers, (await askTicket(visitor, 'connect', headers)).status]).toEqual([headers, 403])
    expect((await askTicket({ ...visitor, cookie: '' })).status).toBe(401)
    for (const purpose of [null, 'admin', ['connect'], 7])
      expect((await askTicket(visitor, purpose)).status).toBe(400)
    for (const method of ['GET', 'HEAD', 'PUT'])
      expect((await fetch(`${origin}/tickets`, { method })).status).toBe(404)
  })

  test('is bounded in number for one person', async () => {
    const one = await signIn()
    const answers = await Promise.all(Array.from({ length: 10 }, () => askTicket(one)))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((each) => each === 201)).toHaveLength(5)
    expect(statuses.filter((each) => each === 429)).toHaveLength(5)
  })

  test('is not in the log, and neither is a token', async () => {
    const ticket = await ticketOf(visitor)
    await knock(ticket, { origin: 'https://evil.example', cookie: visitor.cookie })
    expect(running.output()).not.toContain(ticket)
    expect(running.output()).not.toMatch(/eyJ|lk[acr]_/)
    const { page } = await visitor.here.open('/')
    expect(page!.html).not.toMatch(/eyJ|ticket=|lk[acr]_/)
  })
})

describe('a connection', () => {
  test('cannot be opened by the page of another site with the cookie of the person', async () => {
    const visitor = await signIn()
    const { cookie } = visitor
    for (const from of [
      'https://evil.example',
      'null',
      `${origin}.evil.example`,
      `http://127.0.0.1:${port}`,
    ]) {
      const ticket = await ticketOf(visitor)
      expect(await knock(ticket, { cookie, origin: from })).toBe(403)
      const line = await connect(ticket, { cookie, origin }) // it was not spent by them
      line.close()
    }
    expect(await knock(await ticketOf(visitor), { cookie, origin, host: 'evil.example' })).toBe(421)
    expect((await fetch(resource, { headers: { cookie, origin } })).status).toBe(426)
  })

  test('ends with the session: at the provider, and here', async () => {
    const visitor = await signIn()
    const line = await opened(visitor)
    await line.until('welcome')
    const late = await ticketOf(visitor)
    const page = (await visitor.there.open(`${issuer}/logout`)).page!
    await visitor.there.press(page, page.forms.flatMap(({ buttons }) => buttons)[0]!)
    expect(await closedWith(line)).toBe(4401)
    expect(await knock(late, { cookie: visitor.cookie, origin })).toBe(401)
    expect((await askTicket(visitor)).status).toBe(401)

    const again = await signIn()
    const second = await opened(again)
    await second.until('welcome')
    const form = await fetch(`${origin}/logout`, {
      method: 'POST',
      headers: { cookie: again.cookie, origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ csrf: again.csrf }).toString(),
      redirect: 'manual',
    })
    expect(form.status).toBe(303)
    expect(await closedWith(second)).toBe(4401)
  })

  test('ends when the access token does, and goes on where it is renewed inside', async () => {
    const visitor = await signIn()
    const [kept, left] = [await opened(visitor), await opened(visitor)]
    await Promise.all([kept.until('welcome'), left.until('welcome')])
    let renewals = 0
    while (left.closed === undefined) {
      kept.say({ type: 'renew', ticket: await ticketOf(visitor, 'renew') })
      renewals++
      await until(
        () =>
          kept.heard.filter(({ type }) => type === 'renewed').length === renewals ||
          kept.closed !== undefined,
        'the renewal',
      )
      expect(kept.closed).toBeUndefined()
      await Bun.sleep(500) // a pause between renewals, far shorter than the token lives
    }
    expect(left.closed.code).toBe(4408)
    expect(kept.closed).toBeUndefined()
    kept.close()
  })

  test('is not renewed with the ticket of another person, session or purpose', async () => {
    const [visitor, same, other] = [await signIn(), await signIn(), await signIn(bob)]
    const line = await opened(visitor)
    const spent = await ticketOf(visitor, 'renew')
    line.say({ type: 'renew', ticket: spent })
    await line.until('renewed')
    const errors = () => line.heard.filter(({ type }) => type === 'error').length
    const bad = [
      spent,
      await ticketOf(other, 'renew'),
      await ticketOf(same, 'renew'),
      await ticketOf(visitor, 'connect'),
      'x',
    ]
    for (const [at, ticket] of bad.entries()) {
      line.say({ type: 'renew', ticket })
      await until(() => errors() === at + 1 || line.closed !== undefined, 'the refusal')
    }
    expect([errors(), line.closed, line.heard.filter(({ type }) => type === 'renewed').length]).toEqual([
      bad.length,
      undefined,
      1,
    ])
    line.close()
  })

  test('takes messages of the protocol alone, of bounded length and number', async () => {
    const visitor = await signIn()
    const talk = await opened(visitor)
    talk.say({ type: 'say', text: '<b>hello</b>' })
    // The others in the room learn the name, and not the address.
    expect(await talk.until('said')).toEqual({ type: 'said', by: 'Alice Adams', text: '<b>hello</b>' })
    talk.close()
    for (const odd of [
      'not json',
      '[]',
      '{"type":"constructor"}',
      '{"type":"say"}',
      JSON.stringify({ type: 'say', text: 'x'.repeat(501) }),
    ]) {
      const line = await opened(visitor)
      line.say(odd)
      expect([odd.slice(0, 20), await closedWith(line)]).toEqual([odd.slice(0, 20), 1008])
    }
    const long = await opened(visitor)
    long.say('x'.repeat(10_000))
    expect([1006, 1009]).toContain(await closedWith(long))
    const flood = await opened(visitor)
    for (let at = 0; at < 30; at++) flood.say({ type: 'say', text: `${at}` })
    expect(await closedWith(flood)).toBe(1008)
    expect(flood.heard.filter(({ type }) => type === 'said').length).toBeLessThanOrEqual(12)
  })

  test('is one of at most five of one person, also when many are opened at once', async () => {
    const tabs = [await signIn(), await signIn()]
    const tickets: [Visitor, string][] = []
    for (const tab of tabs) for (let at = 0; at < 4; at++) tickets.push([tab, await ticketOf(tab)])
    const results = await Promise.allSettled(
      tickets.map(([{ cookie }, ticket]) => connect(ticket, { cookie, origin })),
    )
    const lines = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    await until(
      () => lines.every((each) => each.closed !== undefined || each.heard.length > 0),
      'each connection to be welcomed or closed',
    )
    expect(lines.filter((each) => each.closed === undefined)).toHaveLength(5)
    lines.forEach((each) => each.close())
  })
})

describe('a program with an access token', () => {
  const display = { client_id: 'display', client_secret: 'a-secret-for-this-machine', redirect_uri: '' }
  async function token(fields: Record<string, string>): Promise<string> {
    const answer = await fetch(
      `${issuer}/token`,
      formPost(display, { grant_type: 'client_credentials', ...fields }),
    )
    return ((await answer.json()) as { access_token: string }).access_token
  }
  const ask = (bearer: string, headers: Record<string, string> = {}) =>
    fetch(`${origin}/tickets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, ...headers },
      body: '{"purpose":"connect"}',
    })

  test('gets a ticket for the token of this resource alone, and no page uses it', async () => {
    const good = await token({ resource })
    const answer = await ask(good)
    const { ticket } = (await answer.json()) as { ticket: string }
    const line = await connect(ticket, {})
    await line.until('welcome')
    expect(await closedWith(line)).toBe(4408) // with the token
    const forAnother = await ask(await token({}))
    expect([forAnother.status, forAnother.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('invalid_token'),
    ])
    expect((await ask('made-up')).status).toBe(401)
    const fresh = await token({ resource })
    expect((await ask(fresh, { origin: 'https://evil.example' })).status).toBe(403)
    const again = (await (await ask(fresh)).json()) as { ticket: string }
    const visitor = await signIn()
    expect(await knock(again.ticket, { origin, cookie: visitor.cookie })).toBe(401)
  })
})
