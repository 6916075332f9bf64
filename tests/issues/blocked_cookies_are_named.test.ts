/** A browser that blocks cookies, or opens a page that another browser began, is told so and what to do. Issue 9, 50 */
import { expect, test } from 'bun:test'
import { languages } from '../../src/lib/say.ts'
import { pageOf } from '../support/authenticator.ts'
import { alice, browser, open, operatorClient } from '../support/flow.ts'
import type { Page, Person } from '../support/person.ts'
import { provider } from '../support/provider.ts'

const op = await provider({ env: { ACCOUNT_REGISTRATION: 'open' } })
const host = new URL(op.issuer).host
const client = await operatorClient(op, {
  client_id: 'photos',
  client_name: 'Photo book',
  client_uri: 'https://photos.example/',
})

/** A browser that keeps no cookie. */
function blocking(): Person {
  const who = browser(op)
  who.cookies.set = () => who.cookies
  return who
}

const linkOf = ({ html }: Page) => /<a class="button onward" href="([^"]+)"/.exec(html)?.[1]

test('the sign-in page of an application says so, and leads back to it', async () => {
  const page = pageOf(await open(op, blocking(), {}, client))
  expect(page.status).toBe(400)
  expect(page.html).toContain('didn’t send the cookie')
  expect(page.html).toContain(`allow cookies for <bdi>${host}</bdi>`)
  expect(linkOf(page)).toBe('https://photos.example/')
})

test('the account, in each language', async () => {
  for (const language of languages) {
    const page = pageOf(await blocking().open(`/account?ui_locales=${language}`))
    expect(page.status).toBe(400)
    expect(page.html).toContain(host)
    expect(linkOf(page)).toBe(`${op.issuer}/account`)
  }
})

test('a form that comes without the cookie, of each kind', async () => {
  for (const [path, button, link] of [
    ['/forgot_password', 'send', '/forgot_password'],
    ['/register_account', 'register', '/register_account'],
  ] as const) {
    const who = blocking()
    const page = pageOf(
      await who.press(pageOf(await who.open(path)), button, { username: 'a', email: 'a@b.c' }),
    )
    expect(page.status).toBe(403)
    expect(page.html).toContain('didn’t send the cookie')
    expect(linkOf(page)).toBe(`${op.issuer}${link}`)
  }
  // The cookie was deleted while the page was open.
  const who = browser(op)
  const page = pageOf(await open(op, who, {}, client))
  who.cookies.clear()
  const answer = pageOf(await who.press(page, 'login', alice))
  expect(answer.status).toBe(403)
  expect(answer.html).toContain('didn’t send the cookie')
  expect(linkOf(answer)).toBe('https://photos.example/')
})

test('no answer to a form without a cookie sets one', async () => {
  const who = blocking()
  const answer = pageOf(
    await who.press(pageOf(await who.open('/forgot_password')), 'send', { username: 'a' }),
  )
  expect(answer.headers.getSetCookie()).toEqual([])
})

test('a form that is out of date, with the cookie, opens its page again', async () => {
  const who = browser(op)
  const page = pageOf(await open(op, who, {}, client))
  for (const form of page.forms) form.fields.csrf_token = 'x'
  const answer = pageOf(await who.press(page, 'login', alice))
  expect(answer.status).toBe(403)
  expect(answer.html).toContain('This form has expired')
  expect(linkOf(answer)).toBe(page.url.replaceAll('&', '&amp;'))
  expect(pageOf(await who.open(linkOf(answer)!)).html).toContain('name="password"')
})
