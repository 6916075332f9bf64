/** An administrator disconnects an account at another provider: by the API and on the page of the person. docs/administration.md */
import { expect, test } from 'bun:test'
import { Links } from '../../../src/features/upstream/links.ts'
import { Event } from '../../../src/models/event.ts'
import { Session } from '../../../src/models/session.ts'
import { User } from '../../../src/models/user.ts'
import { lifetimesOf } from '../../../src/people/end_session.ts'
import { account, admin, administrator, consoleClient, tokenOf } from '../../support/administration.ts'
import { corp, member } from '../../support/corp.ts'
import { provider } from '../../support/provider.ts'
import { upstreamEnv } from '../../support/upstream.ts'

const oidc = corp()
const op = await provider({ env: upstreamEnv([member(oidc)], [oidc]) })
const client = await consoleClient(op)
const operator = await administrator(op, 'operator')
const token = await tokenOf(op, client, operator)

async function connect(sub: string, subject: string): Promise<void> {
  const identity = { issuer: oidc.origin, subject, emailVerified: false, amr: [] }
  const upstream = { id: 'corp' } as Parameters<typeof Links.create>[1]
  expect(await Links.create(op.context, upstream, identity, sub, { access_token: 'a' })).toBeTrue()
}
const listed = async (sub: string) =>
  (await admin(op, token, 'GET', `/people/${sub}/connections`)).body.items as {
    id: string
    provider: string
  }[]
const remove = (sub: string, id: string, query = '', as = token) =>
  admin(op, as, 'DELETE', `/people/${sub}/connections/${id}${query}`)

test('a connection is removed once, and its owner reads of it', async () => {
  const { sub } = await account(op, 'ann')
  await connect(sub, 'ann-of-corp')
  const signIn = { sub, acr: '1', amr: [] as string[] }
  for (const more of [{}, { proven_at: 1 }])
    await Session.begin(op.context, op.context.random, { ...signIn, ...more }, lifetimesOf(op.context))
  const [found] = await listed(sub)
  expect(found).toMatchObject({ provider: 'corp' })
  const dry = await remove(sub, found!.id, '?dry_run=true')
  expect([dry.status, dry.body.dry_run, (await listed(sub)).length]).toEqual([200, true, 1])
  expect(oidc.asked).toEqual([])
  expect((await Session.listOfUser(op.context, sub)).length).toBe(2)
  const all = await Promise.all([remove(sub, found!.id), remove(sub, found!.id)])
  expect(all.map(({ status }) => status)).toContain(200)
  expect(await listed(sub)).toEqual([])
  // That of the other provider has ended.
  expect((await Session.listOfUser(op.context, sub)).map(({ proven_at }) => proven_at)).toEqual([undefined])
  expect((await remove(sub, found!.id)).status).toBe(404)
  const { items } = await Event.pageOfUser(op.context, sub, { limit: 10, after: undefined })
  expect(items.filter(({ kind }) => kind === 'connection_taken').length).toBeGreaterThan(0)
})

test('the last way to sign in stays', async () => {
  const { sub } = await account(op, 'bea')
  await connect(sub, 'bea-of-corp')
  await User.update(op.context, sub, ({ password_hash: _, ...user }) => user)
  const [found] = await listed(sub)
  const { status, body } = await remove(sub, found!.id)
  expect([status, body.next]).toEqual([409, expect.stringContaining('send a link')])
  expect((await listed(sub)).length).toBe(1)
})

test('the id of a connection of another person removes nothing', async () => {
  const [cy, dee] = [await account(op, 'cy'), await account(op, 'dee')]
  await connect(dee.sub, 'dee-of-corp')
  const [found] = await listed(dee.sub)
  expect((await remove(cy.sub, found!.id)).status).toBe(404)
  expect((await listed(dee.sub)).length).toBe(1)
})

test('a connection of an owner is out of reach of an operator', async () => {
  const owner = await administrator(op, 'owner')
  await connect(owner.account.sub, 'owner-of-corp')
  const [found] = await listed(owner.account.sub)
  expect((await remove(owner.account.sub, found!.id)).status).toBe(403)
  expect((await listed(owner.account.sub)).length).toBe(1)
})

test('the page of the person has the connection with a button that removes it', async () => {
  const { sub } = await account(op, 'eli')
  await connect(sub, 'eli-of-corp')
  const { page } = await operator.who.open(`${op.issuer}/admin/people/${sub}`)
  expect(page!.html).toContain('Connected accounts')
  const [found] = await listed(sub)
  const landing = await operator.who.press(page!, 'remove_connection', { connection: found!.id })
  expect(landing.page!.html).toContain('Connection removed.')
  expect(await listed(sub)).toEqual([])
})
