/** An owner remains, whatever else happens to accounts at the same time. docs/administration.md */
import { expect, test } from 'bun:test'
import { clearDeletion, requestDeletion, stopDeletion } from '../../src/features/account_data/deletion.ts'
import { Administrators } from '../../src/models/administrators.ts'
import { User } from '../../src/models/user.ts'
import { disableAccount, removeAccount } from '../../src/people/account_changes.ts'
import { setAdministrator } from '../../src/people/administrator_account.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { account } from '../support/administration.ts'
import { provider, turnableClock } from '../support/provider.ts'

/** A provider with an owner and a plain account, and what happens just before the account is written. */
async function owned() {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const replace = store.replace.bind(store)
  let meanwhile: (() => Promise<unknown>) | undefined
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
    first,
    second,
    load,
    handOver,
    before: (run: () => Promise<unknown>) => (meanwhile = run),
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
