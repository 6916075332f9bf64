/** An End-User who lost all passkeys comes back by mail after a waiting time; an attacker with the password alone does not. Issue 8, A.4 */
import { describe, expect, test } from 'bun:test'
import { Event } from '../../src/models/event.ts'
import { Passkey } from '../../src/features/passkeys/records.ts'
import { PasskeyLoss } from '../../src/features/passkeys/loss.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { User } from '../../src/models/user.ts'
import { pathOf, setUpApp, withPassword } from '../support/authenticator.ts'
import { alice, browser } from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import { addPasskey, pageOf, provePasskey, signInWith } from '../support/passkeys.ts'
import type { Person } from '../support/person.ts'
import { failingStore } from '../support/odd_stores.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { rememberPasswords } from '../support/remembered_passwords.ts'

rememberPasswords()

const lost = '/account/passkeys/lost'
const days = (n: number) => n * 86_400_000

/** Alice has a passkey, and a browser that is signed in with her password. */
async function stage(env: Record<string, string> = {}) {
  const op = await provider({ env })
  const owner = browser(op)
  await withPassword(owner)
  const key = await addPasskey(op.issuer, owner)
  const who = browser(op)
  await withPassword(who)
  return { op, owner, key, who }
}

const codeIn = async (op: Provider): Promise<string> => {
  const texts = (await mailsOf(op)).map(({ text }) => /^(?:[a-z2-7]{4}-){3}[a-z2-7]{4}$/m.exec(text)?.[0])
  return texts.findLast((code) => code !== undefined) ?? 'no code'
}
const buttons = (page: { forms: { buttons: string[] }[] }) => page.forms.flatMap((form) => form.buttons)
const kinds = async (op: Provider) =>
  (await Event.listOfUser(op.context, 'user-alice')).map(({ kind }) => kind)

async function ask(who: Person) {
  return pageOf(await who.press(pageOf(await who.open(lost)), 'begin'))
}

/** Signed in again at the page, after the waiting time. */
async function later(op: Provider, who: Person, ms: number) {
  op.clock.advance(ms)
  const login = pageOf(await who.open(lost))
  return pageOf(await who.press(login, 'login', alice))
}

describe('the way back', () => {
  test('is a code by mail that removes all passkeys after three days, with a notice at each step', async () => {
    const { op, who, key } = await stage()
    expect(pageOf(await who.open('/account/passkeys')).html).toContain(`href="${lost}"`)
    const waiting = await ask(who)
    expect(buttons(waiting)).not.toContain('remove')
    expect(await kinds(op)).toContain('passkey_loss_asked')
    const code = await codeIn(op)
    const page = await later(op, who, days(3) + 1000)
    const removed = pageOf(await who.press(page, 'remove', { code: ` ${code.toUpperCase()} ` }))
    expect(removed.url).toEndWith('/account/passkeys?done=removed')
    expect(await kinds(op)).toContain('passkeys_removed')
    expect(pageOf(await signInWith(op.issuer, op.fetch, browser(op), key)).status).toBe(401)
    await setUpApp(op, who) // with the password alone again
    expect((await mailsOf(op)).map(({ subject }) => subject)).toContain('Code to remove your passkeys')
  })

  test('takes recovery codes away with the passkeys', async () => {
    const { op, owner, who, key } = await stage()
    await provePasskey(op.issuer, owner, key)
    await owner.press(pageOf(await owner.open('/account/factors')), 'make')
    await ask(who)
    const code = await codeIn(op)
    await who.press(await later(op, who, days(4)), 'remove', { code })
    await addPasskey(op.issuer, who)
    expect(pageOf(await who.open('/account/factors')).html).toContain('You don’t have any recovery codes')
  })
})

test('a store that fails at any verb of the removal: a retry finishes it, and the owner is told', async () => {
  const clock = turnableClock()
  const failing = failingStore(memoryStore(clock))
  const op = await provider({ clock, store: failing.store })
  let done = false
  for (let verbs = 0; !done; verbs++) {
    const who = browser(op)
    await withPassword(who)
    await addPasskey(op.issuer, who)
    clock.advance(days(1)) // the limit of requests is one of a day
    await later(op, who, 0)
    await ask(who)
    const code = await codeIn(op)
    const page = await later(op, who, days(3) + 1000)
    failing.failAfter(verbs)
    const { page: landed } = await who.press(page, 'remove', { code })
    failing.recover()
    done = landed!.url.endsWith('?done=removed')
    if (!done) {
      expect([verbs, landed!.status]).toEqual([verbs, 503])
      await who.press(page, 'remove', { code })
    }
    expect([verbs, await Passkey.listOf(op.context, 'user-alice')]).toEqual([verbs, []])
    expect([verbs, await PasskeyLoss.find(op.context, 'user-alice')]).toEqual([verbs, undefined])
    expect([verbs, await kinds(op)]).toEqual([verbs, expect.arrayContaining(['passkeys_removed'])])
    await Event.forgetUser(op.context, 'user-alice')
  }
}, 240_000)

test('a stop that comes while the code is looked at wins: the passkeys stay', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const get = store.get.bind(store)
  let stopsNow = false
  store.get = async (key) => {
    const found = await get(key)
    if (stopsNow && key.includes('passkey_loss')) {
      stopsNow = false
      await store.take(key)
    }
    return found
  }
  const op = await provider({ clock, store })
  const who = browser(op)
  await withPassword(who)
  await addPasskey(op.issuer, who)
  await later(op, who, days(1))
  await ask(who)
  const code = await codeIn(op)
  const page = await later(op, who, days(3) + 1000)
  stopsNow = true
  await who.press(page, 'remove', { code })
  expect(stopsNow).toBe(false)
  expect(await Passkey.listOf(op.context, 'user-alice')).toHaveLength(1)
})

