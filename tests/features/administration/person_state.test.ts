/** The administration API disables, erases and resets people, as the commands do, and support never an owner. docs/administration.md */
import { expect, test } from 'bun:test'
import { Administrators } from '../../../src/models/administrators.ts'
import { Session } from '../../../src/models/session.ts'
import { User } from '../../../src/models/user.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { account, admin, administrator, consoleClient, tokenOf } from '../../support/administration.ts'
import { withPassword } from '../../support/authenticator.ts'
import { browser } from '../../support/flow.ts'
import { provider, turnableClock } from '../../support/provider.ts'
import { writtenStore } from '../../support/written_store.ts'

const clock = turnableClock()
const { store, take } = writtenStore(memoryStore(clock))
const op = await provider({ clock, store })
const client = await consoleClient(op)
const owner = await administrator(op, 'owner')
const asOwner = await tokenOf(op, client, owner)
const asSupport = await tokenOf(op, client, await administrator(op, 'support'))

async function signedIn(username: string) {
  const made = await account(op, username)
  await withPassword(browser(op), made)
  return made
}

const etagOf = async (sub: string): Promise<string> =>
  (await admin(op, asOwner, 'GET', `/people/${sub}`)).headers.get('etag')!

test('a dry run tells what would end, writes nothing, and the call itself does it', async () => {
  const { sub } = await signedIn('carol')
  take()
  const dry = await admin(op, asSupport, 'POST', `/people/${sub}/disable?dry_run=true`)
  expect(dry.body).toMatchObject({ sub, ended_sessions: 1, dry_run: true })
  expect(take()).toEqual([])
  expect((await User.find(op.context, sub))?.disabled).toBe(false)
  const done = await admin(op, asSupport, 'POST', `/people/${sub}/disable`)
  expect(done.body).toMatchObject({ sub, ended_sessions: 1, dry_run: false })
  expect(await Session.listOfUser(op.context, sub)).toEqual([])
  expect((await admin(op, asSupport, 'GET', `/people/${sub}`)).body.state).toBe('disabled')
  expect((await admin(op, asSupport, 'POST', `/people/${sub}/enable`)).status).toBe(204)
  expect((await User.find(op.context, sub))?.disabled).toBe(false)
})

test('support resets the factors of a person, and of no operator, owner or auditor', async () => {
  const { account: erin } = await administrator(op, undefined, 'erin')
  const done = await admin(op, asSupport, 'POST', `/people/${erin.sub}/reset_factors`)
  expect(done.body).toMatchObject({ sub: erin.sub, ended_sessions: 1, dry_run: false })
  expect((await admin(op, asSupport, 'GET', `/people/${erin.sub}/factors`)).body.second_factors).toEqual([])
  for (const role of ['operator', 'auditor'] as const) {
    const { sub } = await account(op, role)
    await Administrators.set(op.context, sub, role)
  }
  for (const sub of [owner.account.sub, 'sub-of-operator', 'sub-of-auditor'])
    for (const [method, path] of [
      ['POST', `/people/${sub}/reset_factors`],
      ['POST', `/people/${sub}/disable`],
      ['POST', `/people/${sub}/enable`],
      ['DELETE', `/people/${sub}`],
    ] as const) {
      const answer = await admin(op, asSupport, method, path, { headers: { 'if-match': await etagOf(sub) } })
      expect([method, path, answer.body.code]).toEqual([method, path, 'forbidden'])
    }
  expect((await admin(op, asOwner, 'GET', '/self')).status).toBe(200)
})

test('the last owner is neither disabled nor erased, by nobody', async () => {
  const { sub } = owner.account
  expect((await admin(op, asOwner, 'POST', `/people/${sub}/disable`)).body.code).toBe('conflict')
  const headers = { 'if-match': await etagOf(sub) }
  expect((await admin(op, asOwner, 'DELETE', `/people/${sub}`, { headers })).body.code).toBe('conflict')
  expect((await User.find(op.context, sub))?.disabled).toBe(false)
})

test('two owners who disable each other: one stays', async () => {
  const other = await administrator(op, 'owner', 'other')
  const asOther = await tokenOf(op, client, other)
  const both = await Promise.all([
    admin(op, asOwner, 'POST', `/people/${other.account.sub}/disable`),
    admin(op, asOther, 'POST', `/people/${owner.account.sub}/disable`),
  ])
  expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
  const left = await Promise.all(
    [owner, other].map(async ({ account: { sub } }) => (await User.find(op.context, sub))?.disabled),
  )
  expect(left.sort()).toEqual([false, true])
})

test('an erased person is gone, and a version that was not read is not erased', async () => {
  const { sub } = await signedIn('frank')
  const token = (await User.find(op.context, owner.account.sub))?.disabled ? undefined : asOwner
  const service = token ?? asSupport
  const headers = { 'if-match': (await admin(op, service, 'GET', `/people/${sub}`)).headers.get('etag')! }
  await User.update(op.context, sub, (current) => ({ ...current, roles: ['new'] }))
  expect((await admin(op, service, 'DELETE', `/people/${sub}`, { headers })).status).toBe(412)
  expect(await User.find(op.context, sub)).toBeDefined()
  headers['if-match'] = (await admin(op, service, 'GET', `/people/${sub}`)).headers.get('etag')!
  expect((await admin(op, service, 'DELETE', `/people/${sub}`, { headers })).status).toBe(200)
  expect(await User.find(op.context, sub)).toBeUndefined()
  expect((await admin(op, service, 'GET', `/people/${sub}`)).status).toBe(404)
})
