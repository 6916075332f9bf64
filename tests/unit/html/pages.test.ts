import { describe, expect, test } from 'bun:test'
import { foreignText, foreignUrl } from '../../../src/html/foreign_text.ts'
import * as pages from '../../../src/html/pages.ts'
import { defineView, type Html } from '../../../src/html/view.ts'
import { say } from '../../../src/lib/say.ts'

const form = { action: '/interaction', csrf: 'csrf-1', interaction: 'int-1' }
const scopes = [
  { name: 'openid', description: 'Sign you in' },
  { name: 'email', description: 'See your email address', isNew: true },
]
const demo = {
  users: [{ username: 'alice', password: 'alicepassword' }],
  client_id: 'client123',
  client_secret: 'secret456',
  redirect_uri: 'http://localhost:8080/callback',
}
const consent = {
  ...form,
  clientName: 'Photo Prints',
  clientHost: 'prints.example',
  unverified: false,
  username: 'alice',
  scopes,
}
const start = {
  issuer: 'http://localhost:5000',
  demo,
  links: [{ label: say('start.keys'), url: '/jwks.json', description: say('start.keys_text') }],
  curl: 'curl http://localhost:5000/token',
}

/** Every page with `text` in every field a person or a client can reach, and `url` in every optional URL. */
const everyPage = (text: string, url: string): [string, Html][] => {
  const hostile = { action: '/login', csrf: text, interaction: text }
  const client = { clientName: text, clientUri: url }
  const shown = { clientHost: text, logoUri: url, policyUri: url, tosUri: url, username: text }
  const rows = [{ name: text, description: text, isNew: true }]
  const told = say('consent.question', { client: text })
  return [
    ['login', pages.loginPage({ ...hostile, ...client, username: text, error: told })],
    ['select_account', pages.selectAccountPage({ ...hostile, clientName: text, username: text })],
    ['consent', pages.consentPage({ ...hostile, ...client, ...shown, unverified: true, scopes: rows })],
    [
      'consent, verified',
      pages.consentPage({ ...hostile, ...client, ...shown, unverified: false, scopes: rows }),
    ],
    ['logout', pages.logoutPage({ ...hostile, clientName: text, username: text, hidden: { [text]: text } })],
    ['logged_out', pages.loggedOutPage({ clientName: text, notes: [told] })],
    ['error', pages.errorPage({ status: 400, error: text, description: text, requestId: text, hint: told })],
    ['form_post', pages.formPostPage({ action: 'https://rp.example/cb', fields: { [text]: text } })],
    [
      'start',
      pages.developerStartPage({
        issuer: text,
        demo: {
          users: [{ username: text, password: text }],
          client_id: text,
          client_secret: text,
          redirect_uri: text,
        },
        links: [{ label: told, url: '/', description: told }],
        curl: text,
      }),
    ],
    ['start, production', pages.startPage({ name: text, links: [{ label: told, path: '/' }] })],
  ]
}

/** What a parser makes of a page: its element names with their attribute names, in order. */
async function skeleton(html: Html): Promise<string[]> {
  const seen: string[] = []
  const rewriter = new HTMLRewriter().on('*', {
    element(element) {
      seen.push([element.tagName, ...Array.from(element.attributes, ([name]) => name)].join(' '))
    },
  })
  await rewriter.transform(new Response(html.toString())).text()
  return seen
}

async function attributes(html: Html, selector: string): Promise<Record<string, string>[]> {
  const seen: Record<string, string>[] = []
  const rewriter = new HTMLRewriter().on(selector, {
    element(element) {
      seen.push(Object.fromEntries(Array.from(element.attributes, ([name, value]) => [name, value] as const)))
    },
  })
  await rewriter.transform(new Response(html.toString())).text()
  return seen
}

const names = async (html: Html, selector: string) =>
  (await attributes(html, selector)).map((element) => element['name'])

describe('whatever a stranger writes stays text', () => {
  const harmless = everyPage('calm', 'https://rp.example/')
  const attacks = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    '</title></style></textarea></script><svg onload=alert(1)>',
    '--><iframe src="https://evil.example">',
    '</bdi></h1><form action="https://evil.example"><input name="password">',
    '{{csrf}}{{main}}',
  ]
  test.each(attacks)('%s changes no element of any page', async (attack) => {
    for (const [at, [name, html]] of everyPage(attack, 'https://rp.example/').entries()) {
      expect([name, await skeleton(html)]).toEqual([name, await skeleton(harmless[at]![1])])
    }
  })

  test.each([
    'javascript:alert(1)',
    'JAVASCRIPT://rp.example/%0aalert(1)',
    '\u0001javascript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'blob:https://rp.example/1',
    'file:///etc/passwd',
    'https://login.example@evil.example/',
    'not a url',
    '',
  ])('%j becomes no link and no image', async (url) => {
    for (const [name, html] of everyPage('calm', url)) {
      const urls = (await attributes(html, 'main [href], main [src]')).map(
        (found) => found['href'] ?? found['src'],
      )
      expect([name, urls.filter((found) => found !== '/' && found !== '/logout')]).toEqual([name, []])
    }
  })

  test('a page posts to http(s) or to itself', () => {
    for (const action of ['javascript:alert(1)', '//evil.example', 'com.example.app:/cb'])
      expect(() => pages.formPostPage({ action, fields: {} })).toThrow(TypeError)
  })

  test('nothing is inline and nothing comes from elsewhere', async () => {
    for (const [name, html] of harmless) {
      const elements = (await skeleton(html)).join('\n')
      expect([name, /^style\b/m.test(elements), /\s(style|on[a-z]+)(\s|$)/m.test(elements)]).toEqual([
        name,
        false,
        false,
      ])
      const loaded = await attributes(html, 'script, link, body > header img')
      for (const { src, href } of loaded) expect(pages.assets.has(src ?? href ?? '')).toBe(true)
      const scripts = await attributes(html, 'script')
      expect([name, scripts.length]).toEqual([name, name === 'error' ? 0 : 1])
    }
    expect(harmless.map(([, html]) => html.toString()).join('')).not.toMatch(/<script[^>]*>[^<]/)
  })
})

