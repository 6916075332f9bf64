/** The language of pages: what the application asks for, what the person chooses, what the browser says; and what clients and people are called in it. */
import { describe, expect, test } from 'bun:test'
import { languages } from '../../src/lib/say.ts'
import { Client } from '../../src/models/client.ts'
import { User } from '../../src/models/user.ts'
import { claimsOf, formPost, type Json } from '../support/client.ts'
import { alice, browser, demo, open, operatorClient, stage, tokensOf, userinfo } from '../support/flow.ts'
import type { Page, Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const op = await provider()

const languageOf = (html: string): string => /<html lang="([a-z]+)" dir="(?:ltr|rtl)">/.exec(html)?.[1] ?? ''

/** A page, whatever leads to it. */
async function pageOf(landing: ReturnType<Person['open']>): Promise<Page> {
  const { page, location } = await landing
  if (!page) throw new Error(`no page: ${location}`)
  return page
}

const fieldOf = (html: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1]?.replaceAll('&amp;', '&') ?? ''

/** What the form at the foot of `page` posts. */
async function choose(who: Person, page: Page, language: string): Promise<Page> {
  const form = page.forms.find(({ action }) => action.endsWith('/language'))
  if (!form) throw new Error(`no choice of language on ${page.url}`)
  return pageOf(who.press({ ...page, forms: [{ ...form, buttons: ['choose'] }] }, 'choose', { language }))
}

describe('the language of a page', () => {
  const at = (headers: Record<string, string>, path = '/', on: Provider = op) =>
    on
      .fetch(path, { headers })
      .then(async (answer) => ({ header: answer.headers.get('content-language'), html: await answer.text() }))

  test.each<[string, Record<string, string>, string, string]>([
    ['nothing said', {}, '/', 'en'],
    ['the browser', { 'accept-language': 'xx, fr-CA;q=0.8, de;q=0.9' }, '/', 'de'],
    ['a language that is refused', { 'accept-language': 'de;q=0, it' }, '/', 'it'],
    ['nonsense', { 'accept-language': ',;q=,*;;=' }, '/', 'en'],
    ['the cookie before the browser', { 'accept-language': 'de', cookie: 'latchkey_language=ja' }, '/', 'ja'],
    ['a cookie with nonsense', { 'accept-language': 'de', cookie: 'latchkey_language=<b>' }, '/', 'de'],
    [
      'the application before the cookie',
      { cookie: 'latchkey_language=ja' },
      '/?ui_locales=xx+pt-BR+en',
      'pt',
    ],
    ['a language nobody here speaks', { 'accept-language': 'pl' }, '/?ui_locales=xx', 'pl'],
    ['the page of an error', { 'accept-language': 'tr' }, '/authorize', 'tr'],
    ['the page of an error of a request', {}, '/authorize?client_id=nobody&ui_locales=zh-Hant-TW', 'zh'],
    ['nothing there', { accept: 'text/html', 'accept-language': 'es' }, '/nowhere', 'es'],
  ])('%s', async (_, headers, path, language) => {
    const { header, html } = await at(headers, path)
    expect(languageOf(html)).toBe(language)
    expect(header).toBe(language)
  })

  test('DEFAULT_LANGUAGE is for whoever asks for none that we speak', async () => {
    const german = await provider({ env: { DEFAULT_LANGUAGE: 'de' } })
    expect(languageOf((await at({ 'accept-language': 'xx' }, '/', german)).html)).toBe('de')
    expect(languageOf((await at({ 'accept-language': 'fr' }, '/', german)).html)).toBe('fr')
  })

  test('Arabic is written from right to left', async () => {
    expect((await at({ 'accept-language': 'ar-EG' })).html).toContain('<html lang="ar" dir="rtl">')
  })

  test('JSON stays English', async () => {
    const answer = await op.fetch('/token', { ...formPost(demo, { grant_type: 'x' }) })
    const { error_description } = (await answer.json()) as Json
    expect(String(error_description)).toMatch(/^[\x20-\x7e]+$/)
    expect(answer.headers.has('content-language')).toBe(false)
  })

  test('discovery says which', async () => {
    const metadata = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Json
    expect(metadata.ui_locales_supported).toEqual([...languages])
  })
})

describe('a person chooses', () => {
  test('in the middle of a sign-in, against what the application asked for, on every page that follows', async () => {
    const who = browser(op)
    const first = await pageOf(open(op, who, { ui_locales: 'fr', prompt: 'login consent' }))
    expect(languageOf(first.html)).toBe('fr')
    const again = await choose(who, first, 'de')
    expect(again.url).toBe(first.url)
    expect(languageOf(again.html)).toBe('de')
    const consent = await pageOf(who.press(again, 'login', alice))
    expect(consent.url).toContain('/consent')
    expect(languageOf(consent.html)).toBe('de')
    const { location } = await who.press(consent, 'allow')
    expect(location?.searchParams.get('code')).toBeString()
    // Remembered for the next time.
    expect(languageOf((await pageOf(who.open('/'))).html)).toBe('de')
  })

  test('signed in, for mails as well', async () => {
    const { op: own, alice: who } = await stage()
    const languageOfAlice = async () => (await User.find(own.context, 'user-alice'))?.language
    await choose(who, await pageOf(who.open('/')), 'it')
    expect(await languageOfAlice()).toBe('it')
    await choose(browser(own), await pageOf(browser(own).open('/')), 'pl') // by somebody who is not
    expect(await languageOfAlice()).toBe('it')
  })

  test('on the page of an error whose address asks for a language', async () => {
    const who = browser(op)
    const error = await pageOf(who.open('/authorize?client_id=nobody&ui_locales=fr&state=a%26b'))
    const again = await choose(who, error, 'ar')
    expect(languageOf(again.html)).toBe('ar')
    expect(new URL(again.url).searchParams.get('state')).toBe('a&b')
  })

  test('what was typed is not lost: a page that answers a form offers no choice', async () => {
    const who = browser(op)
    const login = await pageOf(open(op, who))
    const wrong = await pageOf(who.press(login, 'login', { username: 'alice', password: 'x' }))
    expect(wrong.status).toBe(401)
    expect(wrong.html).not.toContain('action="/language"')
  })

  test('signing out keeps the language that the application asked for', async () => {
    const { op: own, alice: who } = await stage()
    const ask = await pageOf(who.open('/logout?ui_locales=it'))
    expect(languageOf(ask.html)).toBe('it')
    expect(languageOf((await pageOf(who.press(ask, 'logout'))).html)).toBe('it')
    const device = await pageOf(browser(own).open('/device?ui_locales=pl'))
    expect(languageOf(device.html)).toBe('pl')
  })

  test.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '/%2F/../\\evil.example',
    '/\t/evil.example/',
    '/..//evil.example',
    'javascript:alert(1)',
    '/a\r\nSet-Cookie: x=1',
    '',
  ])('no page elsewhere: back=%j', async (back) => {
    const answer = await op.fetch(
      '/language',
      formPost({ client_id: '', client_secret: '', redirect_uri: '' }, { language: 'de', back }),
    )
    expect(answer.status).toBe(303)
    const location = answer.headers.get('location')!
    expect(new URL(location, op.issuer).origin).toBe(new URL(op.issuer).origin)
    expect(location).toMatch(/^\/(?![/\\])/)
  })

  test('an issuer with a path stays below it', async () => {
    const below = await provider({ env: { ISSUER_URL: 'http://localhost:5000/op' } })
    const send = (back: string) =>
      below
        .fetch('/op/language', formPost(demo, { language: 'de', back }))
        .then((answer) => answer.headers.get('location'))
    expect(await send('/elsewhere')).toBe('/op/')
    expect(await send('/op/../elsewhere')).toBe('/op/')
    expect(await send('/op/login?interaction=a')).toBe('/op/login?interaction=a')
    const html = await (await below.fetch('/op/')).text()
    for (const [, path] of html.matchAll(/(?:href|src)="(\/[^"]*)"/g)) expect(path).toStartWith('/op/')
  })

  test.each<[string, Record<string, string>, Record<string, string>, number]>([
    [
      'another site',
      { language: 'de', back: '/' },
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      403,
    ],
    ['no language of ours', { language: 'xx', back: '/' }, {}, 400],
    ['none', { back: '/' }, {}, 400],
  ])('refused: %s', async (_, fields, headers, status) => {
    const answer = await op.fetch('/language', formPost(demo, fields, headers))
    expect(answer.status).toBe(status)
    expect(answer.headers.getSetCookie()).toEqual([])
  })

  test("somebody else's sign-in is not touched", async () => {
    const who = browser(op)
    const page = await pageOf(open(op, who, { ui_locales: 'fr' }))
    await op.fetch('/language', formPost(demo, { language: 'ja', back: fieldOf(page.html, 'back') }))
    expect(languageOf((await pageOf(who.open(page.url))).html)).toBe('fr')
  })
})

