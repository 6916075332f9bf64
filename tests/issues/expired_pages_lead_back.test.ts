/** A page whose interaction is gone says so and leads back: to the application, or to the account. Issue 9, 50 */
import { describe, expect, test } from 'bun:test'
import { languages } from '../../src/lib/say.ts'
import { pageOf } from '../support/authenticator.ts'
import { alice, browser, open, operatorClient } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'
import { asClient, registered } from '../support/registration.ts'

const hour = 3_600_000
const op = await provider({ env: { REGISTRATION: 'open' } })

/** The links of the page, without those of its footer. */
const linksOf = (html: string): { url: string; text: string }[] =>
  [...html.matchAll(/<a class="button onward" href="([^"]+)"[^>]*>(.*?)<\/a>/g)].map(([, url, text]) => ({
    url: url!.replaceAll('&amp;', '&'),
    text: text!.replaceAll(/<[^>]+>/g, ''),
  }))

const launcher = await operatorClient(op, {
  client_id: 'launcher',
  client_name: 'Photo book',
  initiate_login_uri: 'https://photos.example/sign_in?from=op',
  client_uri: 'https://photos.example/',
})
const site = await operatorClient(op, {
  client_id: 'site',
  client_name: 'Calendar',
  client_uri: 'https://calendar.example/',
})
const plain = await operatorClient(op, { client_id: 'plain', client_name: 'Plain' })

/** The address of a sign-in page that has expired since, in the browser that was there. */
async function expired(client: typeof launcher, from: Provider = op) {
  const who = browser(from)
  const { url } = pageOf(await open(from, who, {}, client))
  from.clock.advance(hour + 1000)
  return { who, url }
}

test('to the initiate_login_uri, with iss', async () => {
  const { who, url } = await expired(launcher)
  const page = pageOf(await who.open(url))
  expect(page.status).toBe(400)
  expect(page.html).toContain('This page has expired')
  expect(linksOf(page.html)).toEqual([
    {
      url: `https://photos.example/sign_in?from=op&iss=${encodeURIComponent(op.issuer)}`,
      text: 'Go back to Photo book',
    },
  ])
})

test('to the client_uri, in each language', async () => {
  const { who, url } = await expired(site)
  for (const language of languages) {
    const page = pageOf(await who.open(`${url}&ui_locales=${language}`))
    const [link] = linksOf(page.html)
    expect(link?.url).toBe('https://calendar.example/')
    expect(link?.text).toContain('Calendar')
  }
})

test('to the account, of a client without such a page and of a page of the account', async () => {
  const { who, url } = await expired(plain)
  const account = [{ url: `${op.issuer}/account`, text: 'Go to your account' }]
  expect(linksOf(pageOf(await who.open(url)).html)).toEqual(account)
  const { url: own } = pageOf(await who.open('/account/password'))
  op.clock.advance(hour + 1000)
  expect(linksOf(pageOf(await who.open(own)).html)).toEqual(account)
})

test('of a client that registered itself, the link names the host and says what is not verified', async () => {
  const client = asClient(
    await registered(op, {
      client_name: 'Your bank',
      client_uri: 'https://evil.example/',
      redirect_uris: ['https://evil.example/callback'],
    }),
  )
  const { who, url } = await expired(client)
  const { html } = pageOf(await who.open(url))
  expect(linksOf(html)).toEqual([{ url: 'https://evil.example/', text: 'Continue to evil.example' }])
  expect(html).toContain('This app hasn’t been verified')
  expect(html).not.toContain('Your bank')
})

test('each page of an interaction, and the form of one that was left open', async () => {
  const { who, url } = await expired(launcher)
  const { search } = new URL(url)
  for (const path of ['/consent', '/select_account', '/authorize/resume', '/second-factor/totp'])
    expect(linksOf(pageOf(await who.open(`${path}${search}`)).html)).toHaveLength(1)
  const late = browser(op)
  const page = pageOf(await open(op, late, {}, launcher))
  op.clock.advance(hour + 1000)
  const answer = pageOf(await late.press(page, 'login', alice))
  expect(answer.status).toBe(400)
  expect(linksOf(answer.html)[0]?.text).toBe('Go back to Photo book')
})

test('a bookmark of the sign-in page without an interaction begins a sign-in', async () => {
  for (const path of ['/login', '/login?ui_locales=de', '/login?utm_source=mail'])
    expect(pageOf(await browser(op).open(path)).html).toContain('name="password"')
})

describe('what a stranger writes into the address', () => {
  const opened = async (handle: string) =>
    pageOf(await browser(op).open(`/login?interaction=${encodeURIComponent(handle)}`))
  const clientIn = (clientId: string) => 'x'.repeat(32) + Buffer.from(clientId).toString('base64url')

  test('leads to registered clients alone', async () => {
    for (const handle of [
      clientIn('https://evil.example/'),
      clientIn('javascript:alert(1)'),
      clientIn('"><script>'),
      'x'.repeat(400),
      `${'x'.repeat(32)}%00`,
      '../../evil',
      '',
    ]) {
      const { html, status } = await opened(handle)
      if (handle !== '') expect(status).toBe(400)
      expect(html).not.toContain('evil.example')
      expect(html).not.toContain('<script>')
      if (handle !== '') expect(linksOf(html).map(({ url }) => url)).toEqual([`${op.issuer}/account`])
    }
  })

  test('and opens no interaction: the client in the handle decides nothing', async () => {
    const who = browser(op)
    const { url } = pageOf(await open(op, who, {}, launcher))
    const handle = new URL(url).searchParams.get('interaction')!
    const page = pageOf(
      await who.open(`/login?interaction=${handle.slice(0, 32)}${clientIn('site').slice(32)}`),
    )
    expect(page.status).toBe(400)
    expect(linksOf(page.html)[0]?.text).toBe('Go back to Calendar')
  })

  test('a client that is disabled or removed is not led to', async () => {
    await operatorClient(op, {
      client_id: 'gone',
      client_uri: 'https://gone.example/',
      disabled: true,
    } as Parameters<typeof operatorClient>[1])
    expect((await opened(clientIn('gone'))).html).not.toContain('gone.example')
  })
})
