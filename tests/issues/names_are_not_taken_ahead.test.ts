/** Issue 8, A.20: an account could be called `carol` at every client (`preferred_username`) before the person with that username came. */
import { describe, expect, test } from 'bun:test'
import { Invitation } from '../../src/models/invitation.ts'
import { type NewUser, User } from '../../src/models/user.ts'
import { commandLine } from '../support/command.ts'
import { alice, type Landing, type Person, person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

async function signedIn(op: Provider, who = alice): Promise<Person> {
  const browser = person(op.issuer, op.fetch)
  await browser.press((await browser.open('/login')).page!, 'login', who)
  return browser
}

const call = async (browser: Person, preferred_username: string): Promise<Landing> =>
  browser.press((await browser.open('/account/profile')).page!, 'save', { preferred_username })

async function register(op: Provider, username: string): Promise<Landing> {
  const { token } = await Invitation.issue(
    op.context,
    op.context.random,
    { email: `${crypto.randomUUID()}@new.example`, invited: true },
    600,
  )
  const browser = person(op.issuer, op.fetch)
  const { page } = await browser.open(`/create_account?token=${token}`)
  const password = 'seven lambs and a lantern'
  return browser.press(page!, 'create', { username, password, repeat: password })
}

const account = (username: string, claims: Record<string, unknown> = {}): NewUser => ({
  sub: `sub-${username}`,
  username,
  claims,
  created_at: 1,
  updated_at: 1,
})

describe('a name by which clients know an account', () => {
  test.each(['carol', 'CAROL', 'ｃａｒｏｌ', 'carοl'.replace('ο', 'o')])(
    'is no username to take: %j',
    async (name) => {
      const op = await provider()
      const browser = await signedIn(op)
      expect((await call(browser, 'carol')).page!.html).toContain('Profile saved.')
      const { page } = await register(op, name)
      expect([page!.status, page!.html.includes('This username is taken')]).toEqual([400, true])
      expect(await User.create(op.context, account(name))).toBe(false)
      expect(await User.findByUsername(op.context, 'carol')).toBeUndefined() // it signs nobody in
    },
  )

  test('is not that of another account: neither its username nor its preferred_username, nor alike', async () => {
    const op = await provider()
    expect(await User.create(op.context, account('dave', { preferred_username: 'davy' }))).toBe(true)
    const browser = await signedIn(op)
    for (const name of ['dave', 'Davy', 'davy', 'bob', 'dаve'])
      expect((await call(browser, name)).page!.status).toBe(400)
    expect(await User.create(op.context, account('erin', { preferred_username: 'davy' }))).toBe(false)
    expect(await User.find(op.context, 'sub-erin')).toBeUndefined()
  })

  test('is free again when its account is called otherwise, or removed', async () => {
    const op = await provider()
    const browser = await signedIn(op)
    await call(browser, 'carol')
    await call(browser, 'caroline')
    expect(await User.create(op.context, account('carol'))).toBe(true)
    await call(browser, '')
    expect(await User.create(op.context, account('caroline'))).toBe(true)
    await call(browser, 'zoe')
    await User.remove(op.context, (await User.findByUsername(op.context, 'alice'))!)
    expect(await User.create(op.context, account('zoe'))).toBe(true)
    // The names of others were not set free with it.
    expect(await User.create(op.context, { ...account('bob'), sub: 'second-bob' })).toBe(false)
  })

  test('goes to one of two who want it at once', async () => {
    const { context } = await provider()
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        User.create(context, account(`p${n}`, { preferred_username: 'king' })),
      ),
    )
    expect(made.filter(Boolean).length).toBeLessThanOrEqual(1)
    const two = ['alice', 'bob'].map(async (name) => {
      const user = (await User.findByUsername(context, name))!
      const set = (current: User) => ({
        ...current,
        claims: { ...current.claims, preferred_username: 'queen' },
      })
      return User.updateNames(context, user, 'queen', set)
    })
    expect((await Promise.all(two)).filter((result) => result === 'taken')).toHaveLength(1)
  })

  test('that is an address goes with the address: its next owner is not shadowed', async () => {
    const op = await provider()
    const browser = await signedIn(op)
    expect((await call(browser, 'alice@example.com')).page!.status).toBe(200)
    expect(await User.proveEmail(op.context, 'user-alice', 'alice@new.example')).toBe(true)
    const { claims } = (await User.find(op.context, 'user-alice'))!
    expect(claims.preferred_username).toBeUndefined()
  })

  test('that was stored before these rules stays, and the profile can be saved', async () => {
    const op = await provider()
    await User.update(op.context, 'user-bob', (user) => ({
      ...user,
      claims: { ...user.claims, preferred_username: 'alice' },
    }))
    const bob = await signedIn(op, { username: 'bob', password: 'bobpassword' })
    const { page } = await bob.press((await bob.open('/account/profile')).page!, 'save', { nickname: 'bo' })
    expect(page!.html).toContain('Profile saved.')
  })
})

test('commands refuse it as pages do', async () => {
  const line = commandLine({ NODE_ENV: 'development', STORE_URL: 'sqlite:names.db' })
  try {
    const records = [{ username: 'frank', claims: { preferred_username: 'frankie' } }, { username: 'grace' }]
    const imported = await line.latchkey(['user', 'import', '-'], JSON.stringify(records))
    expect(imported.stdout).toContain('imported 2 of 2')
    const add = (...args: string[]) =>
      line.latchkey(['user', 'add', ...args, '--password-stdin'], 'seven lambs and a lantern\n')
    expect((await add('Frankie')).code).not.toBe(0)
    expect((await add('heidi', '--claim', 'preferred_username=grace')).code).not.toBe(0)
    const set = await line.latchkey(['user', 'set', 'grace', '--claim', 'preferred_username=frank'])
    expect([set.code === 0, set.stderr.includes('preferred_username')]).toEqual([false, true])
    const again = JSON.stringify([{ username: 'ivan', claims: { preferred_username: 'grace' } }])
    expect((await line.latchkey(['user', 'import', '-'], again)).stdout).toContain('preferred_username')
  } finally {
    line.remove()
  }
}, 120_000)
