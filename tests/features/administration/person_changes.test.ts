/** The administration API makes and changes people, once for each Idempotency-Key, and several in one call. docs/administration.md */
import { expect, test } from 'bun:test'
import { User } from '../../../src/models/user.ts'
import {
  account,
  admin,
  administrator,
  consoleClient,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../../support/administration.ts'
import { withPassword } from '../../support/authenticator.ts'
import { browser } from '../../support/flow.ts'
import { linkMailed } from '../../support/mailbox.ts'
import { provider } from '../../support/provider.ts'

const env = { SMTP_URL: 'smtp://127.0.0.1:9', MAIL_FROM: 'op@op.example', PASSWORD_RECOVERY: 'true' }
const op = await provider({ env: { ...env, AUDIT_SIGNING_KEY: 'an-audit-signing-key-of-this-test' } })
const client = await consoleClient(op)
const owner = await administrator(op, 'owner')
const asOwner = await tokenOf(op, client, owner)
const asSupport = await tokenOf(op, client, await administrator(op, 'support'))
const asService = await serviceToken(op, await serviceClient(op))

const post = (path: string, body: unknown, headers: Record<string, string> = {}, token = asOwner) =>
  admin(op, token, 'POST', path, { body, headers })
const read = (sub: string) => admin(op, asOwner, 'GET', `/people/${sub}`)
const etagOf = async (sub: string) => (await read(sub)).headers.get('etag')!

async function signsIn(username: string, password: string): Promise<boolean> {
  const landing = await withPassword(browser(op), { username, password })
  return landing.page !== undefined && !landing.page.url.includes('/login')
}

test('a person is created with what latchkey user add takes, and signs in', async () => {
  const made = await post('/people', {
    username: 'grace',
    email: 'grace@example.com',
    email_verified: true,
    name: 'Grace H',
    attributes: { team: 'compilers' },
    roles: ['admiral'],
    password: 'a navy of compilers',
  })
  expect(made.status).toBe(201)
  expect(made.body).toMatchObject({
    username: 'grace',
    claims: { name: 'Grace H', email: 'grace@example.com', email_verified: true },
    roles: ['admiral'],
    has_password: true,
    administration_role: null,
  })
  const { sub } = made.body as { sub: string }
  expect(made.headers.get('location')).toBe(`${op.issuer}/admin/v1/people/${sub}`)
  expect(made.headers.get('etag')).toBe(await etagOf(sub))
  expect(await signsIn('grace', 'a navy of compilers')).toBe(true)
})

test('what is taken, weak or not known is refused, and nothing is made', async () => {
  const taken = await post('/people', { username: 'GRACE' })
  expect([taken.status, taken.body.code]).toEqual([409, 'conflict'])
  const weak = await post('/people', { username: 'henry', password: 'henry' })
  expect([weak.status, weak.body.code]).toEqual([422, 'unprocessable'])
  expect(JSON.stringify(weak.body)).not.toContain('"henry"')
  for (const body of [
    { username: 'henry', administration_role: 'owner' },
    { username: 'henry', password_hash: 'x' },
    { username: 'henry', sub: 'chosen' },
    { username: 'henry', claims: { sub: 'chosen' } },
    { username: 'henry', disabled: true },
    {},
  ])
    expect((await post('/people', body)).status).toBe(400)
  expect(await User.findByUsername(op.context, 'henry')).toBeUndefined()
})

test('the same Idempotency-Key makes one person, also of requests at the same time', async () => {
  const headers = { 'idempotency-key': 'import-1' }
  const body = { username: 'ida', password: 'a long enough password' }
  const all = await Promise.all(Array.from({ length: 8 }, () => post('/people', body, headers)))
  const made = all.filter(({ status }) => status === 201)
  expect(made.length).toBeGreaterThan(0)
  expect(all.filter(({ status }) => ![201, 409].includes(status))).toEqual([])
  const again = await post('/people', body, headers)
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
  expect(again.body).toEqual(made[0]!.body)
  expect(again.headers.get('location')).toBe(made[0]!.headers.get('location'))
  const other = await post('/people', { ...body, name: 'Other' }, headers)
  expect([other.status, other.body.code]).toEqual([422, 'unprocessable'])
})

test('a key of one caller is another key for another caller, and for another route', async () => {
  const headers = { 'idempotency-key': 'shared' }
  const first = await post('/people', { username: 'jack' }, headers)
  expect(first.status).toBe(201)
  for (const token of [asSupport, asService]) {
    const answer = await post('/people', { username: 'jack' }, headers, token)
    expect([answer.status, answer.headers.get('idempotency-replayed')]).toEqual([409, null])
  }
  const odd = await post('/people', { username: 'jill' }, { 'idempotency-key': 'x'.repeat(201) })
  expect(odd.status).toBe(400)
})

test('a refused creation frees its key', async () => {
  const headers = { 'idempotency-key': 'second-try' }
  expect((await post('/people', { username: 'grace' }, headers)).status).toBe(409)
  expect((await post('/people', { username: 'kate' }, headers)).status).toBe(201)
})

test('a change merges, null removes, and another version is not overwritten', async () => {
  const { sub } = await account(op, 'liam', { claims: { name: 'Liam', nickname: 'L' }, roles: ['a'] })
  const etag = await etagOf(sub)
  const change = (body: unknown, tag = etag, token = asOwner) =>
    admin(op, token, 'PATCH', `/people/${sub}`, { body, headers: { 'if-match': tag } })
  const done = await change({ claims: { nickname: null, website: 'https://liam.example' }, roles: ['b'] })
  expect(done.body).toMatchObject({ claims: { name: 'Liam', website: 'https://liam.example' }, roles: ['b'] })
  expect(done.body.claims).not.toHaveProperty('nickname')
  expect((await change({ roles: ['c'] })).status).toBe(412)
  expect((await change({ roles: ['c'] }, `W/${done.headers.get('etag')}`)).status).toBe(412)
  const both = await Promise.all(
    ['c', 'd'].map((role) => change({ roles: [role] }, done.headers.get('etag')!)),
  )
  expect(both.map(({ status }) => status).sort()).toEqual([200, 412])
  for (const body of [
    { claims: { email: 'x@y.example' } },
    { claims: { email_verified: true } },
    { claims: { sub: 'x' } },
    { disabled: true },
    { password_hash: 'x' },
  ])
    expect((await change(body, await etagOf(sub))).status).toBe(400)
})

test('support gives no roles and no attributes, not even to its own account', async () => {
  const { sub } = await account(op, 'victor')
  for (const to of [sub, 'sub-of-support'])
    for (const body of [{ roles: ['admin'] }, { attributes: { permissions: ['all'] } }]) {
      const answer = await admin(op, asSupport, 'PATCH', `/people/${to}`, {
        body,
        headers: { 'if-match': await etagOf(to) },
      })
      expect([answer.status, answer.body.code]).toEqual([403, 'forbidden'])
    }
  const made = await post('/people', { username: 'wendy', roles: ['admin'] }, {}, asSupport)
  expect([made.status, made.body.code]).toEqual([403, 'forbidden'])
  const allowed = await admin(op, asSupport, 'PATCH', `/people/${sub}`, {
    body: { claims: { nickname: 'V' } },
    headers: { 'if-match': await etagOf(sub) },
  })
  expect(allowed.status).toBe(200)
})

test('an address, a password and a link for a new password', async () => {
  const { sub, username } = await account(op, 'mary')
  const put = (path: string, body: unknown, tag?: string) =>
    admin(op, asSupport, 'PUT', `/people/${sub}${path}`, {
      body,
      ...(tag !== undefined && { headers: { 'if-match': tag } }),
    })
  const set = await put('/email', { email: 'mary@example.com' }, await etagOf(sub))
  expect(set.body.claims).toMatchObject({ email: 'mary@example.com', email_verified: true })
  const other = await put('/email', { email: 'grace@example.com' }, set.headers.get('etag')!)
  expect([other.status, other.body.code]).toEqual([409, 'conflict'])
  expect((await admin(op, asSupport, 'POST', `/people/${sub}/send_reset`)).body).toEqual({
    sub,
    email: 'mary@example.com',
  })
  expect(await linkMailed(op, 'mary@example.com', '/reset_password')).toContain('token=')
  expect((await put('/password', { password: 'an entirely new one' })).status).toBe(204)
  expect(await signsIn(username, 'an entirely new one')).toBe(true)
  const none = await post('/people', { username: 'no-address' })
  const refused = await admin(op, asSupport, 'POST', `/people/${String(none.body.sub)}/send_reset`)
  expect([refused.status, refused.body.code]).toEqual([409, 'conflict'])
})

test('a copy of the data of a person is told in the audit trail', async () => {
  const { sub } = await account(op, 'nora', { claims: { name: 'Nora N' } })
  op.lines.splice(0)
  const { body } = await admin(op, asSupport, 'POST', `/people/${sub}/export`)
  expect(body).toMatchObject({ sub, data: { profile: { username: 'nora', claims: { name: 'Nora N' } } } })
  expect(op.lines.filter((line) => line.includes('change=account_exported'))).toHaveLength(1)
})

test('the log and the trail have names of members, and values only where they are no personal data', async () => {
  const { sub } = await account(op, 'olga', { claims: { nickname: 'canary-before' } })
  op.lines.splice(0)
  await admin(op, asOwner, 'PATCH', `/people/${sub}`, {
    body: { claims: { nickname: 'canary-after' }, roles: ['told'] },
    headers: { 'if-match': await etagOf(sub) },
  })
  const line = op.lines.find((each) => each.includes('changed_by_administrator'))!
  expect(line).toContain('claims.nickname')
  expect(line).toContain('told')
  expect(op.lines.join('\n')).not.toContain('canary')
})

test('a bulk call has a result for each request, in their order, and one that fails stops no other', async () => {
  const { sub } = await account(op, 'paul')
  const requests = [
    { method: 'POST', path: '/people', body: { username: 'quinn' } },
    { method: 'POST', path: '/people', body: { username: 'grace' } },
    { method: 'GET', path: `/people/${sub}` },
    { method: 'PATCH', path: `/people/${sub}`, body: { claims: { nickname: 'x' } } },
    {
      method: 'PATCH',
      path: `/people/${sub}`,
      body: { claims: { nickname: 'x' } },
      if_match: await etagOf(sub),
    },
    { method: 'POST', path: `/people/${sub}/disable`, query: { dry_run: 'true' } },
    { method: 'GET', path: '/bulk' },
    { method: 'DELETE', path: `/people/${owner.account.sub}`, if_match: await etagOf(owner.account.sub) },
  ]
  const { status, body } = await post('/bulk', { requests }, {}, asSupport)
  expect(status).toBe(200)
  const results = body.results as { status: number; body: Record<string, unknown> }[]
  expect(results.map((each) => each.status)).toEqual([201, 409, 200, 428, 200, 200, 404, 403])
  expect(results[5]!.body).toMatchObject({ dry_run: true })
  expect(results[1]!.body).toMatchObject({ code: 'conflict' })
  expect((await User.find(op.context, sub))?.disabled).toBe(false)
  const many = await post('/bulk', { requests: Array.from({ length: 101 }, () => requests[2]) })
  expect([many.status, many.body.code]).toEqual([400, 'bad_request'])
})