describe('names that lie', () => {
  test.each([
    ['bidi override', 'Bank\u202Eelpmaxe\u202C', 'Bankelpmaxe'],
    ['isolates', '\u2067a\u2069\u2066b', 'ab'],
    ['zero width', 'Pay\u200BPal\uFEFF\u2060', 'PayPal'],
    ['line breaks', 'Bank\n\n\n\r\u2028\u0085Verified', 'Bank Verified'],
    ['tag characters', `A${String.fromCodePoint(0xe0041)}B`, 'AB'],
    ['fillers that look like nothing', '\u3164\u115F\uFFA0', ''],
    ['controls', 'a\u0000\u0007\u001b[31mb', 'a[31mb'],
    ['piled accents', `e${'\u0301'.repeat(50)}`, `e${'\u0301'.repeat(3)}`],
    ['a lone surrogate', 'a\ud800b', 'ab'],
    ['honest Persian', 'می\u200Cخواهم', 'می\u200Cخواهم'],
    ['honest emoji', '👩\u200D💻 Café', '👩\u200D💻 Café'],
  ])('%s', (_, text, shown) => {
    expect(foreignText(text)).toBe(shown)
  })

  test('a long name is cut by characters, not in the middle of one', () => {
    expect(foreignText('😀'.repeat(500), 5)).toBe('😀😀😀😀…')
  })

  test('a client name stands isolated, and an invisible one is said to be missing', () => {
    const shown = pages.consentPage({ ...consent, clientName: '\u202Eevil' }).toString()
    expect(shown).toContain('<bdi>evil</bdi>')
    expect(shown).not.toContain('\u202E')
    expect(pages.consentPage({ ...consent, clientName: '\u200B\u3164' }).toString()).toContain(
      '<bdi>Unnamed app</bdi>',
    )
  })

  test('a link shows where it goes: credentials are refused, hosts are normal', () => {
    expect(foreignUrl('https://bank.example@evil.example/')).toBeUndefined()
    expect(foreignUrl('https://bаnk.example')).toMatch(/^https:\/\/xn--[a-z0-9-]+\.example\/$/)
    expect(foreignUrl('http://rp.example/', ['https:'])).toBeUndefined()
    expect(foreignUrl(undefined)).toBeUndefined()
  })

  test('no title quotes a client', async () => {
    for (const [, html] of everyPage('QUOTED', 'https://rp.example/'))
      expect(/<title>(.*)<\/title>/.exec(html.toString())?.[1]).not.toContain('QUOTED')
  })
})

describe('forms keep their names', () => {
  const everyForm: [string, Html, string[], string[]][] = [
    ['login', pages.loginPage(form), ['csrf_token', 'interaction', 'username', 'password'], ['login']],
    [
      'select_account',
      pages.selectAccountPage({ ...form, username: 'alice' }),
      ['csrf_token', 'interaction'],
      ['continue', 'other'],
    ],
    ['consent', pages.consentPage(consent), ['csrf_token', 'interaction'], ['allow', 'deny']],
    [
      'logout',
      pages.logoutPage({ ...form, hidden: { state: 's' } }),
      ['csrf_token', 'interaction', 'state'],
      ['logout', 'stay'],
    ],
  ]
  test.each(everyForm)('%s', async (_, html, inputs, buttons) => {
    expect(await attributes(html, 'form')).toEqual([{ method: 'post', action: '/interaction' }])
    expect(await names(html, 'form input')).toEqual(inputs)
    expect(await names(html, 'form button')).toEqual(buttons)
    for (const button of await attributes(html, 'form button'))
      expect([button['type'], button['value']]).toEqual(['submit', button['name']])
    expect((await attributes(html, 'input[name=csrf_token]'))[0]?.['value']).toBe('csrf-1')
    expect((await attributes(html, 'input[name=interaction]'))[0]?.['value']).toBe('int-1')
  })

  test('every visible field has a label', async () => {
    const html = pages.loginPage(form)
    const ids = (await attributes(html, 'input:not([type=hidden])')).map((input) => input['id'])
    expect((await attributes(html, 'label')).map((label) => label['for'])).toEqual(ids)
  })
})

