/** The administration API reads people: search, pages, sessions, consents, events. docs/administration.md */
import { expect, test } from 'bun:test'
import {
  admin,
  administrator,
  consoleClient,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../../support/administration.ts'
import { browser, tokensOf } from '../../support/flow.ts'
import { provider } from '../../support/provider.ts'

const op = await provider()
const client = await consoleClient(op)
const auditor = await administrator(op, 'auditor')
const token = await tokenOf(op, client, auditor)
const get = (path: string, with_ = token) => admin(op, with_, 'GET', path)

test('the caller is told its role and its scopes, cut to the role', async () => {
  const { status, body } = await get('/self')
  expect(status).toBe(200)
  expect(body.role).toBe('auditor')
  expect(body.sub).toBe(auditor.account.sub)
  expect(body.scopes).toContain('admin:people.read')
  expect(body.scopes).not.toContain('admin:people.write')
})

test('a list comes in pages: each person once, and no cursor after the last', async () => {
  const seen: string[] = []
  for (let cursor: unknown = ''; cursor !== null;) {
    const { status, body } = await get(`/people?limit=1${cursor === '' ? '' : `&cursor=${String(cursor)}`}`)
    expect(status).toBe(200)
    seen.push(...(body.items as { username: string }[]).map(({ username }) => username))
    cursor = body.next
  }
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toContain('alice')
  expect(seen).toContain('auditor')
})

test('people are found by the beginnings of words, filtered and sorted', async () => {
  const names = async (query: string) =>
    ((await get(`/people?${query}`)).body.items as { username: string }[]).map(({ username }) => username)
  expect(await names('q=ali')).toEqual(['alice'])
  const up = await names('sort=username')
  expect(up).toEqual([...up].sort())
  expect(await names('sort=-username')).toEqual([...up].reverse())
  expect(await names('state=disabled')).toEqual([])
  expect((await get('/people?sort=password_hash')).status).toBe(400)
  expect((await get('/people')).body.complete).toBeBoolean()
})

test('a person is found by a whole name and shown with an ETag, without the password hash', async () => {
  const { body: list } = await get('/people?q=alice')
  const [{ sub }] = list.items as [{ sub: string }]
  const { status, body, headers } = await get(`/people/${sub}`)
  expect(status).toBe(200)
  expect(body.username).toBe('alice')
  expect(body.has_password).toBe(true)
  expect(JSON.stringify(body)).not.toContain('$argon2')
  expect(headers.get('etag')).toMatch(/^"[\w-]{22}"$/)
  expect((await get(`/people/${sub}`)).headers.get('etag')).toBe(headers.get('etag'))
})

test('sessions, consents, events, factors and connections of a person', async () => {
  await tokensOf(op, browser(op))
  const { body: list } = await get('/people?q=alice')
  const [{ sub }] = list.items as [{ sub: string }]
  const { body: sessions } = await get(`/people/${sub}/sessions`)
  expect(sessions.items).toMatchObject([{ sub, clients: ['client123'] }])
  const { body: events } = await get(`/people/${sub}/events`)
  expect((events.items as { kind: string }[]).map(({ kind }) => kind)).toContain('signed_in')
  expect((await get(`/people/${sub}/consents`)).status).toBe(200)
  expect((await get(`/people/${sub}/connections`)).body).toEqual({ items: [] })
  const factors = await get(`/people/${auditor.account.sub}/factors`)
  expect(factors.body).toEqual({ second_factors: ['totp', 'recovery'], sign_in_methods: 1 })
})

test('a service client reads with the scopes of its token alone', async () => {
  const service = await serviceClient(op, ['admin:people.read'])
  const own = await serviceToken(op, service)
  expect((await get('/people', own)).status).toBe(200)
  const refused = await get('/people/x/sessions', own)
  expect(refused.status).toBe(403)
  expect(refused.headers.get('content-type')).toBe('application/problem+json')
  expect(refused.body).toMatchObject({
    code: 'insufficient_scope',
    expected: 'the scope admin:sessions.read',
  })
})

test('a problem says what was expected, what came and what to do', async () => {
  const { status, body } = await get('/people/nobody')
  expect(status).toBe(404)
  expect(body).toMatchObject({ code: 'not_found', came: 'nobody', status: 404 })
  expect(body.next).toContain('/admin/v1/people')
  const unknown = await get('/people?limits=1')
  expect(unknown.status).toBe(400)
  expect(unknown.body.detail).toContain('limits: is not known here')
})
