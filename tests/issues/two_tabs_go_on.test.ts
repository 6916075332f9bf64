/** Sessions that end or change in another tab, another account, and the name at a new sign-in. Issue 9, 50 */
import { describe, expect, test } from 'bun:test'
import { pageOf, pathOf, stageWithApp, withPassword } from '../support/authenticator.ts'

import { alice, bob, browser, open, operatorClient } from '../support/flow.ts'
import type { Page, Person } from '../support/person.ts'
import { provider } from '../support/provider.ts'

const op = await provider()
const other = (page: Page) => /<a href="([^"]+)">Not you\? Use another account<\/a>/.exec(page.html)?.[1]
const notYou = async (who: Person, page: Page) =>
  pageOf(await who.open(other(page)!.replaceAll('&amp;', '&')))
const kept = (page: Page) => page.forms.find(({ buttons }) => buttons.includes('login'))?.fields.username

async function atConsent(who: Person, more: Record<string, string> = {}) {
  const login = pageOf(await open(op, who, { prompt: 'consent', ...more }))
  return pageOf(await who.press(login, 'login', alice))
}

describe('a consent page after its session has ended', () => {
  for (const button of ['allow', 'deny'])
    test(`${button}: a sign-in, then the same request`, async () => {
      const who = browser(op)
      const page = await atConsent(who, { state: 'mine' })
      who.cookies.delete('latchkey_session')
      const login = pageOf(await who.press(page, button))
      expect(new URL(login.url).pathname).toBe('/login')
      const again = pageOf(await who.press(login, 'login', alice))
      expect(new URL(again.url).pathname).toBe('/consent')
      const { location } = await who.press(again, 'allow')
      expect(location?.searchParams.get('code')).toBeString()
      expect(location?.searchParams.get('state')).toBe('mine')
    })

  test('the page of another End-User answers for no one: the accounts are offered', async () => {
    const who = browser(op)
    const page = await atConsent(who)
    await who.press(pageOf(await open(op, who, { prompt: 'login' })), 'login', bob)
    const choice = pageOf(await who.press(page, 'allow'))
    expect(new URL(choice.url).pathname).toBe('/select_account')
    expect(choice.html).toContain('Continue as <bdi>bob</bdi>')
    const consent = pageOf(await who.press(choice, 'continue'))
    expect(consent.html).toContain('Signed in as <bdi class="strong">bob</bdi>')
  })

  test('a form without its token is refused, with and without a session', async () => {
    const who = browser(op)
    const page = await atConsent(who)
    for (const form of page.forms) form.fields.csrf_token = 'x.y.z'
    expect(pageOf(await who.press(page, 'allow')).status).toBe(403)
    who.cookies.delete('latchkey_session')
    expect(pageOf(await who.press(page, 'allow')).status).toBe(403)
  })
})

describe('two tabs', () => {
  test('the sign-in page of one offers the account that signed in in the other', async () => {
    const who = browser(op)
    const first = pageOf(await open(op, who, { state: 'first', prompt: 'consent' }))
    op.clock.advance(1000)
    await who.press(pageOf(await open(op, who, { state: 'second', prompt: 'consent' })), 'login', alice)
    const again = pageOf(await who.open(first.url))
    expect(again.html).toContain('Continue as <bdi>alice</bdi>')
    const consent = pageOf(await who.press(again, 'continue'))
    const { location } = await who.press(consent, 'allow')
    expect(location?.searchParams.get('state')).toBe('first')
    // Another account is still possible.
    const form = pageOf(await who.press(again, 'other'))
    expect(kept(form)).toBe('')
    const asBob = pageOf(await who.press(form, 'login', bob))
    expect(asBob.html).toContain('>bob</bdi>')
  })

  test('max_age is met by the sign-in that came after the request', async () => {
    const who = browser(op)
    const first = pageOf(await open(op, who, { max_age: '60' }))
    op.clock.advance(1000)
    await withPassword(who)
    op.clock.advance(120_000)
    const choice = pageOf(await who.open(first.url))
    const landing = await who.press(choice, 'continue')
    const { location } = landing.page ? await who.press(landing.page, 'allow') : landing
    expect(location?.searchParams.get('code')).toBeString()
  })

  test('a sign-in page of the account goes on there', async () => {
    const who = browser(op)
    const first = pageOf(await who.open('/account/password'))
    op.clock.advance(1000)
    await withPassword(who)
    const choice = pageOf(await who.open(first.url))
    expect(pathOf(await who.press(choice, 'continue'))).toBe('/account/password')
  })
})