describe('sign-in', () => {
  test('an error is announced, keeps the username and moves the focus to the password', async () => {
    const html = pages.loginPage({ ...form, username: 'ali"ce', error: say('login.wrong') })
    expect(html.toString()).toContain('role="alert" id="alert">Incorrect username or password.')
    const [username, password] = await attributes(html, 'input:not([type=hidden])')
    expect(username).toMatchObject({
      value: 'ali&quot;ce',
      'aria-invalid': 'true',
      'aria-describedby': 'alert',
    })
    expect(username).not.toHaveProperty('autofocus')
    expect(password).toHaveProperty('autofocus')
    expect(password).not.toHaveProperty('value')
  })

  test('at first the username has the focus and nothing is wrong', async () => {
    const html = pages.loginPage(form)
    expect(html.toString()).not.toContain('role="alert"')
    const [username, password] = await attributes(html, 'input:not([type=hidden])')
    expect(username).toMatchObject({
      'aria-invalid': 'false',
      autocomplete: 'username webauthn',
      autofocus: '',
    })
    expect(password).toMatchObject({ autocomplete: 'current-password', type: 'password' })
    expect(password).not.toHaveProperty('autofocus')
  })

  test('further ways to sign in follow the form', () => {
    const method = defineView('method', '<button name="passkey">Passkey</button>', [])({})
    const html = pages.loginPage({ ...form, loginMethods: [method] }).toString()
    expect(html.indexOf('name="passkey"')).toBeGreaterThan(html.indexOf('</form>'))
    expect(pages.loginPage({ ...form, loginMethods: [] }).toString()).not.toContain('class="methods"')
  })
})

describe('consent', () => {
  test('names the client, the host, the person and each scope in words', () => {
    const html = pages.consentPage(consent).toString()
    expect(html).toContain('<bdi>Photo Prints</bdi>')
    expect(html).toContain('<bdi class="host">prints.example</bdi>')
    expect(html).toContain('alice')
    for (const { description, name } of scopes) {
      expect(html).toContain(description)
      expect(html).toContain(`<bdi>${name}</bdi>`)
    }
    expect(html.match(/class="badge"/g)).toHaveLength(1)
    expect(html).not.toContain('class="warning"')
  })

  test('warns of a client that registered itself and does not show its logo', async () => {
    const logoUri = 'https://prints.example/logo.png'
    const unverified = pages.consentPage({ ...consent, unverified: true, logoUri })
    expect(unverified.toString()).toContain('class="warning"')
    expect(await attributes(unverified, 'main img')).toEqual([])
    expect(await attributes(pages.consentPage({ ...consent, logoUri }), 'main img')).toMatchObject([
      { src: logoUri, alt: '', referrerpolicy: 'no-referrer' },
    ])
  })

  test('a logo comes by https only', async () => {
    const html = pages.consentPage({ ...consent, logoUri: 'http://prints.example/logo.png' })
    expect(await attributes(html, 'main img')).toEqual([])
  })

  test('a scope without words shows its name', () => {
    const html = pages.consentPage({ ...consent, scopes: [{ name: 'orders:read', description: '' }] })
    expect(html.toString().match(/orders:read/g)).toHaveLength(1)
  })

  test('every standard scope has words', () => {
    expect(Object.keys(pages.scopeDescriptions)).toEqual([
      'openid',
      'profile',
      'email',
      'address',
      'phone',
      'offline_access',
    ])
  })
})

describe('the start page', () => {
  test('in development it shows the demo and a command to paste', () => {
    const html = pages.developerStartPage(start).toString()
    for (const text of ['alicepassword', 'client123', 'secret456', start.curl, start.issuer])
      expect(html).toContain(text)
  })

  test('in production it shows no secret, even when it is handed one', () => {
    const html = pages.startPage({ ...start, name: 'Acme', links: [] }).toString()
    for (const text of ['alicepassword', 'client123', 'secret456']) expect(html).not.toContain(text)
    expect(html).toContain('<h1>Acme</h1>')
  })
})

test('assets: the path changes with the content', () => {
  expect(pages.assets.size).toBe(10)
  for (const [path, { body, contentType }] of pages.assets) {
    const hash = new Bun.CryptoHasher('sha256').update(body).digest('base64url').slice(0, 16)
    expect(path).toMatch(/^\/assets\/[a-z_]+\.[\w-]{16}\.(css|svg|js)$/)
    expect(path.split('.')[1]).toBe(hash)
    expect(contentType).toMatch(/^(text\/css|image\/svg\+xml|text\/javascript)/)
  }
})

test('the stylesheet loads nothing', () => {
  for (const { body, contentType } of pages.assets.values())
    if (contentType.startsWith('text/css')) expect(body).not.toMatch(/url\(|@import/)
})
