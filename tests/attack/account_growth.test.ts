/** What is kept of one person stays bounded, and what is ended is ended however much there is of it. */
import { expect, test } from 'bun:test'
import * as v from 'valibot'
import { countDevices, forgetDevices, rememberDevice } from '../../src/features/sessions/device.ts'
import type { Call } from '../../src/contracts/call.ts'
import { createLog } from '../../src/lib/log.ts'
import { systemRandom } from '../../src/lib/random.ts'
import type { Memory } from '../../src/models/define_record.ts'
import { Event } from '../../src/models/event.ts'
import { Grant } from '../../src/models/grant.ts'
import { Session } from '../../src/models/session.ts'
import { type NewUser, User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { change } from '../../src/cli/people.ts'
import { writeCsv } from '../../src/cli/user_file.ts'
import { AccountRecord } from '../../src/people/account_record.ts'
import { withPassword } from '../support/authenticator.ts'
import { browser } from '../support/flow.ts'
import { type Page, type Person } from '../support/person.ts'
import { provider, turnableClock } from '../support/provider.ts'

const day = 86_400

const open = async (who: Person, path: string): Promise<Page> => (await who.open(path)).page!

test('1,500 sessions of one account: "sign out everywhere" and the end of the account leave none', async () => {
  const op = await provider({ env: { ACCOUNT_DELETION_GRACE: '0' } })
  const who = browser(op)
  await withPassword(who)
  const { sub } = (await User.findByUsername(op.context, 'alice'))!
  const begin = async (n: number) => {
    for (let i = 0; i < n; i++)
      await Session.begin(
        op.context,
        systemRandom,
        { sub, acr: '1', amr: ['pwd'] },
        { idle: day, absolute: 2 * day },
      )
  }
  await begin(1_500)
  expect(await Session.listOfUser(op.context, sub)).toHaveLength(1_501)
  await who.press(await open(who, '/account/sessions'), 'end_all')
  expect(await Session.listOfUser(op.context, sub)).toHaveLength(1)
  await begin(1_500)
  await who.press(await open(who, '/account/data/delete'), 'delete', { confirmation: 'alice' })
  expect(await Session.listOfUser(op.context, sub)).toEqual([])
  expect(await op.context.store.range(`user_sessions:${sub}`)).toEqual([])
})

const clock = turnableClock()
const memory = (): Memory => ({
  store: memoryStore(clock),
  clock,
  log: createLog('error', 'json', () => {}),
})

test('a flood of events: the oldest give way, and the newest are the ones that are shown', async () => {
  const own = memory()
  for (let i = 0; i < 5_200; i++) {
    clock.advance(1)
    await Event.add(own, systemRandom, { sub: 'a', kind: `k${i}` })
  }
  expect((await Event.listOfUser(own, 'a', 2)).map(({ kind }) => kind)).toEqual(['k5199', 'k5198'])
  expect(await Event.listOfUser(own, 'a', 10_000)).toHaveLength(5_000)
  await Event.forgetUser(own, 'a')
  expect(await Event.listOfUser(own, 'a')).toEqual([])
})

test('a program that signs in without cookies all day long: so many devices are remembered, and no more', async () => {
  const op = await provider()
  const user = (await User.findByUsername(op.context, 'alice'))!
  const call = { request: new Request(op.issuer), address: '192.0.2.1' } as unknown as Call
  for (let i = 0; i < 520; i++) {
    op.clock.advance(1_000)
    await rememberDevice(call, op.context, user)
  }
  expect(await countDevices(op.context, user.sub)).toBe(500)
  await forgetDevices(op.context, user.sub)
  expect(await countDevices(op.context, user.sub)).toBe(0)
})

test('authorizations of ten years by somebody who never looks at them: the index holds those that live', async () => {
  const own = memory()
  const lifetime = 30 * day
  for (let i = 0; i < 3_650; i++) {
    clock.advance(day * 1_000)
    const exp = Math.floor(clock.now() / 1_000) + 60
    const authentication = { auth_time: 0, acr: '1', amr: [], sid: 's' }
    const grant = { client_id: 'c', sub: 'a', username: 'a', scope: [], authentication, session_bound: false }
    await Grant.create(own, { ...grant, grant_id: `g${i}`, exp }, lifetime)
  }
  expect((await own.store.range('user_grants:a', { limit: 10_000 })).length).toBeLessThan(32)
})

const user = (sub: string, username: string, password_hash: string): NewUser => ({
  sub,
  username,
  password_hash,
  claims: {},
  created_at: 1,
  updated_at: 1,
})

test('an account is never overwritten by another of its sub or its name, however they are made at once', async () => {
  const own = memory()
  expect(await User.create(own, user('s1', 'victim', 'hers'))).toBe(true)
  for (const [sub, username] of [
    ['s1', 'mallory'],
    ['s1', 'VICTIM'],
    ['s2', 'Victim'],
  ] as const)
    expect(await User.create(own, user(sub, username, 'his'))).toBe(false)
  expect(await User.findByUsername(own, 'mallory')).toBeUndefined()
  expect((await User.findByUsername(own, 'victim'))?.password_hash).toBe('hers')
  expect(await User.list(own)).toHaveLength(1)
})

test('a cell that a spreadsheet would run is text, in full width too', () => {
  for (const begins of ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', "'="]) {
    const csv = writeCsv([{ username: 'a', claims: { name: `${begins}cmd|' /C calc'!A0` } }])
    expect(csv.split('\n').slice(1).join('\n')).toMatch(/^a,"?'/)
  }
})

test('an operator who sets a role while somebody proves a new address undoes nothing of it', async () => {
  const op = await provider()
  const before = (await User.findByUsername(op.context, 'alice'))!
  await User.proveEmail(op.context, before.sub, 'alice@new.example')
  const after = await change(op.context, before, (current) => ({ roles: ['editor'], claims: current.claims }))
  expect([after.roles, after.claims.email]).toEqual([['editor'], 'alice@new.example'])
})

test('a person is not imported from a time that no calendar has: lists and copies would end there', () => {
  const given = (created_at: unknown) => v.safeParse(AccountRecord, { username: 'a', created_at }).success
  expect([0, 1_700_000_000, 253_402_300_799].map(given)).toEqual([true, true, true])
  const odd = [253_402_300_800, Number.MAX_SAFE_INTEGER, 1e300, -1, 1.5, '1', null]
  expect(odd.map(given)).toEqual(odd.map(() => false))
})

test('what a file of people may not smuggle in: members of a record, prototypes, claims of ours', () => {
  for (const record of [
    { username: 'a', leaving_at: 1 },
    { username: 'a', password: 'secret' },
    { username: 'a', claims: { sub: 'another' } },
    { username: 'a', claims: { acr: 'phr' } },
    { username: 'a', claims: { email: 'a@b.example\r\nBcc: victim@example.com' } },
    { username: 'a', claims: { email_verified: true } },
    { username: 'x'.repeat(201) },
    { username: 'a\u202eb' },
    { username: 'a', roles: ['two words'] },
    { username: 'a', password_hash: '$2b$31$abcdefghijklmnopqrstuuA1B2C3D4E5F6G7H8I9J0K1L2M3N4O5P' },
    [],
    null,
  ])
    expect([record, v.safeParse(AccountRecord, record).success]).toEqual([record, false])
  const members = '{"__proto__": {"polluted": true}, "constructor": 1, "team": "a"}'
  const { attributes } = v.parse(AccountRecord, { username: 'a', attributes: JSON.parse(members) as unknown })
  expect(Object.keys(attributes!)).toEqual(['team'])
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})
