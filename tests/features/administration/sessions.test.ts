/** The administration API lists the sessions of all people and ends those of a client; what it shows opens none of them. docs/administration.md */
import { expect, test } from 'bun:test'
import { Session } from '../../../src/models/session.ts'
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
import { bob, browser, demo, operatorClient, tokensOf, userinfo } from '../../support/flow.ts'
import { provider } from '../../support/provider.ts'

const op = await provider()
const console_ = await consoleClient(op)
const owner = await administrator(op, 'owner')
const support = await administrator(op, 'support')
const asSupport = await tokenOf(op, console_, support)
const asService = await serviceToken(op, await serviceClient(op))
const other = await operatorClient(op, { client_id: 'other-app' })
const { sub } = (await User.findByUsername(op.context, 'bob'))!
const ann = await account(op, 'ann')
await tokensOf(op, browser(op), demo, {}, bob)
const annTokens = await tokensOf(op, browser(op), other, {}, ann)

const get = (query: string, token = asSupport) => admin(op, token, 'GET', `/sessions${query}`)
const rows = async (query: string, token?: string) =>
  (await get(query, token)).body.items as Record<string, unknown>[]
const names = async (query: string) => (await rows(query)).map(({ username }) => username).sort()

test('all sessions, by person, client, address and last use', async () => {
  expect(await names('')).toEqual(['ann', 'bob', 'owner', 'support'])
  expect(await names('?person=bob')).toEqual(['bob'])
  expect(await names(`?person=${sub}`)).toEqual(['bob'])
  expect(await names('?person=nobody')).toEqual([])
  expect(await names('?client_id=other-app')).toEqual(['ann'])
  const [{ address }] = (await rows('?person=ann')) as [{ address: string }]
  expect(await names(`?address=${address}`)).toHaveLength(4)
  expect(await names('?address=203.0.113.0/24')).toEqual([])
  const later = new Date(op.clock.now() + 60_000).toISOString()
  expect(await names(`?used_since=${later}`)).toEqual([])
})

test('a username that is the sub of another person hides no session', async () => {
  await account(op, sub)
  expect(await names(`?person=${sub}`)).toEqual(['bob'])
})

test.each([
  ['address', 'loopback'],
  ['address', '10.0.0.1/8'],
  ['address', '10.0.0.0/8,192.0.2.1'],
  ['address', "' OR 1=1"],
  ['used_since', 'yesterday'],
  ['sort', 'address'],
  ['offset', '10'],
  ['limit', '201'],
])('%s=%s is refused', async (name, value) => {
  expect((await get(`?${name}=${encodeURIComponent(value)}`)).status).toBe(400)
})

test('a cursor is of its filters and its order alone, and cannot be made', async () => {
  const first = await get('?limit=1')
  const next = String(first.body.next)
  expect(next).not.toContain('sid')
  expect((await get(`?limit=1&cursor=${next}`)).status).toBe(200)
  for (const query of [
    `?cursor=${next}&client_id=other-app`,
    `?cursor=${next}&sort=ends_at`,
    `?cursor=${next.slice(0, 10)}${next[10] === 'A' ? 'B' : 'A'}${next.slice(11)}`,
    `?cursor=50`,
    `?cursor=${Buffer.from('{"member":"","score":0}').toString('base64url')}`,
  ])
    expect((await get(query)).status).toBe(400)
  expect((await admin(op, asSupport, 'GET', `/people?cursor=${next}`)).status).toBe(400)
})

test('what is shown is no secret: a sid opens no session, and no answer has the secret of one', async () => {
  const text = JSON.stringify(await rows(''))
  for (const { secret_hash } of await Session.listOfUser(op.context, sub))
    expect(text).not.toContain(secret_hash)
  expect(text).not.toContain('secret')
  for (const { sid } of await rows('?person=bob')) {
    const response = await op.fetch('/account', { headers: { cookie: `session=${String(sid)}` } })
    expect(response.headers.get('location')).toContain('/login')
  }
})

test('without admin:people.read no name is told, and a name finds nothing', async () => {
  const limited = await serviceToken(op, await serviceClient(op, ['admin:sessions.read'], 'limited'))
  for (const row of await rows('', limited))
    expect([row.username, row.administration_role]).toEqual([null, null])
  expect(await rows('?person=bob', limited)).toEqual([])
  expect(await rows(`?person=${sub}`, limited)).toHaveLength(1)
  const blind = await serviceToken(op, await serviceClient(op, ['admin:people.read'], 'blind'))
  expect((await get('', blind)).body.code).toBe('insufficient_scope')
})

test('by client: a dry run counts alike and ends nothing; sessions of other clients stay', async () => {
  const path = '/clients/other-app/sessions'
  expect((await admin(op, asSupport, 'DELETE', path)).body.code).toBe('insufficient_scope')
  const counts = { client_id: 'other-app', people: 1, ended_sessions: 1 }
  expect((await admin(op, asService, 'DELETE', `${path}?dry_run=true`)).body).toMatchObject(counts)
  expect((await userinfo(op, annTokens.access_token)).status).toBe(200)
  expect((await admin(op, asService, 'DELETE', path)).body).toMatchObject(counts)
  expect((await userinfo(op, annTokens.access_token)).status).toBe(401)
  expect(await names('')).toEqual(['bob', 'owner', 'support'])
  expect((await admin(op, asService, 'DELETE', path)).body).toMatchObject({ people: 0, ended_sessions: 0 })
  expect((await admin(op, asService, 'DELETE', '/clients/nobody/sessions')).status).toBe(404)
})

test('an administrator ends the own session: the token of it ends at once', async () => {
  const [{ sid }] = (await rows('?person=support')) as [{ sid: string }]
  expect((await admin(op, asSupport, 'DELETE', `/sessions/${sid}`)).status).toBe(200)
  expect((await get('')).status).toBe(401)
  expect(await Session.listOfUser(op.context, owner.account.sub)).toHaveLength(1)
})

test('the end of everything reads accounts a page at a time', async () => {
  const { store } = op.context
  // So many that a second page follows; no account has them.
  for (let i = 0; i < 1_000; i++) await store.link('users', `gone-${i}`, 4_000_000_000 + i)
  const order: string[] = []
  const { range } = store
  store.range = (index, options) => {
    if (index === 'users' || index.startsWith('user_sessions:')) order.push(index.split(':')[0]!)
    return range.call(store, index, options)
  }
  const { body } = await admin(op, asService, 'DELETE', '/sessions?dry_run=true')
  store.range = range
  expect(Number(body.people)).toBeGreaterThan(4)
  const [first, second] = order.flatMap((each, i) => (each === 'users' ? [i] : []))
  expect(second! - first!).toBeGreaterThan(4) // the accounts of the first page come before the second page
})
