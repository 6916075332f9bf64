/** What begins at an application and goes through a mail ends at that application, in any browser. Issue 9, 50 */
import { expect, test } from 'bun:test'
import { answerRequests as answerAccounts } from '../../src/features/accounts/requests.ts'
import { answerRequests } from '../../src/features/recovery/job.ts'
import { User } from '../../src/models/user.ts'
import { pageOf, pathOf } from '../support/authenticator.ts'
import { alice, browser, open, operatorClient } from '../support/flow.ts'
import { forgetMails, lastMailTo, linkIn, linkMailed } from '../support/mailbox.ts'
import { provider } from '../support/provider.ts'
import { asClient, registered } from '../support/registration.ts'

const op = await provider({ env: { REGISTRATION: 'open', ACCOUNT_REGISTRATION: 'open' } })
await User.update(op.context, 'user-alice', (user) => ({
  ...user,
  claims: { ...user.claims, email: 'alice@example.com', email_verified: true },
}))
const client = await operatorClient(op, {
  client_id: 'photos',
  client_name: 'Photo book',
  initiate_login_uri: 'https://photos.example/sign_in',
  client_uri: 'https://photos.example/',
})

let turn = 0
const unmemorable = () => `four-unrelated-words-${(turn += 1)}`

/** Begins at the application, asks for a link, and returns the page behind it. */
async function linkFrom(who = browser(op), app = client) {
  op.clock.advance(3_700_000) // past the limit of mails
  await forgetMails(op)
  const login = pageOf(await open(op, who, { state: 'kept' }, app))
  const forgot = pageOf(await who.open(`/forgot_password${new URL(login.url).search}`))
  const sent = pageOf(await who.press(forgot, 'send', { username: alice.username }))
  expect(pathOf(await who.open(/href="([^"]*login[^"]*)"/.exec(sent.html)![1]!))).toBe('/login')
  await answerRequests(op.context)
  return linkIn(await lastMailTo(op, 'alice@example.com'), '/reset_password')
}

const linkOf = (html: string) => /<a class="button" href="([^"]+)">(.*?)<\/a>/.exec(html)?.slice(1)

test('in the browser where it began: a sign-in for the same request', async () => {
  const who = browser(op)
  const page = pageOf(await who.open(await linkFrom(who)))
  const wrong = pageOf(await who.press(page, 'reset', { password: 'a', repeat: 'b' }))
  const password = unmemorable()
  const done = pageOf(await who.press(wrong, 'reset', { password, repeat: password }))
  expect(done.html).toContain('to continue to <bdi>Photo book</bdi>')
  const [path = '', label] = linkOf(done.html) ?? []
  expect(label).toBe('Sign in')
  const consent = pageOf(await who.press(pageOf(await who.open(path)), 'login', { ...alice, password }))
  const { location } = await who.press(consent, 'allow')
  expect(location?.searchParams.get('state')).toBe('kept')
})

test('in another browser: to the application, which begins again', async () => {
  const link = await linkFrom()
  const who = browser(op)
  const password = unmemorable()
  const done = pageOf(await who.press(pageOf(await who.open(link)), 'reset', { password, repeat: password }))
  expect(linkOf(done.html)).toEqual([
    `https://photos.example/sign_in?iss=${encodeURIComponent(op.issuer)}`,
    'Go back to <bdi>Photo book</bdi>',
  ])
})

test('a link that is no longer valid asks for another one that goes on too', async () => {
  const who = browser(op)
  const link = new URL(await linkFrom(who))
  link.searchParams.set('token', 'x'.repeat(32))
  const [path] = linkOf(pageOf(await who.open(link.href)).html) ?? []
  expect(path).toBe(`/forgot_password?interaction=${link.searchParams.get('interaction')}`)
})

test('without an application, and for a client that registered itself, to the sign-in', async () => {
  const stranger = asClient(
    await registered(op, {
      client_name: 'Bank',
      client_uri: 'https://evil.example/',
      redirect_uris: ['https://evil.example/callback'],
    }),
  )
  const link = await linkFrom(browser(op), stranger)
  for (const url of [
    link,
    link.replace(/&interaction=.*/, ''),
    link.replace(/&interaction=.*/, '&interaction=%22%3E'),
  ]) {
    const who = browser(op)
    const page = pageOf(await who.open(url))
    expect(page.status).toBe(200)
    const done = pageOf(await who.open(url.replace(/token=[\w-]+/, 'done=changed')))
    expect(linkOf(done.html)).toEqual(['/login', 'Sign in'])
    expect(done.html).not.toContain('evil.example')
    expect(done.html).not.toContain('">"')
  }
})

test('an account that is made behind a mail in another browser goes on to the application', async () => {
  const who = browser(op)
  const login = pageOf(await open(op, who, {}, client))
  const register = pageOf(await who.open(`/register_account${new URL(login.url).search}`))
  await who.press(register, 'register', { email: 'new@example.com' })
  await answerAccounts(op.context)
  const elsewhere = browser(op)
  const page = pageOf(await elsewhere.open(await linkMailed(op, 'new@example.com', '/create_account')))
  const password = unmemorable()
  const { location } = await elsewhere.press(page, 'create', {
    username: 'newcomer',
    password,
    repeat: password,
  })
  expect(location?.origin).toBe('https://photos.example')
})
