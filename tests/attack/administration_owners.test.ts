/** An owner remains, whatever else happens to accounts at the same time. docs/administration.md */
import { expect, test } from 'bun:test'
import type { Context } from '../../src/contracts/context.ts'
import { clearDeletion, requestDeletion, stopDeletion } from '../../src/features/account_data/deletion.ts'
import { Administrators } from '../../src/models/administrators.ts'
import { isActive, User } from '../../src/models/user.ts'
import { disableAccount, enableAccount, removeAccount } from '../../src/people/account_changes.ts'
import { resumeAdministrator, setAdministrator } from '../../src/people/administrator_account.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { account } from '../support/administration.ts'
import { provider, turnableClock } from '../support/provider.ts'

/** A provider with an owner and a plain account, and what happens just before the account is written. */
async function owned() {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const replace = store.replace.bind(store)
  let meanwhile: (() => Promise<unknown>) | undefined
  const get = store.get.bind(store)
  let beforeRead: (() => Promise<unknown>) | undefined
  store.get = async (key) => {
    const run = key.startsWith('user:') ? beforeRead : undefined
    if (run) beforeRead = undefined
    await run?.()
    return get(key)
  }
  store.replace = async (key, ...rest) => {
    const run = key.startsWith('user:') ? meanwhile : undefined
    if (run) meanwhile = undefined
    await run?.()
    return replace(key, ...rest)
  }
  const op = await provider({ clock, store })
  const { context } = op
  const [first, second] = [await account(op, 'first'), await account(op, 'second')]
  const load = async ({ sub }: { sub: string }) => (await User.find(context, sub))!
  await Administrators.set(context, first.sub, 'owner')
  /** The other account becomes an owner, and the first one goes. */
  const handOver = async () => {
    expect(await setAdministrator(context, 'operator', await load(second), { role: 'owner' })).toBe('done')
    expect(await setAdministrator(context, 'operator', await load(first), { role: undefined })).toBe('done')
  }
  return {
    context,
    store,
    first,
    second,
    load,
    handOver,
    before: (run: () => Promise<unknown>) => (meanwhile = run),
    beforeRead: (run: () => Promise<unknown>) => (beforeRead = run),
  }
}

test('an account that becomes the last owner while it is being erased stays', async () => {
  const { context, second, load, handOver, before } = await owned()
  const user = await load(second)
  before(handOver)
  expect(await removeAccount(context, 'operator', user)).toBe('last_owner')
  expect((await load(second)).disabled).toBe(false)
  expect(await Administrators.hasOwner(context)).toBe(true)
})

test('support does not erase an account that becomes an owner meanwhile', async () => {
  const { context, second, load, before } = await owned()
  const user = await load(second)
  before(() => Administrators.set(context, second.sub, 'owner'))
  const isAllowed = (current: { role: string } | undefined) => current === undefined
  expect(await removeAccount(context, 'operator', user, isAllowed)).toBe('not_allowed')
  expect((await load(second)).disabled).toBe(false)
})

test('an account that becomes the last owner while its deletion is requested stays', async () => {
  const { context, second, load, handOver, before } = await owned()
  before(handOver)
  await expect(requestDeletion(context, second.sub)).rejects.toThrow()
  expect((await load(second)).leaving_at).toBeUndefined()
  expect(await Administrators.hasOwner(context)).toBe(true)
})

test('a deletion that is stopped makes no owner of an account that an operator has disabled', async () => {
  const { context, first, second, load } = await owned()
  await Administrators.set(context, second.sub, 'owner')
  await requestDeletion(context, second.sub)
  expect(await disableAccount(context, 'operator', await load(second))).toMatchObject({})
  expect(await stopDeletion(context, second.sub)).toBe(true)
  await clearDeletion(context, second.sub)
  expect((await load(second)).leaving_at).toBeUndefined()
  // The first owner is the only one who can sign in.
  expect(await Administrators.isLastOwner(context, first.sub)).toBe(true)
})

test('an account that was disabled a moment ago is no owner who lets the last one go', async () => {
  const { context, first, second, load, beforeRead } = await owned()
  const [one, other] = [await load(first), await load(second)]
  expect(await disableAccount(context, 'operator', other)).toMatchObject({})
  // `other` is what the caller read before. The role is written, and whether the account is active is read next.
  let revoked: unknown
  beforeRead(async () => {
    revoked = await setAdministrator(context, 'operator', one, { role: undefined })
  })
  expect(await setAdministrator(context, 'operator', other, { role: 'owner' })).toBe('inactive')
  expect(revoked).toBe('last_owner')
  expect(await Administrators.isLastOwner(context, first.sub)).toBe(true)
})

