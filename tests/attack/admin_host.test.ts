/** The pages at an ADMIN_HOST with another host name than the issuer: what exists where, whose cookies and forms count, and when a session there ends. docs/decisions/0103-administration-at-its-own-host.md */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { Administrators } from '../../src/models/administrators.ts'
import { Session } from '../../src/models/session.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreUnavailable, type Store } from '../../src/store/store.ts'
import { codeOf, pageOf, setUpApp, withPassword } from '../support/authenticator.ts'
import {
  accountWith,
  adminHost,
  arrivalOf,
  type AtAdminHost,
  atAdminHost,
  entryOf,
  openPage,
  send,
} from '../support/admin_host.ts'
import type { Person } from '../support/person.ts'
import { turnableClock } from '../support/provider.ts'
import { realmOf } from '../support/realms.ts'

const cookie = '__Host-latchkey_base_session'

describe('a person who is signed in there', () => {
  let op: AtAdminHost
  let who: Person
  beforeEach(async () => {
    op = await atAdminHost()
    who = op.browser()
    const page = await openPage(op, who, '/admin/people?q=own')
    expect([page.status, page.url]).toEqual([200, `${op.base}/admin/people?q=own`])
  })
  const opened = async (path = '/admin') => send(op, who, op.base + path)

  test('has no cookie of the session of the issuer there, and none of there at the issuer', () => {
    const there = [...who.cookiesAt(adminHost)]
    expect(there.map(([name]) => name).sort()).toEqual([cookie, '__Host-latchkey_browser'].sort())
    for (const [, value] of there) expect([...who.cookies.values()]).not.toContain(value)
  })

  const endings: Record<string, () => Promise<unknown>> = {
    'a sign-out at the issuer': async () => who.press(pageOf(await who.open('/logout')), 'logout'),
    'a sign-out at ADMIN_HOST': async () =>
      who.press(pageOf(await who.open(`${op.base}/admin/host/leave`)), 'logout'),
    'an end of the session by another': async () => {
      const [session] = await Session.listOfUser(op.context, op.owner.sub)
      await Session.end(op.context, session!.sid)
    },
    'a disabled account': () =>
      User.update(op.context, op.owner.sub, (user) => ({ ...user, disabled: true })),
    'another secret of the session': () => withPassword(who, op.owner),
    'the idle end of the session': async () => op.clock.advance(op.context.config.sessionIdleTtl * 1000 + 1),
  }
  test.each(Object.keys(endings))('%s ends it at once', async (name) => {
    expect((await opened()).status).toBe(200)
    await endings[name]!()
    const answer = await opened()
    expect([answer.status, new URL(answer.headers.get('location')!).host]).toEqual([303, 'id.example'])
    expect((await opened('/admin/live')).status).toBe(403)
  })

  test('loses the pages with the role, and finds no account and no sign-in there by that session', async () => {
    const other = await accountWith(op, 'owner', 'second')
    await Administrators.set(op.context, op.owner.sub, undefined)
    expect((await opened()).status).toBe(404)
    expect(other.sub).not.toBe(op.owner.sub)
    for (const path of ['/account', '/account/sessions', '/approvals'])
      expect([path, (await opened(path)).headers.get('location')]).toEqual([
        path,
        expect.stringMatching(/^\/login\?interaction=/),
      ])
  })

  test('finds every other page of /admin at ADMIN_HOST alone', async () => {
    const paths = op.context.table.endpoints
      .map(({ path }) => path)
      .filter((path) => /^\/admin(\/|$)/.test(path))
    expect(paths.length).toBeGreaterThan(30)
    for (const path of paths.filter((each) => each !== '/admin/host/enter'))
      expect([path, (await send(op, who, op.issuer + path.replaceAll(/\{\w+\}/g, 'x'))).status]).toEqual([
        path,
        404,
      ])
    expect((await opened('/admin/host/enter')).status).toBe(404)
  })

  test('links lead to the issuer for the account, to ADMIN_HOST for the rest, and the way out forgets the pages', async () => {
    const html = await (await opened()).text()
    expect(html).toContain(`href="${op.issuer}/account"`)
    expect(html).toContain('href="/admin/host/leave"')
    expect(html).not.toMatch(/href="\/(?!admin|assets)/)
    const left = await opened('/admin/host/leave')
    expect(left.headers.get('location')).toBe(`${op.issuer}/logout`)
    expect(left.headers.get('clear-site-data')).toBe('"cache"')
    expect(left.headers.getSetCookie()).toEqual([
      expect.stringMatching(new RegExp(`^${cookie}=;.*Max-Age=0$`)),
    ])
  })

  test('the arrival of another session forgets the pages of the one before', async () => {
    await withPassword(who, await accountWith(op, 'auditor'))
    const arrived = await send(op, who, (await arrivalOf(op, who)).href)
    expect(arrived.headers.get('clear-site-data')).toBe('"cache"')
  })

  describe('a form', () => {
    const form = async (headers: Record<string, string>, fields: Record<string, string> = {}) => {
      const { forms } = pageOf(await who.open(`${op.base}/admin/keys`))
      const { fields: hidden, action } = forms.find(({ buttons }) => buttons.includes('rotate'))!
      return send(op, who, op.base + action, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ ...hidden, ...fields, rotate: 'rotate' }).toString(),
      })
    }
    const own = { origin: `https://${adminHost}`, 'sec-fetch-site': 'same-origin' }

    test('of a page there is accepted, also with the Origin null of a page without a referrer', async () => {
      for (const headers of [own, { ...own, origin: 'null' }, { origin: `https://${adminHost}` }]) {
        const answer = await form(headers)
        expect([headers, answer.headers.get('location')]).toEqual([headers, '/admin/keys?done=rotate'])
      }
    })

    test('of the issuer and of any other site is refused', async () => {
      for (const headers of [
        { origin: 'https://id.example', 'sec-fetch-site': 'same-site' },
        { origin: 'https://id.example' },
        { origin: 'https://evil.example' },
        { origin: `https://${adminHost}:8443` },
        { origin: `http://${adminHost}` },
        { origin: 'null', 'sec-fetch-site': 'cross-site' },
      ]) {
        const answer = await form(headers)
        expect([headers, answer.status]).toEqual([headers, 403])
        expect(await answer.text()).not.toContain('evil.example')
      }
    })

    test('with the token of another browser or of the issuer is refused, and leads to its page there', async () => {
      const other = op.browser()
      const page = await openPage(op, other, '/admin/keys')
      const [token] = page.forms.map(({ fields }) => fields.csrf_token).filter((each) => each !== undefined)
      const answer = await form(own, { csrf_token: token! })
      expect(answer.status).toBe(403)
      expect(await answer.text()).toContain(`href="${op.base}/admin/keys"`)
    })

    test('of the language works there, and leads to a page there', async () => {
      const change = (back: string, headers: Record<string, string>) =>
        send(op, who, `${op.base}/language`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
          body: new URLSearchParams({ language: 'de', back }).toString(),
        })
      const changed = await change('/admin/keys', own)
      expect(changed.headers.get('location')).toBe('/admin/keys')
      expect(changed.headers.getSetCookie()[0]).toStartWith('__Host-latchkey_language=de;')
      expect((await User.find(op.context, op.owner.sub))!.language).toBe('de')
      expect((await change('/admin', { origin: 'https://evil.example' })).status).toBe(403)
    })

    test('of the sign-in that was opened there is refused as before', async () => {
      const page = pageOf(await who.open(`${op.base}/login`))
      const { fields } = page.forms.find(({ buttons }) => buttons.includes('login'))!
      const answer = await send(op, who, `${op.base}/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...own },
        body: new URLSearchParams({ ...fields, ...op.owner, login: 'login' }).toString(),
      })
      expect(answer.status).toBe(403)
    })
  })

  test('a cookie of the same name from a sibling sub-domain makes neither count', async () => {
    const jar = who.cookiesAt(adminHost)
    for (const name of [cookie, '__Host-latchkey_browser']) {
      const line = [...jar].map((pair) => pair.join('=')).join('; ')
      const answer = await op.fetch(`${op.base}/admin`, {
        headers: { cookie: `${line}; ${name}=${jar.get(name)}` },
      })
      expect([name, answer.status]).toEqual([name, 303])
    }
    // Without the prefix, which a sub-domain cannot set, a name is another name.
    const plain = [...jar].map(([name, value]) => `${name.replace('__Host-', '')}=${value}`).join('; ')
    expect((await op.fetch(`${op.base}/admin`, { headers: { cookie: plain } })).status).toBe(303)
  })

  test('a value of the cookie that was changed, of another session or of the issuer is none', async () => {
    const value = who.cookiesAt(adminHost).get(cookie)!
    const other = op.browser()
    await openPage(op, other, '/admin', await accountWith(op, 'auditor'))
    const theirs = other.cookiesAt(adminHost).get(cookie)!
    const issuers = who.cookies.get('__Host-latchkey_session')!
    for (const bent of [
      `${value}x`,
      value.slice(0, -1),
      theirs,
      theirs.slice(0, 20) + value.slice(20),
      issuers,
      '',
    ]) {
      who.cookiesAt(adminHost).set(cookie, bent)
      expect([bent, (await opened()).status]).toEqual([bent, 303])
    }
    who.cookiesAt(adminHost).set(cookie, value)
    expect((await opened()).status).toBe(200)
    // And the cookie of there is none at the issuer.
    who.cookies.set('__Host-latchkey_session', value)
    expect((await send(op, who, `${op.issuer}/account`)).status).toBe(303)
  })
})

test('what the pages ask of a sign-in is asked at the issuer: a second step, and a fresh sign-in for a change', async () => {
  const op = await atAdminHost({ env: { ADMIN_SECOND_FACTOR: 'true' } })
  const who = op.browser()
  await withPassword(who, op.owner)
  const asked = pageOf(await who.open(`${op.base}/admin`))
  expect(new URL(asked.url).host).toBe('id.example')
  expect(new URL(asked.url).pathname).not.toBe('/login')
  const seed = await setUpApp(op, who)
  op.clock.advance(30_000)
  const page = pageOf(await who.open(`${op.base}/admin/keys`))
  expect([page.status, page.url]).toEqual([200, `${op.base}/admin/keys`])
  op.clock.advance(901_000)
  const login = pageOf(await who.press(page, 'rotate'))
  expect([new URL(login.url).host, new URL(login.url).pathname]).toEqual(['id.example', '/login'])
  const step = pageOf(await who.press(login, 'login', { ...op.owner }))
  const back = pageOf(await who.press(step, 'verify', { code: codeOf(op, seed) }))
  expect(back.url).toBe(`${op.base}/admin/keys`)
  expect(pageOf(await who.press(back, 'rotate')).url).toBe(`${op.base}/admin/keys?done=rotate`)
})

test('ADMIN_NETWORKS narrows both ends', async () => {
  const op = await atAdminHost({ env: { ADMIN_NETWORKS: '10.0.0.0/8' } })
  const who = op.browser()
  await withPassword(who, op.owner)
  const inside = (url: string, headers = {}) => op.fetch(url, { headers: { ...headers } }, '10.1.2.3')
  const line = (host: string) => [...who.cookiesAt(host)].map((pair) => pair.join('=')).join('; ')
  const page = await inside(`${op.base}/admin`)
  const [browser] = page.headers.getSetCookie()
  const entry = page.headers.get('location')!
  expect((await send(op, who, entry)).status).toBe(404)
  const arrival = (await inside(entry, { cookie: line('id.example') })).headers.get('location')!
  const there = { cookie: browser!.split(';')[0]! }
  expect((await op.fetch(arrival, { headers: there })).status).toBe(404)
  expect((await inside(arrival, there)).status).toBe(303)
  for (const path of ['/admin', '/admin/host/leave'])
    expect([path, (await op.fetch(op.base + path)).status]).toEqual([path, 404])
})

test('forms of Host that name another server, and one that no proxy chose', async () => {
  const op = await atAdminHost()
  const who = op.browser()
  await withPassword(who, op.owner)
  const arrival = await arrivalOf(op, who)
  const line = [...who.cookiesAt(adminHost)].map((pair) => pair.join('=')).join('; ')
  for (const headers of [
    { host: 'id.example', 'x-forwarded-host': adminHost },
    { host: adminHost, 'x-forwarded-host': 'id.example' },
    { host: `id.example@${adminHost}` },
    { host: `${adminHost}.` },
    { host: `${adminHost},id.example` },
  ] as Record<string, string>[])
    expect([
      headers,
      (await op.fetch(arrival.href, { headers: { ...headers, cookie: line } })).status,
    ]).toEqual([headers, 404])
  const shouted = { host: adminHost.toUpperCase(), cookie: line }
  expect((await op.fetch(arrival.href, { headers: shouted })).status).toBe(303)
})

describe('a store that does not answer', () => {
  const clock = turnableClock()
  const real = memoryStore(clock)
  let down: string[] = []
  const store = new Proxy(real, {
    get(target, name, receiver) {
      const verb: unknown = Reflect.get(target, name, receiver)
      if (typeof name === 'string' && down.includes(name))
        return () => Promise.reject(new StoreUnavailable('down'))
      return typeof verb === 'function' ? verb.bind(target) : verb
    },
  }) as Store
  afterEach(() => void (down = []))

  test('makes no ticket, takes none and opens no page', async () => {
    const op = await atAdminHost({ store, clock })
    const who = op.browser()
    await withPassword(who, op.owner)
    const entry = await entryOf(op, who)
    down = ['put']
    expect((await send(op, who, entry.href)).status).toBe(503)
    down = []
    const arrival = await arrivalOf(op, who)
    down = ['take']
    const refused = await send(op, who, arrival.href)
    expect([refused.status, refused.headers.getSetCookie()]).toEqual([503, []])
    down = []
    const page = await openPage(op, who)
    expect(page.status).toBe(200)
    down = ['get']
    expect((await send(op, who, `${op.base}/admin`)).status).toBe(503)
  })
})

test('the first owner, who has no role yet, comes by the link of the log, and no other person without a role does', async () => {
  const op = await atAdminHost({}, 'none')
  await op.context.table.jobs.find(({ name }) => name === 'first_owner')!.run(op.context)
  const [, link] = /link="?([^\s"]+)/.exec(op.lines.find((line) => line.includes('no_owner'))!)!
  expect(link).toStartWith(`${op.base}/admin/first_owner?token=`)
  const guessed = op.browser()
  const { pathname, search } = new URL(link!)
  const other = await openPage(
    op,
    guessed,
    `${pathname}${search}x`,
    await accountWith(op, undefined, 'other'),
  )
  expect([other.status, guessed.cookiesAt(adminHost).has(cookie)]).toEqual([400, false])
  const who = op.browser()
  const page = await openPage(op, who, pathname + search)
  expect([page.status, page.url]).toEqual([200, link!])
  expect(page.html).toContain('href="/admin/host/leave"')
  const claimed = pageOf(await who.press(page, 'claim'))
  expect([claimed.status, claimed.url]).toEqual([200, `${op.base}/admin`])
})

test('a realm has its pages at ADMIN_HOST too, with a session of its own', async () => {
  const op = await atAdminHost({ env: { REALMS: 'true' } })
  const { context: realm } = await realmOf(op, 'team')
  await User.create(realm, (await User.find(op.context, op.owner.sub))!)
  await Administrators.set(realm, op.owner.sub, 'owner')
  const who = op.browser()
  expect((await openPage(op, who)).url).toBe(`${op.base}/admin`)
  // The session of the server opens no page of the realm.
  const landing = pageOf(await who.open(`${op.base}/realms/team/admin`))
  expect(landing.url).toStartWith(`${op.issuer}/realms/team/login?`)
  const page = pageOf(await who.press(landing, 'login', { ...op.owner }))
  expect([page.status, page.url]).toEqual([200, `${op.base}/realms/team/admin`])
  expect(page.html).toContain(`href="${op.issuer}/realms/team/account"`)
  const names = [...who.cookiesAt(adminHost).keys()]
  expect(names).toContain('__Secure-latchkey_base_session_realms-team')
  // A ticket of the realm is none of the server.
  const asked = await send(op, who, `${op.base}/realms/team/admin/host/arrive?ticket=x`)
  expect(asked.status).toBe(400)
})
