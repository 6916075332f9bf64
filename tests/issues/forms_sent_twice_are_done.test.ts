/** A form that is sent twice, or a link that is opened again, is told that it is done. Issue 9, 50 */
import { describe, expect, test } from 'bun:test'
import { answerRequests } from '../../src/features/recovery/job.ts'
import { Event } from '../../src/models/event.ts'
import { User } from '../../src/models/user.ts'
import { pageOf, withPassword } from '../support/authenticator.ts'
import { alice, bob, browser, open } from '../support/flow.ts'
import { lastMailTo, linkIn, linkMailed } from '../support/mailbox.ts'
import { provider } from '../support/provider.ts'

async function stage() {
  const op = await provider()
  await User.update(op.context, 'user-alice', (user) => ({
    ...user,
    claims: { ...user.claims, email: 'alice@example.com', email_verified: true },
  }))
  return op
}

describe('a new password by a link', () => {
  const password = 'four unrelated lamp words'
  const chosen = { password, repeat: password }

  async function atReset() {
    const op = await stage()
    const who = browser(op)
    await who.press(pageOf(await who.open('/forgot_password')), 'send', { username: alice.username })
    await answerRequests(op.context)
    const page = pageOf(await who.open(linkIn(await lastMailTo(op, 'alice@example.com'), '/reset_password')))
    return { op, who, page }
  }

  test('says so again for the same password, and changes nothing more', async () => {
    const { op, who, page } = await atReset()
    for (let time = 0; time < 3; time++)
      expect(pageOf(await who.press(page, 'reset', chosen)).html).toContain('Password changed')
    const events = await Event.listOfUser(op.context, 'user-alice')
    expect(events.filter(({ kind }) => kind === 'password_reset')).toHaveLength(1)
  })

  test('two at once', async () => {
    const { who, page } = await atReset()
    const both = await Promise.all([who.press(page, 'reset', chosen), who.press(page, 'reset', chosen)])
    expect(both.map((each) => pageOf(each).html.includes('Password changed'))).toEqual([true, true])
  })

  test('not for another password, and not after a minute', async () => {
    const { op, who, page } = await atReset()
    await who.press(page, 'reset', chosen)
    const other = { password: `${password}!`, repeat: `${password}!` }
    expect(pageOf(await who.press(page, 'reset', other)).status).toBe(400)
    op.clock.advance(61_000)
    expect(pageOf(await who.press(page, 'reset', chosen)).status).toBe(400)
  })
})

describe('an address that is verified', () => {
  async function verified() {
    const op = await stage()
    const who = browser(op)
    await withPassword(who)
    await who.press(pageOf(await who.open('/account/email')), 'change', { email: 'new@example.com' })
    const page = pageOf(await who.open(await linkMailed(op, 'new@example.com', '/verify_email')))
    await who.press(page, 'confirm')
    return { op, who, page }
  }

  test('is verified for a second click and for the link, in this account alone', async () => {
    const { op, who, page } = await verified()
    expect(pageOf(await who.press(page, 'confirm')).url).toEndWith('?done=confirmed')
    expect(pageOf(await who.open(page.url)).url).toEndWith('?done=confirmed')
    const another = browser(op)
    await withPassword(another, bob)
    for (const who of [another, browser(op)]) expect(pageOf(await who.open(page.url)).status).toBe(400)
  })
})

test('each form of a sign-in goes on as after the first', async () => {
  const op = await stage()
  const who = browser(op)
  const login = pageOf(await open(op, who))
  await who.press(login, 'login', alice)
  const consent = pageOf(await who.press(login, 'login', alice))
  expect(new URL(consent.url).pathname).toBe('/consent')
  for (let time = 0; time < 2; time++)
    expect((await who.press(consent, 'allow')).location?.searchParams.get('code')).toBeString()
})
