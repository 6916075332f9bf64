/** /admin/v1/realms: owners of the server keep realms; nobody else does, and no realm reaches another one by it. docs/realms.md */
import { describe, expect, test } from 'bun:test'
import { adminScopes } from '../../../src/auth/admin_roles.ts'
import { routes } from '../../../src/features/administration/routes.ts'
import { Administrators } from '../../../src/models/administrators.ts'
import {
  admin,
  administrator,
  consoleClient,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../../support/administration.ts'
import { pageOf } from '../../support/authenticator.ts'
import { type Provider, provider } from '../../support/provider.ts'

const op = await provider({
  env: { REALMS: 'true', AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test' },
})
const client = await consoleClient(op)
const owner = await tokenOf(op, client, await administrator(op, 'owner'))
const operator = await tokenOf(op, client, await administrator(op, 'operator'))

const create = (body: object, token = owner, headers: Record<string, string> = {}) =>
  admin(op, token, 'POST', '/realms', { body, headers })
const read = (name: string) => admin(op, owner, 'GET', `/realms/${name}`)
const etagOf = async (name: string) => (await read(name)).headers.get('etag')!
const change = async (name: string, body: object, etag?: string) =>
  admin(op, owner, 'PATCH', `/realms/${name}`, {
    body,
    headers: { 'if-match': etag ?? (await etagOf(name)) },
  })
const statusAt = async (name: string) =>
  (await op.fetch(`/realms/${name}/.well-known/openid-configuration`)).status

test('a realm is made, served at once, read and listed', async () => {
  const { status, body, headers } = await create({
    name: 'one',
    title: 'Team one',
    settings: { ACCESS_TOKEN_TTL: '300' },
  })
  expect(status).toBe(201)
  expect(headers.get('location')).toBe(`${op.issuer}/admin/v1/realms/one`)
  expect(body).toEqual({
    name: 'one',
    title: 'Team one',
    issuer: `${op.issuer}/realms/one`,
    state: 'open',
    settings: { ACCESS_TOKEN_TTL: '300' },
    created_at: expect.any(String),
    ends_at: null,
    demo: false,
  })
  expect(await statusAt('one')).toBe(200)
  expect((await read('one')).body).toEqual(body)
  await create({ name: 'two' })
  const first = await admin(op, operator, 'GET', '/realms?limit=1')
  expect((first.body.items as object[]).length).toBe(1)
  const rest = await admin(
    op,
    operator,
    'GET',
    `/realms?limit=1&cursor=${encodeURIComponent(String(first.body.next))}`,
  )
  expect([first.body.items, rest.body.items].flat()).toMatchObject([{ name: 'one' }, { name: 'two' }])
})

test('a creation that is sent again makes one realm; a name that is taken is 409', async () => {
  const key = { 'idempotency-key': 'ticket-1' }
  const [one, other] = [
    await create({ name: 'again' }, owner, key),
    await create({ name: 'again' }, owner, key),
  ]
  expect([one.status, other.status, other.headers.get('idempotency-replayed')]).toEqual([201, 201, 'true'])
  expect((await create({ name: 'again' })).status).toBe(409)
})

describe('what an administrator may not set is refused with the words of the setting', () => {
  test.each([
    ['ACCESS_TOKEN_TTL', '0', 'expected whole seconds from 1 to 86400'],
    ['PORT', '1', 'expected a variable of a realm'],
    ['STORE_URL', 'memory:', 'expected a variable of a realm'],
    ['OUTBOUND_ALLOW_HOSTS', 'localhost:8080', 'expected a variable of a realm'],
    ['SECRET_KEY', 'x'.repeat(40), 'got a secret'],
    ['THEME_PATH', '/etc', 'set it at the command line'],
    ['CUSTOM_SCOPES', '/etc/passwd', 'set it at the command line'],
    ['PASSWORD_BREACH_URL', 'http://169.254.169.254/', 'set it at the command line'],
    ['REALMS', 'true', 'expected a variable of a realm'],
  ])('%s=%s', async (name, value, words) => {
    const settings = JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`) as object
    const made = await create({ name: 'wrong', settings })
    expect([made.status, made.body.detail]).toEqual([400, expect.stringContaining(words)])
    const set = await change('two', { settings })
    expect([set.status, set.body.detail]).toEqual([400, expect.stringContaining(words)])
    expect((await read('two')).body.settings).toEqual({})
    expect((await read('wrong')).status).toBe(404)
  })

  test.each(['Upper', 'a b', '..', 'a/b', 'a:b', '-a', 'é', ''])('the name %p', async (name) => {
    expect((await create({ name })).status).toBe(400)
  })

  test('an end that is over, a title of two lines, a member that is unknown', async () => {
    for (const body of [
      { ends_at: '2001-01-01T00:00:00Z' },
      { title: 'a\nb' },
      { id: 'x' },
      { classroom: 'x' },
    ]) {
      expect((await create({ name: 'wrong', ...body })).status).toBe(400)
      expect((await change('two', body)).status).toBe(400)
    }
  })
})

test('a change names the version that was read; null takes away', async () => {
  const etag = await etagOf('one')
  const set = await change('one', { settings: { LAB: 'true' }, ends_at: '2099-01-01T00:00:00Z' }, etag)
  expect(set.body).toMatchObject({
    title: 'Team one',
    settings: { ACCESS_TOKEN_TTL: '300', LAB: 'true' },
    ends_at: '2099-01-01T00:00:00.000Z',
  })
  expect((await change('one', { title: 'Other' }, etag)).status).toBe(412)
  const back = await change('one', { title: null, settings: { ACCESS_TOKEN_TTL: null }, ends_at: null })
  expect(back.body).toMatchObject({ title: null, settings: { LAB: 'true' }, ends_at: null })
})

test('a disabled realm is as a path that is not served, and is there again', async () => {
  const post = (what: string) => admin(op, owner, 'POST', `/realms/two/${what}`)
  expect((await post('disable')).body.state).toBe('disabled')
  expect(await statusAt('two')).toBe(404)
  expect((await post('enable')).body.state).toBe('open')
  expect(await statusAt('two')).toBe(200)
})

test('a dry run says what goes, and removes nothing', async () => {
  await create({ name: 'full' })
  const inside = (await op.context.realms!.open('full'))!
  await Administrators.set(inside, 'x', 'owner')
  await inside.store.link('users', 'x', 1)
  const remove = async (query = '') =>
    admin(op, owner, 'DELETE', `/realms/full${query}`, { headers: { 'if-match': await etagOf('full') } })
  expect((await remove('?dry_run=true')).body).toEqual({ name: 'full', people: 1, clients: 0, dry_run: true })
  expect(await statusAt('full')).toBe(200)
  expect((await remove()).body).toMatchObject({ name: 'full', people: 1, dry_run: false })
  expect(await statusAt('full')).toBe(404)
  expect((await read('full')).status).toBe(404)
  await create({ name: 'full' })
  expect(await Administrators.all((await op.context.realms!.open('full'))!)).toEqual(new Map())
})

test('an operator reads and writes nothing; in many requests at once as well', async () => {
  expect((await create({ name: 'other' }, operator)).status).toBe(403)
  const bulk = (token: string) =>
    admin(op, token, 'POST', '/bulk', {
      body: { requests: [{ method: 'POST', path: '/realms', body: { name: 'other' } }] },
    })
  expect((await bulk(operator)).body.results).toMatchObject([{ status: 403 }])
  expect((await read('other')).status).toBe(404)
  expect((await bulk(owner)).body.results).toMatchObject([{ status: 201 }])
})

test('each change is in the trail of the server, by its owner', async () => {
  const { body } = await admin(op, owner, 'GET', '/audit/entries?kind=changed_by_administrator&limit=200')
  const entries = body.items as { details: { change: string; realm?: string; by?: string } }[]
  const changes = entries
    .filter(({ details }) => details.realm === 'two')
    .map(({ details }) => details.change)
  expect(changes.toReversed()).toEqual(['realm_added', 'realm_disabled', 'realm_enabled'])
  expect(entries.every(({ details }) => details.by !== undefined)).toBe(true)
})

/** The same provider, as a caller at the issuer of the realm sees it. */
const inRealm = async (name: string): Promise<Provider> => ({
  ...op,
  context: (await op.context.realms!.open(name))!,
  issuer: `${op.issuer}/realms/${name}`,
  fetch: (path, init, peer) => op.fetch(path.startsWith('/') ? `/realms/${name}${path}` : path, init, peer),
})

test('inside of a realm there are no realms, and a token of the server opens nothing there', async () => {
  const inside = await inRealm('one')
  const theirs = await serviceToken(inside, await serviceClient(inside))
  const there = (token: string, path: string) => admin(inside, token, 'GET', path)
  expect((await there(theirs, '/self')).status).toBe(200)
  expect((await there(theirs, '/realms')).status).toBe(404)
  expect((await there(owner, '/people')).status).toBe(401)
  expect((await admin(op, theirs, 'GET', '/people')).status).toBe(401)
  expect((await admin(op, theirs, 'GET', '/realms')).status).toBe(401)
})

test('inside of a realm every route answers, and none reaches the process or the server', async () => {
  const inside = await inRealm('one')
  const token = await serviceToken(inside, await serviceClient(inside, adminScopes, 'every-route'))
  for (const route of routes) {
    const path = route.path.replaceAll(/\{[a-z_]+\}/g, 'nobody')
    const answer = await admin(
      inside,
      token,
      route.method,
      `${path}${route.destructive ? '?dry_run=true' : ''}`,
      {
        ...(route.body && { body: {} }),
        headers: { ...(route.guarded && { 'if-match': '"none"' }) },
      },
    )
    expect([route.method, route.path, answer.status < 500, JSON.stringify(answer.body)]).toEqual([
      route.method,
      route.path,
      true,
      expect.not.stringMatching(/sub-of-owner|console/),
    ])
  }
  const levels = { body: { level: 'debug', levels: {} } }
  expect((await admin(inside, token, 'PUT', '/log_levels', levels)).status).toBe(404)
})

test('the pages of a realm open for its owner, and show nothing of the server', async () => {
  const inside = await inRealm('one')
  const { who } = await administrator(inside, 'owner', 'owner-of-the-realm')
  for (const path of [
    '/admin',
    '/admin/people',
    '/admin/settings',
    '/admin/scopes',
    '/admin/keys',
    '/admin/audit',
  ]) {
    const { status, html } = pageOf(await who.open(`/realms/one${path}`))
    expect([path, status]).toEqual([path, 200])
    expect(html).not.toMatch(/sub-of-owner"|\/admin\/(?:jobs|realms)"/)
  }
  for (const path of ['/admin/jobs', '/admin/realms', '/admin/realms/one'])
    expect([path, pageOf(await who.open(`/realms/one${path}`)).status]).toEqual([path, 404])
  // The session of the realm is none at the server.
  expect(new URL(pageOf(await who.open(`${op.issuer}/admin`)).url).pathname).toBe('/login')
})

test('without REALMS the routes are unknown paths, also for many requests at once and in the description', async () => {
  const off = await provider()
  const token = await serviceToken(off, await serviceClient(off))
  const { status, body } = await admin(off, token, 'GET', '/realms')
  expect([status, body.error]).toEqual([404, 'not_found'])
  const bulk = await admin(off, token, 'POST', '/bulk', {
    body: { requests: [{ method: 'GET', path: '/realms' }] },
  })
  expect(bulk.body.results).toMatchObject([{ status: 404 }])
  expect(await (await off.fetch('/openapi.json')).text()).not.toContain('/realms')
  expect(await (await op.fetch('/openapi.json')).text()).toContain('/admin/v1/realms/{name}')
})
