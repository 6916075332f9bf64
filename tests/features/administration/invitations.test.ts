/** Invitations and initial access tokens by the administration API: shown once, revoked, and no way to more rights. docs/administration.md */
import { expect, test } from 'bun:test'
import { adminScopes } from '../../../src/auth/admin_roles.ts'
import { Invitation } from '../../../src/models/invitation.ts'
import { outboxIndex } from '../../../src/models/outbox.ts'
import { admin, administrator, consoleClient, tokenOf } from '../../support/administration.ts'
import { provider } from '../../support/provider.ts'

const op = await provider({ env: { ACCOUNT_REGISTRATION: 'invitation', REGISTRATION: 'open' } })
const client = await consoleClient(op)
const operator = await tokenOf(op, client, await administrator(op, 'operator'))
const support = await tokenOf(op, client, await administrator(op, 'support'))

const invite = (body: Record<string, unknown>, headers: Record<string, string> = {}, token = operator) =>
  admin(op, token, 'POST', '/invitations', { body, headers })
const make = (body: Record<string, unknown>, headers: Record<string, string> = {}) =>
  admin(op, operator, 'POST', '/initial_access_tokens', { body, headers })
const waiting = async () => (await op.context.store.range(outboxIndex)).length

const tokenIn = (link: unknown) => new URL(String(link)).searchParams.get('token')!

test('an invitation is mailed, and its link is then in no answer', async () => {
  const before = await waiting()
  const { status, body } = await invite({ email: 'New@Example.org', roles: ['editor', 'editor'] })
  expect([status, body.mailed, body.roles]).toEqual([201, true, ['editor']])
  expect(body.link).toBeUndefined()
  expect(await waiting()).toBe(before + 1)
})

test('support invites, and gives no rights in applications with it', async () => {
  expect((await invite({ email: 'plain@example.org' }, {}, support)).status).toBe(201)
  for (const more of [{ roles: ['editor'] }, { attributes: { team: 'a' } }]) {
    const refused = await invite({ email: 'more@example.org', ...more }, {}, support)
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
  }
})

test('without a mail the link is shown once, opens the invitation, and ends with it', async () => {
  const key = { 'idempotency-key': 'once' }
  const before = await waiting()
  const first = await invite({ email: 'once@example.org', mail: false }, key)
  expect(await waiting()).toBe(before)
  expect(await Invitation.ofToken(op.context, tokenIn(first.body.link))).toMatchObject({
    email: 'once@example.org',
  })
  const again = await invite({ email: 'once@example.org', mail: false }, key)
  expect([again.body.id, again.body.link]).toEqual([first.body.id, undefined])
  const list = await admin(op, support, 'GET', '/invitations')
  expect(JSON.stringify(list.body)).not.toContain('secret_hash')
  expect(JSON.stringify(list.body)).not.toContain(tokenIn(first.body.link))
  const path = `/invitations/${String(first.body.id)}`
  const ended = await Promise.all([1, 2].map(() => admin(op, support, 'DELETE', path)))
  expect(ended.map(({ status }) => status).sort()).toEqual([204, 404])
  expect(await Invitation.ofToken(op.context, tokenIn(first.body.link))).toBeUndefined()
})

test('no invitation to an address that has an account, to no address, or while registration is closed', async () => {
  await admin(op, operator, 'POST', '/people', {
    body: { username: 'taken', email: 'taken@example.org', email_verified: true },
  })
  expect((await invite({ email: 'taken@example.org' })).status).toBe(409)
  expect((await invite({ email: 'taken' })).status).toBe(400)
  expect((await invite({ email: 'long@example.org', expires_in: 10 * 365 * 86_400 })).status).toBe(400)
  expect((await invite({ email: 'odd@example.org', roles: ['two words'] })).status).toBe(400)
  const closed = await provider({ env: { ACCOUNT_REGISTRATION: 'closed' } })
  const token = await tokenOf(closed, await consoleClient(closed), await administrator(closed, 'owner'))
  const refused = await admin(closed, token, 'POST', '/invitations', { body: { email: 'a@example.org' } })
  expect([refused.status, refused.body.expected]).toEqual([
    409,
    expect.stringContaining('ACCOUNT_REGISTRATION'),
  ])
})

const register = (token: unknown, metadata: Record<string, unknown>) =>
  op.fetch('/register', {
    method: 'POST',
    headers: { authorization: `Bearer ${String(token)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['https://app.example/callback'], ...metadata }),
  })

test('an initial access token is shown once, registers within its limits, and ends when it is revoked', async () => {
  const key = { 'idempotency-key': 'token' }
  const wanted = { name: 'Team A', uses: 3, scopes: ['openid'], redirect_hosts: ['App.example'] }
  const { status, body } = await make(wanted, key)
  expect([status, body.uses_left, body.redirect_hosts]).toEqual([201, 3, ['app.example']])
  expect((await make(wanted, key)).body.token).toBeUndefined()
  expect((await register(body.token, { scope: 'openid' })).status).toBe(201)
  expect((await register(body.token, { redirect_uris: ['https://other.example/'] })).status).toBe(400)
  const { items } = (await admin(op, operator, 'GET', '/initial_access_tokens')).body
  expect(items).toMatchObject([{ id: body.id, uses: 3 }])
  expect(JSON.stringify(items)).not.toContain('secret_hash')
  const path = `/initial_access_tokens/${String(body.id)}`
  expect((await admin(op, operator, 'DELETE', path)).status).toBe(204)
  expect((await admin(op, operator, 'DELETE', path)).status).toBe(404)
  expect((await register(body.token, { scope: 'openid' })).status).toBe(401)
})

test.each([...adminScopes])('no initial access token lets a client register %s', async (scope) => {
  const refused = await make({ name: 'More rights', scopes: ['openid', scope] })
  expect([refused.status, refused.body.came]).toEqual([422, scope])
  const { body } = await make({ name: 'Plain' })
  const registered = await register(body.token, { scope: `openid ${scope}` })
  const answer = (await registered.json()) as { scope?: string }
  expect(answer.scope ?? '').not.toContain(scope)
})

test('grant types, methods and hosts are those of this provider', async () => {
  for (const odd of [
    { grant_types: ['magic'] },
    { auth_methods: ['none_at_all'] },
    { redirect_hosts: ['https://app.example'] },
  ])
    expect((await make({ name: 'Odd', ...odd })).status).toBe(422)
  expect((await make({ name: 'Odd', uses: 0 })).status).toBe(400)
  expect((await make({ name: ' ' })).status).toBe(400)
  const asSupport = await admin(op, support, 'POST', '/initial_access_tokens', { body: { name: 'S' } })
  expect(asSupport.status).toBe(403)
})
