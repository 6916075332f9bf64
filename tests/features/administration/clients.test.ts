/** The administration API changes clients: secrets are shown once, versions are compared, and rights are not exceeded. docs/administration.md */
import { expect, test } from 'bun:test'
import { adminScopes } from '../../../src/auth/admin_roles.ts'
import { Client } from '../../../src/models/client.ts'
import {
  admin,
  administrator,
  consoleClient,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../../support/administration.ts'
import { post } from '../../support/flow.ts'
import { provider } from '../../support/provider.ts'

const op = await provider()
const console_ = await consoleClient(op)
const owner = await tokenOf(op, console_, await administrator(op, 'owner'))
const operator = await tokenOf(op, console_, await administrator(op, 'operator'))

type Json = Record<string, unknown>

const redirect = 'https://app.example/callback'

async function add(more: Json = {}, token = operator, headers: Record<string, string> = {}) {
  return admin(op, token, 'POST', '/clients', {
    body: { client_name: 'An app', metadata: { redirect_uris: [redirect] }, ...more },
    headers,
  })
}

async function added(more: Json = {}) {
  const { status, body, headers } = await add(more)
  expect(status).toBe(201)
  return { id: String(body.client_id), etag: headers.get('etag')!, body }
}

const path = (id: string, rest = '') => `/clients/${encodeURIComponent(id)}${rest}`

const change = (id: string, etag: string, body: Json, token = operator) =>
  admin(op, token, 'PATCH', path(id), { body, headers: { 'if-match': etag } })

test('a client is added with a secret that is shown once and works', async () => {
  const { id, etag, body } = await added({
    metadata: { redirect_uris: [], grant_types: ['client_credentials'], color: 'green' },
  })
  expect(body.left_out).toEqual(['color'])
  const secret = String(body.client_secret)
  const shown = await admin(op, operator, 'GET', path(id))
  expect(shown.headers.get('etag')).toBe(etag)
  expect(shown.body.has_secret).toBe(true)
  expect(JSON.stringify(shown.body)).not.toContain('secret_mac')
  expect(JSON.stringify(shown.body)).not.toContain(secret)
  const client = { client_id: id, client_secret: secret, redirect_uri: redirect }
  expect((await post(op, '/token', client, { grant_type: 'client_credentials' })).status).toBe(200)
})

test('a creation that is sent again makes no second client and shows no secret', async () => {
  const key = { 'idempotency-key': 'one-of-mine' }
  const first = await add({}, operator, key)
  const again = await add({}, operator, key)
  expect(again.body.client_id).toBe(first.body.client_id as string)
  expect(again.body.client_secret).toBeUndefined()
  expect((await add({ client_name: 'Another' }, operator, key)).status).toBe(422)
  // The key of another caller is another key.
  const other = await add({}, owner, key)
  expect(other.body.client_id).not.toBe(first.body.client_id as string)
})

test('a client_id is taken once, and one of a person never', async () => {
  await added({ client_id: 'mine' })
  expect((await add({ client_id: 'mine' })).status).toBe(409)
  const { body } = await admin(op, owner, 'GET', '/self')
  expect((await add({ client_id: body.sub })).status).toBe(422)
})

test('a change names the version that was read, and null removes a member', async () => {
  const { id, etag } = await added({
    metadata: { redirect_uris: [redirect], client_uri: 'https://app.example/' },
  })
  const changed = await change(id, etag, { metadata: { client_uri: null, scope: 'openid email' } })
  expect(changed.status).toBe(200)
  expect(changed.body.metadata).toMatchObject({ scope: 'openid email', redirect_uris: [redirect] })
  expect(changed.body.metadata).not.toHaveProperty('client_uri')
  const late = await change(id, etag, { metadata: { scope: 'openid' } })
  expect(late.status).toBe(412)
  expect(late.headers.get('etag')).toBe(changed.headers.get('etag'))
  expect((await admin(op, operator, 'PATCH', path(id), { body: {} })).status).toBe(428)
  expect((await Client.find(op.context, id))!.scope).toBe('openid email')
})

test('what is no member, or has another form, is refused and changes nothing', async () => {
  const { id, etag } = await added()
  for (const body of [
    { privileges: { owner: true } },
    { privileges: { first_party: 'yes' } },
    { privileges: { allowed_resources: ['not a uri'] } },
    { metadata: { redirect_uris: ['javascript:alert(1)'] } },
    { metadata: { secret_mac: null } },
    { metadata: { client_id: null } },
    { secret_mac: 'x' },
  ])
    expect([body, (await change(id, etag, body)).status >= 400]).toEqual([body, true])
  // A member of the record that is no metadata is left out, not written.
  const left = await change(id, etag, { metadata: { secret_mac: 'mine', self_registered: true, exp: 1 } })
  expect(left.body.left_out).toContain('secret_mac')
  const record = (await Client.find(op.context, id))!
  expect([record.secret_mac === 'mine', record.self_registered, record.exp]).toEqual([
    false,
    false,
    undefined,
  ])
})

test('privileges are given and taken', async () => {
  const { id, etag } = await added({
    privileges: { first_party: true, role_names: { admin: 'Administrators' } },
  })
  const { body } = await change(id, etag, { privileges: { first_party: null, require_pkce: false } })
  expect(body.privileges).toMatchObject({ require_pkce: false, role_names: { admin: 'Administrators' } })
  expect((await Client.find(op.context, id))!.first_party).toBeFalsy()
})

test('two secrets overlap, and the older one is ended', async () => {
  const { id, body } = await added({ metadata: { redirect_uris: [], grant_types: ['client_credentials'] } })
  const works = async (client_secret: unknown) =>
    (
      await post(
        op,
        '/token',
        { client_id: id, client_secret: String(client_secret), redirect_uri: redirect },
        { grant_type: 'client_credentials' },
      )
    ).status === 200
  const renewed = await admin(op, operator, 'POST', path(id, '/secret'), { body: {} })
  expect(renewed.body.former_secret_until).toBeString()
  expect([await works(body.client_secret), await works(renewed.body.client_secret)]).toEqual([true, true])
  expect((await admin(op, operator, 'POST', path(id, '/secret'), { body: {} })).status).toBe(409)
  expect((await admin(op, operator, 'DELETE', path(id, '/secret/former'))).status).toBe(200)
  op.clock.advance(2_000)
  expect([await works(body.client_secret), await works(renewed.body.client_secret)]).toEqual([false, true])
  expect((await admin(op, operator, 'DELETE', path(id, '/secret/former'))).status).toBe(409)
})

test('a client that is disabled gets nothing until it is enabled', async () => {
  const { id, body } = await added({ metadata: { redirect_uris: [], grant_types: ['client_credentials'] } })
  const client = { client_id: id, client_secret: String(body.client_secret), redirect_uri: redirect }
  const ask = async () => {
    op.clock.advance(2_000)
    return (await post(op, '/token', client, { grant_type: 'client_credentials' })).status
  }
  expect(await ask()).toBe(200)
  expect((await admin(op, operator, 'POST', path(id, '/disable'))).body.disabled).toBe(true)
  expect(await ask()).toBe(401)
  expect((await admin(op, operator, 'POST', path(id, '/enable'))).body.disabled).toBe(false)
  expect(await ask()).toBe(200)
})

test('a dry run removes nothing, and a removal removes the client', async () => {
  const { id, etag } = await added()
  const headers = { 'if-match': etag }
  const dry = await admin(op, operator, 'DELETE', `${path(id)}?dry_run=true`, { headers })
  expect(dry.body).toMatchObject({ client_id: id, dry_run: true })
  expect(op.lines.filter((line) => line.includes('client_removed') && line.includes(id))).toEqual([])
  expect(await Client.find(op.context, id)).toBeDefined()
  expect((await admin(op, operator, 'DELETE', path(id), { headers })).status).toBe(200)
  expect(await Client.find(op.context, id)).toBeUndefined()
  expect((await admin(op, operator, 'GET', path(id))).status).toBe(404)
})

test('nobody gives a client a right that they do not hold, nor changes a client that has one', async () => {
  const scope = 'admin:people.read admin:owners.write'
  const metadata = { redirect_uris: [], grant_types: ['client_credentials'], scope }
  expect((await add({ metadata })).status).toBe(403)
  expect((await add({ metadata: { ...metadata, scope: 'admin:people.read' } })).status).toBe(201)
  const { id, etag } = await added()
  expect((await change(id, etag, { metadata: { scope } })).status).toBe(403)

  const made = await add({ metadata }, owner)
  expect(made.status).toBe(201)
  const mighty = String(made.body.client_id)
  const tag = made.headers.get('etag')!
  const headers = { 'if-match': tag }
  const tries: [method: string, rest: string, body?: Json][] = [
    ['POST', '/secret', { overlap: 0 }],
    ['DELETE', '/secret/former'],
    ['POST', '/disable'],
    ['POST', '/enable'],
    ['DELETE', ''],
    ['PATCH', '', { metadata: { redirect_uris: ['https://evil.example/cb'] } }],
  ]
  for (const [method, rest, body] of tries) {
    const answer = await admin(op, operator, method, path(mighty, rest), { headers, ...(body && { body }) })
    expect([method, rest, answer.status]).toEqual([method, rest, 403])
  }
  expect((await admin(op, operator, 'GET', path(mighty))).headers.get('etag')).toBe(tag)
})

test('a service with the scope for clients alone gives no other', async () => {
  const service = await serviceClient(op, ['admin:clients.read', 'admin:clients.write'], 'gardener')
  const token = await serviceToken(op, service)
  const metadata = { redirect_uris: [], grant_types: ['client_credentials'], scope: adminScopes.join(' ') }
  expect((await add({ metadata }, token)).status).toBe(403)
  expect((await add({}, token)).status).toBe(201)
})

test('lists come in pages, and a client is found by its id', async () => {
  const seen: string[] = []
  for (let cursor: unknown = ''; cursor !== null;) {
    const { body } = await admin(
      op,
      operator,
      'GET',
      `/clients?limit=3${cursor === '' ? '' : `&cursor=${String(cursor)}`}`,
    )
    seen.push(...(body.items as { client_id: string }[]).map(({ client_id }) => client_id))
    cursor = body.next
  }
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen).toContain('console')
  const { body } = await admin(op, operator, 'GET', '/clients?q=console')
  expect(body.items).toMatchObject([{ client_id: 'console' }])
})