describe('the name at a new sign-in', () => {
  test('prompt=login keeps that of the session, and a hint of the client goes first', async () => {
    const who = browser(op)
    await withPassword(who)
    expect(kept(pageOf(await open(op, who, { prompt: 'login' })))).toBe('alice')
    expect(kept(pageOf(await open(op, who, { prompt: 'login', login_hint: 'bob' })))).toBe('bob')
    const page = pageOf(await open(op, who, { prompt: 'login' }))
    expect(page.html).toMatch(/id="password"[^>]*autofocus/)
  })

  test('so does a page of the account that wants a new sign-in', async () => {
    const who = browser(op)
    await withPassword(who)
    op.clock.advance(700_000)
    expect(kept(pageOf(await who.open('/account/factors/totp')))).toBe('alice')
  })

  test('another browser sees no name', async () => {
    expect(kept(pageOf(await open(op, browser(op), { prompt: 'login' })))).toBe('')
  })
})

describe('not you', () => {
  test('on the consent page: another account for the same request', async () => {
    const who = browser(op)
    const form = await notYou(who, await atConsent(who, { state: 'kept' }))
    expect(kept(form)).toBe('')
    const consent = pageOf(await who.press(form, 'login', bob))
    expect(consent.html).toContain('Signed in as <bdi class="strong">bob</bdi>')
    const { location } = await who.press(consent, 'allow')
    expect(location?.searchParams.get('state')).toBe('kept')
  })

  test('on the pages of codes, before a session exists', async () => {
    const { op: strong } = await stageWithApp({ env: { SECOND_FACTORS: 'totp recovery email' } })
    const who = browser(strong)
    const code = pageOf(await who.press(pageOf(await open(strong, who)), 'login', alice))
    const { search } = new URL(code.url)
    const choices = pageOf(await who.open(`/second-factor${search}`))
    for (const page of [code, choices]) {
      expect(page.html).toContain('Signing in as <bdi class="strong">alice</bdi>')
      expect(other(page)).toBe(`/login${search}&amp;other=yes`)
    }
    const consent = pageOf(await who.press(await notYou(who, code), 'login', bob))
    expect(consent.html).toContain('Signed in as <bdi class="strong">bob</bdi>')
  })
})

test('not you, on the pages of a device: the code is kept', async () => {
  const who = browser(op)
  await withPassword(who)
  const page = pageOf(await who.open('/device?user_code=BCDF-GHJK'))
  const form = await notYou(who, page)
  expect(kept(form)).toBe('')
  const asBob = pageOf(await who.press(form, 'login', bob))
  expect(asBob.html).toContain('Signed in as <bdi class="strong">bob</bdi>')
  expect(asBob.html).toContain('value="BCDF-GHJK"')
})

test('not you, on the page of approvals', async () => {
  const who = browser(op)
  await withPassword(who)
  const { path } = op.context.table.endpoints.find(({ name }) => name === 'approvals')!
  const form = await notYou(who, pageOf(await who.open(path)))
  const asBob = pageOf(await who.press(form, 'login', bob))
  expect(asBob.html).toContain('Signed in as <bdi class="strong">bob</bdi>')
})

test('after signing out, a link signs in again', async () => {
  const who = browser(op)
  await withPassword(who)
  const out = pageOf(await who.press(pageOf(await who.open('/logout')), 'logout'))
  expect(out.html).toContain('<a href="/login">Sign in again</a>')
  expect(pathOf(await withPassword(who))).toBe('/account')
  const client = await operatorClient(op, {
    client_id: 'out',
    post_logout_redirect_uris: ['https://a.example/'],
  })
  const none = pageOf(await browser(op).open(`/logout?client_id=${client.client_id}`))
  expect(none.html).toContain('Sign in again')
})