describe('an attacker with the password', () => {
  test('has no code: guesses are counted, and nothing is removed', async () => {
    const { op, who, key } = await stage()
    await ask(who)
    const page = await later(op, who, days(3) + 1000)
    const statuses: number[] = []
    for (let i = 0; i < 22; i++)
      statuses.push(pageOf(await who.press(page, 'remove', { code: 'aaaa-aaaa-aaaa-aaaa' })).status)
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 400))
    expect(statuses.slice(20)).toEqual([429, 429])
    expect(pageOf(await signInWith(op.issuer, op.fetch, browser(op), key)).status).not.toBe(401)
  })

  test('does not keep the owner from it: guesses leave the right code valid, and a mail tells of a stop', async () => {
    const { op, owner, who } = await stage()
    await ask(owner)
    const code = await codeIn(op)
    const page = await later(op, who, days(3) + 1000)
    for (let i = 0; i < 22; i++) await who.press(page, 'remove', { code: 'aaaa-aaaa-aaaa-aaaa' })
    const removed = pageOf(await owner.press(await later(op, owner, 0), 'remove', { code }))
    expect(removed.url).toEndWith('/account/passkeys?done=removed')

    const second = await stage()
    await ask(second.owner)
    await second.who.press(pageOf(await second.who.open(lost)), 'stop')
    const subjects = (await mailsOf(second.op)).map(({ subject }) => subject)
    expect(subjects.filter((each) => each === 'Your passkeys will not be removed')).toHaveLength(1)
  })

  test('and a former mailbox of the owner has a code that is no longer valid', async () => {
    const { op, who } = await stage()
    await ask(who)
    const code = await codeIn(op)
    expect(await User.proveEmail(op.context, 'user-alice', 'alice@new.example')).toBe(true)
    const page = await later(op, who, days(3) + 1000)
    expect(pageOf(await who.press(page, 'remove', { code })).status).toBe(400)
    expect(await Passkey.listOf(op.context, 'user-alice')).toHaveLength(1)
  })

  test('and the mailbox waits: the code is not valid before, and asking again neither mails nor begins anew', async () => {
    const { op, who, key } = await stage()
    await ask(who)
    const code = await codeIn(op)
    const mails = (await mailsOf(op)).length
    const page = await later(op, who, days(3) - 60_000)
    expect(buttons(page)).not.toContain('remove')
    expect(buttons(page)).not.toContain('begin')
    const forged = { ...page, forms: page.forms.map((form) => ({ ...form, buttons: ['remove', 'begin'] })) }
    expect(pageOf(await who.press(forged, 'remove', { code })).status).toBe(400)
    await who.press(forged, 'begin')
    expect((await mailsOf(op)).length).toBe(mails)
    expect(pageOf(await signInWith(op.issuer, op.fetch, browser(op), key)).status).not.toBe(401)
  })

  test('is stopped by any use of a passkey, and by the owner on the page', async () => {
    for (const stop of ['passkey', 'page'] as const) {
      const { op, owner, who, key } = await stage()
      await ask(who)
      const code = await codeIn(op)
      if (stop === 'passkey') await signInWith(op.issuer, op.fetch, browser(op), key)
      else await owner.press(pageOf(await owner.open(lost)), 'stop')
      expect(await kinds(op)).toContain('passkey_loss_stopped')
      const page = await later(op, who, days(3) + 1000)
      expect(buttons(page)).toContain('begin')
      const forged = { ...page, forms: page.forms.map((form) => ({ ...form, buttons: ['remove'] })) }
      expect(pageOf(await who.press(forged, 'remove', { code })).status).toBe(400)
    }
  })

  test('finds the code of one request worth nothing for the next, and after a week nothing at all', async () => {
    const { op, who } = await stage()
    await ask(who)
    const code = await codeIn(op)
    const page = await later(op, who, days(10) + 5000)
    expect(buttons(page)).toContain('begin')
    await who.press(page, 'begin')
    expect(await codeIn(op)).not.toBe(code)
    const again = await later(op, who, days(3) + 1000)
    expect(pageOf(await who.press(again, 'remove', { code })).status).toBe(400)
  })
})

describe('is not offered', () => {
  const gone = async (who: Person) => {
    expect(pathOf(await who.open(lost))).toBe('/account/passkeys')
    expect(pageOf(await who.open('/account/passkeys')).html).not.toContain(lost)
  }

  test('where an operator switched it off', async () => {
    await gone((await stage({ PASSKEY_LOSS_WAIT: '0' })).who)
  })

  test('without a passkey, and where an authenticator app is set up', async () => {
    const op = await provider()
    const who = browser(op)
    await withPassword(who)
    await gone(who)
    await setUpApp(op, who)
    await gone(who)
  })

  test('of an End-User who must have a second factor', async () => {
    const { op, who } = await stage()
    await User.update(op.context, 'user-alice', (user) => ({ ...user, second_factor: 'required' }))
    await gone(who)
  })

  test('without a proven address, or with a passkey as the last way to sign in', async () => {
    const { op, who } = await stage()
    await User.update(op.context, 'user-alice', (user) => ({
      ...user,
      claims: { ...user.claims, email_verified: false },
    }))
    await gone(who)
    await User.update(op.context, 'user-alice', ({ password_hash: _, ...user }) => ({
      ...user,
      claims: { ...user.claims, email_verified: true },
    }))
    await gone(who)
  })
})
