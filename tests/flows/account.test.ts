/** The account page: where a person lands, what it shows, and what it says has happened. */
import { expect, test } from 'bun:test'
import { User } from '../../src/models/user.ts'
import { browser } from '../support/flow.ts'
import { alice, type Page, type Person } from '../support/person.ts'
import { provider } from '../support/provider.ts'

const start = provider

async function signIn(who: Person, account = alice, at = '/login'): Promise<Page> {
  const { page } = await who.open(at)
  return (await who.press(page!, 'login', account)).page!
}

test('who comes to /login by themselves lands on their account, with a line for each part of it', async () => {
  const op = await start()
  const page = await signIn(browser(op))
  expect(new URL(page.url).pathname).toBe('/account')
  expect(page.html).toContain('Signed in as <bdi>alice</bdi>')
  for (const { path } of op.context.table.accountSections) expect(page.html).toContain(`href="${path}"`)
  expect(page.html).toContain('href="/logout"')
})

test('below a base path, and in the language of the reader', async () => {
  const op = await start({ env: { ISSUER_URL: 'http://localhost:5000/tenant' } })
  const who = browser(op)
  const page = await signIn(who, alice, '/tenant/login')
  expect(new URL(page.url).pathname).toBe('/tenant/account')
  expect(page.html).toContain('href="/tenant/account/activity"')
})

test('nobody sees an account without signing in, and then comes back to the page they asked for', async () => {
  const op = await start()
  const who = browser(op)
  for (const { path } of op.context.table.accountSections) {
    const { page } = await who.open(path)
    expect([path, new URL(page!.url).pathname]).toEqual([path, '/login'])
  }
  const page = await signIn(who, alice, '/account/activity')
  expect(new URL(page.url).pathname).toBe('/account/activity')
})

test('a picture is shown when it is served from here, and never from elsewhere', async () => {
  const op = await start()
  const who = browser(op)
  await signIn(who)
  const { sub } = (await User.findByUsername(op.context, 'alice'))!
  const show = async (picture: string) => {
    await User.update(op.context, sub, (user) => ({ ...user, claims: { ...user.claims, picture } }))
    return (await who.open('/account')).page!.html.includes('<img class="account_picture"')
  }
  expect(await show(`${op.issuer}/pictures/alice`)).toBe(true)
  for (const url of [
    'https://elsewhere.example/a.png',
    `${op.issuer}.evil.example/a`,
    'javascript:alert(1)',
    '//x',
    7,
  ])
    expect(await show(url as string)).toBe(false)
})

test('every sign-in is noted, with time, device and address, the newest first', async () => {
  const op = await start()
  const who = browser(op)
  await signIn(who)
  const { page } = await who.open('/account/activity')
  expect(page!.html).toContain('New sign-in to your account.')
  expect(page!.html).toContain('address <bdi>127.0.0.1</bdi>')
})