describe('a client in several languages', () => {
  const metadata = {
    redirect_uris: ['http://localhost:8080/callback'],
    client_name: 'Photo book',
    'client_name#de': 'Fotobuch',
    'client_name#pt-BR': 'Álbum',
    'tos_uri#de': 'https://photos.example/agb',
    tos_uri: 'https://photos.example/terms',
    policy_uri: 'https://photos.example/privacy',
  }

  test('registered, echoed, and shown in the language of the page', async () => {
    const answer = await op.fetch('/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(metadata),
    })
    const client = (await answer.json()) as Json
    expect(client).toMatchObject({ 'client_name#de': 'Fotobuch', 'tos_uri#de': 'https://photos.example/agb' })
    const shown = { client_id: String(client.client_id), redirect_uri: metadata.redirect_uris[0]! }
    const login = (ui_locales: string) =>
      pageOf(open(op, browser(op), { ui_locales, scope: 'openid' }, shown)).then(({ html }) => html)
    const [german, portuguese, french] = [await login('de'), await login('pt'), await login('fr')]
    expect(german).toContain('>Fotobuch</bdi>')
    expect(german).toContain('https://photos.example/agb')
    expect(german).not.toContain('https://photos.example/terms')
    expect(portuguese).toContain('>Álbum</bdi>')
    expect(french).toContain('>Photo book</bdi>')
    for (const html of [german, portuguese, french]) expect(html).toContain('https://photos.example/privacy')
  })

  test('the logo of a client that an operator made is loaded from its origin, and no other', async () => {
    const logo_uri = 'https://photos.example/logo.png'
    const client = await operatorClient(op, { client_id: 'logo', logo_uri })
    const policyOf = async (who: Person, more = {}) => {
      const { html, headers } = await pageOf(open(op, who, more, client))
      return { html, policy: headers.get('content-security-policy') ?? '' }
    }
    const { html, policy } = await policyOf(browser(op))
    expect(html).toContain(`src="${logo_uri}"`)
    expect(policy).toContain("img-src 'self' https://photos.example;")
    await Client.update(op.context, 'logo', (current) => ({ ...current, self_registered: true }))
    op.clock.advance(2_000)
    const stranger = await policyOf(browser(op))
    expect(stranger.html).not.toContain(logo_uri)
    expect(stranger.policy).toContain("img-src 'self';")
  })
})