test('an account that is disabled while it gets its role gets none, and enabling it brings none', async () => {
  const { context, second, load, beforeRead } = await owned()
  const user = await load(second)
  beforeRead(async () => expect(await disableAccount(context, 'operator', user)).toMatchObject({}))
  expect(await setAdministrator(context, 'operator', user, { role: 'operator' })).toBe('inactive')
  await enableAccount(context, 'operator', await load(second))
  expect(await Administrators.find(context, second.sub)).toBeUndefined()
})

type Act = (context: Context, user: User) => Promise<unknown>
const acts: Readonly<Record<string, Act>> = {
  demote: (context, user) => setAdministrator(context, 'operator', user, { role: 'auditor' }),
  revoke: (context, user) => setAdministrator(context, 'operator', user, { role: undefined }),
  disable: (context, user) => disableAccount(context, 'operator', user),
  erase: (context, user) => removeAccount(context, 'operator', user),
  leave: (context, user) => requestDeletion(context, user.sub).catch(() => 'refused'),
}
const names = Object.keys(acts)
const pairs = names.flatMap((one, i) => names.slice(i).map((other) => [one, other] as const))

test('of two owners who take the role or the account of each other at the same time, one stays', async () => {
  const { context, store, first, second } = await owned()
  for (const { sub } of [first, second]) await Administrators.forget(context, sub)
  const replace = store.replace.bind(store)
  for (const [a, b] of pairs)
    for (const delays of [[0], [0, 2, 1]]) {
      const round = `${a} ${b} ${delays.join('')}`.replaceAll(' ', '-')
      const owners = [`one-${round}`, `other-${round}`] as const
      for (const sub of owners) {
        const base = { sub, username: sub, claims: {}, created_at: 1, updated_at: 1 }
        await User.create(context, base)
        await Administrators.set(context, sub, 'owner')
      }
      const [one, other] = await Promise.all(owners.map(async (sub) => (await User.find(context, sub))!))
      let at = 0
      store.replace = async (...args) => {
        for (let turns = delays[at++ % delays.length]!; turns > 0; turns--) await Bun.sleep(0)
        return replace(...args)
      }
      await Promise.all([acts[a]!(context, other!), acts[b]!(context, one!)])
      store.replace = replace
      const left = [...(await Administrators.all(context))].filter(
        ([, { role, suspended }]) => role === 'owner' && !suspended,
      )
      expect(left, round).toHaveLength(1)
      expect(isActive(await User.find(context, left[0]![0])), round).toBe(true)
      for (const sub of owners) await Administrators.forget(context, sub)
    }
})

test.each([[undefined], ['auditor']] as const)(
  'a role that was refused because the account was disabled meanwhile is no role after it is enabled: before %p',
  async (before) => {
    const op = await provider()
    const boss = await account(op, 'boss')
    await Administrators.set(op.context, boss.sub, 'owner')
    const eve = await account(op, 'eve')
    if (before) await Administrators.set(op.context, eve.sub, before)
    const seen = (await User.find(op.context, eve.sub))!
    if (before) await Administrators.suspend(op.context, eve.sub, true)
    await User.update(op.context, eve.sub, (user) => ({ ...user, disabled: true }))
    const author = { sub: boss.sub, role: 'owner' } as unknown as Parameters<typeof setAdministrator>[1]
    expect(await setAdministrator(op.context, author, seen, { role: 'owner' })).toBe('inactive')
    await User.update(op.context, eve.sub, (user) => ({ ...user, disabled: false }))
    await resumeAdministrator(op.context, eve.sub)
    expect((await Administrators.find(op.context, eve.sub))?.role).toBe(before as never)
  },
)

test('a role that was taken before it was accepted is not said to be given', async () => {
  const op = await provider()
  const eve = await account(op, 'eve')
  await Administrators.offer(op.context, eve.sub, { role: 'auditor', offer: 'one' })
  await Administrators.set(op.context, eve.sub, undefined)
  expect(await Administrators.accept(op.context, eve.sub, 'one')).toBe(false)
})