describe('claims in several languages', () => {
  test('by claims_locales, by the claims parameter, and otherwise without a tag alone', async () => {
    const { op: own, alice: who } = await stage()
    await User.update(own.context, 'user-alice', (user) => ({
      ...user,
      claims: {
        ...user.claims,
        'name#ja-Kana-JP': 'アリス',
        'name#ja-Hani-JP': '有栖',
        'family_name#de': 'Schmidt',
        'nickname#ja': '',
      },
    }))
    const told = async (more: Record<string, string>) => {
      const tokens = await tokensOf(own, who, demo, { scope: 'openid profile', ...more })
      const { body } = await userinfo(own, tokens.access_token)
      const tagged = (claims: Json) =>
        Object.fromEntries(Object.entries(claims).filter(([name]) => name.includes('#')))
      expect(body.name).toBeString()
      return { info: tagged(body), id: tagged(claimsOf(tokens.id_token)) }
    }
    expect(await told({})).toEqual({ info: {}, id: {} })
    expect(await told({ claims_locales: 'fr JA-kana <b>' })).toEqual({
      info: { 'name#ja-Kana-JP': 'アリス' },
      id: {},
    })
    expect((await told({ claims_locales: 'ja de' })).info).toEqual({
      'name#ja-Kana-JP': 'アリス',
      'name#ja-Hani-JP': '有栖',
      'family_name#de': 'Schmidt',
    })
    const claims = JSON.stringify({
      userinfo: { 'family_name#de': null },
      id_token: { 'name#ja-Hani-JP': null },
    })
    expect(await told({ claims })).toEqual({
      info: { 'family_name#de': 'Schmidt' },
      id: { 'name#ja-Hani-JP': '有栖' },
    })
    // A language gives no claim that was not asked for, nor one of another name that begins alike.
    const { info } = await told({
      scope: 'openid email',
      claims_locales: 'ja de',
      claims: '{"userinfo":{"name":null}}',
    })
    expect(info).toEqual({ 'name#ja-Kana-JP': 'アリス', 'name#ja-Hani-JP': '有栖' })
  })
})
