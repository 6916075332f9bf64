/** The account pages under attack: other people's sessions and applications, forged forms, fixed sessions, hostile names, tokens of another kind, races. */
import { describe, expect, test } from 'bun:test'
import { Client } from '../../src/models/client.ts'
import { Event } from '../../src/models/event.ts'
import { Grant } from '../../src/models/grant.ts'
import { Session } from '../../src/models/session.ts'
import { User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import * as backchannel from '../support/backchannel.ts'
import { demo, formPost, type Json } from '../support/client.ts'
import { personWith, thiefOf } from '../support/devices.ts'
import { bearer, browser, operatorClient, read, tokensOf, userinfo } from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import { failingStore } from '../support/odd_stores.ts'
import { alice, bob, type Page, type Person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

async function signIn(who: Person, account = alice): Promise<Page> {
  const { page } = await who.open('/login')
  return (await who.press(page!, 'login', account)).page!
}

const pathOf = (page: Page | undefined) => new URL(page!.url).pathname
const open = async (who: Person, path: string): Promise<Page> => (await who.open(path)).page!
const subOf = async (op: Provider, username: string) => (await User.findByUsername(op.context, username))!.sub
const isSignedIn = async (who: Person) => pathOf(await open(who, '/account')) === '/account'

/** A POST as this browser would send it, with whatever fields and headers. */
const post = (op: Provider, who: Person, path: string, fields: Record<string, string>, headers = {}) =>
  op.fetch(path, {
    method: 'POST',
    body: new URLSearchParams(fields).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      ...headers,
    },
  })

/** Forms of the account pages by what they do, as bob's browser has them. */
const forms = [
  ['/account/sessions', { end_all: '1' }],
  ['/account/sessions', { end: '1', session: 'x' }],
  ['/account/applications', { withdraw: '1', client_id: demo.client_id }],
  ['/account/data', { download: '1' }],
  ['/account/data/delete', { delete: '1', confirmation: 'alice' }],
] as const

describe("somebody else's", () => {
  test('session: bob cannot end one of hers by its name, and learns nothing by trying', async () => {
    const op = await provider()
    const [hers, his, hisPhone] = [browser(op), browser(op), browser(op)]
    const { id_token } = await tokensOf(op, hers)
    await signIn(his, bob)
    await signIn(hisPhone, bob)
    const [{ sid } = { sid: '' }] = await Session.listOfUser(op.context, await subOf(op, 'alice'))
    expect(id_token).toBeString()
    const page = await open(his, '/account/sessions')
    const answers = []
    for (const session of [sid, 'x'.repeat(20), '', `${sid} `, 'session:']) {
      const form = { ...page.forms.find(({ buttons }) => buttons.includes('end'))! }
      form.fields = { ...form.fields, session }
      const done = (await his.press({ ...page, forms: [form] }, 'end')).page!
      answers.push([done.status, done.url])
    }
    expect(new Set(answers.map(String)).size).toBe(1)
    expect([await isSignedIn(hers), await isSignedIn(his), await isSignedIn(hisPhone)]).toEqual([
      true,
      true,
      true,
    ])
    expect((await Event.listOfUser(op.context, await subOf(op, 'alice'))).map(({ kind }) => kind)).toEqual([
      'signed_in',
    ])
  })

  test('form: what her page holds is worth nothing in his session, his browser or another of her forms', async () => {
    const op = await provider()
    const [hers, his] = [browser(op), browser(op)]
    await tokensOf(op, hers)
    await signIn(his, bob)
    await tokensOf(op, his, demo, {}, bob)
    const csrfOf = async (who: Person, path: string) =>
      (await open(who, path)).forms.find(({ fields }) => fields.csrf_token && !fields.back)!.fields
        .csrf_token!
    const tokens = {
      hers: await csrfOf(hers, '/account/applications'),
      data: await csrfOf(his, '/account/data'),
      applications: await csrfOf(his, '/account/applications'),
    }
    const fields = { withdraw: '1', client_id: demo.client_id }
    for (const csrf_token of [tokens.hers, tokens.data, '', 'x'])
      expect((await post(op, his, '/account/applications', { ...fields, csrf_token })).status).toBe(403)
    const theft = { ...fields, csrf_token: tokens.applications }
    expect((await post(op, hers, '/account/applications', theft)).status).toBe(403)
    expect((await post(op, his, '/account/applications', theft)).status).toBe(303)
  })

  test('pages: another browser with none of the cookies sees none of them', async () => {
    const op = await provider()
    await signIn(browser(op))
    const stranger = browser(op)
    for (const path of [
      '/account',
      '/account/sessions',
      '/account/applications',
      '/account/activity',
      '/account/data',
      '/account/data/delete',
      '/account/sessions/policy',
    ])
      expect(pathOf(await open(stranger, path))).toBe('/login')
  })
})

describe('forged forms', () => {
  for (const [path, fields] of forms)
    test(`${path} ${Object.keys(fields)[0]}: no token, or from another site, and nothing happens`, async () => {
      const op = await provider()
      const [hers, phone] = [browser(op), browser(op)]
      const { access_token } = await tokensOf(op, hers)
      await signIn(phone)
      const mails = (await mailsOf(op)).length
      const page = await open(hers, path)
      const { csrf_token = '' } = page.forms.find(({ action }) => action === path)!.fields
      for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }])
        expect((await post(op, hers, path, { ...fields, csrf_token }, headers)).status).toBe(403)
      expect((await post(op, hers, path, { ...fields })).status).toBe(403)
      expect([await isSignedIn(hers), await isSignedIn(phone)]).toEqual([true, true])
      expect((await userinfo(op, access_token)).status).toBe(200)
      expect((await mailsOf(op)).length).toBe(mails)
    })

  test('a GET changes nothing, whatever its query says', async () => {
    const op = await provider()
    const [hers, phone] = [browser(op), browser(op)]
    const { access_token } = await tokensOf(op, hers)
    await signIn(phone)
    for (const [path, fields] of forms) await hers.open(`${path}?${new URLSearchParams(fields)}`)
    expect([await isSignedIn(hers), await isSignedIn(phone)]).toEqual([true, true])
    expect((await userinfo(op, access_token)).status).toBe(200)
  })

  test('?done= says what a table holds and nothing else', async () => {
    const op = await provider()
    const hers = browser(op)
    await signIn(hers)
    for (const path of ['/account/sessions', '/account/applications'])
      for (const done of [
        '<script>alert(1)</script>',
        'constructor',
        '__proto__',
        'toString',
        'You have won',
      ])
        expect((await open(hers, `${path}?done=${encodeURIComponent(done)}`)).html).not.toContain(
          'class="notice"',
        )
  })
})

describe('sessions', () => {
  test('fixation: a cookie planted before the sign-in opens nothing after it', async () => {
    const op = await provider()
    const planted = browser(op)
    await signIn(planted, bob)
    const victim = browser(op)
    victim.cookies.set('latchkey_session', planted.cookies.get('latchkey_session')!)
    await signIn(victim)
    expect(await isSignedIn(victim)).toBe(true)
    expect(await isSignedIn(planted)).toBe(false)
    expect((await open(victim, '/account')).html).toContain('<bdi>alice</bdi>')
  })

  test('sign-in again: the older cookie of the same session is worth nothing', async () => {
    const op = await provider()
    const hers = personWith(op, 'Firefox/1 Linux')
    await signIn(hers)
    const copy = thiefOf(op, hers, 'Firefox/1 Linux')
    await signIn(hers)
    expect([await isSignedIn(hers), await isSignedIn(copy)]).toEqual([true, false])
  })

  test('twenty ends of one session at once: it ends, and is noted once', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const both = [await provider({ clock, store }), await provider({ clock, store })]
    const [hers, phone] = [browser(both[0]!), browser(both[0]!)]
    await signIn(hers)
    await signIn(phone)
    const page = await open(hers, '/account/sessions')
    const form = page.forms.find(({ buttons }) => buttons.includes('end'))!
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        post(both[i % 2]!, hers, '/account/sessions', { ...form.fields, end: 'end' }),
      ),
    )
    expect([await isSignedIn(hers), await isSignedIn(phone)]).toEqual([true, false])
    const events = await Event.listOfUser(both[0]!.context, await subOf(both[0]!, 'alice'))
    expect(events.filter(({ kind }) => kind === 'session_ended')).toHaveLength(1)
  })
})

describe('hostile names', () => {
  const hostile = '<img src=x onerror=alert(1)>"\'><script>alert(1)</script>{{name}}\u202Egnp'
  const clean = ({ html }: Page) => {
    expect(html).not.toContain('<img src=x')
    expect(html).not.toContain('<script>')
    // In a field people see what they typed, whatever it is.
    expect(html.replaceAll(/ value="[^"]*"/g, '')).not.toContain('\u202e')
    const found: string[] = []
    new HTMLRewriter()
      .on('*', {
        element(element) {
          const { tagName, attributes } = element
          for (const [name, value] of attributes)
            if (name.startsWith('on') || /^\s*javascript:/i.test(value)) found.push(`${tagName} ${name}`)
          // The script of every page is ours.
          const own = element.getAttribute('src')?.startsWith('/assets/page.') === true
          if (tagName === 'script' && !own) found.push(tagName)
        },
      })
      .transform(html)
    expect(found).toEqual([])
  }

  test('of clients, devices and people are text on every page of the account, and in every mail', async () => {
    const op = await provider()
    const header = hostile.replace('\u202E', '')
    const hers = personWith(op, header)
    await User.create(op.context, {
      sub: 'mallory',
      username: hostile,
      password_hash: (await User.findByUsername(op.context, 'alice'))!.password_hash,
      claims: { name: hostile, email: 'mallory@example.com', picture: hostile },
      created_at: 0,
      updated_at: 0,
    })
    const mallory = { username: hostile, password: alice.password }
    const client = await operatorClient(op, {
      client_id: 'hostile',
      client_name: hostile,
      client_uri: 'https://hostile.example/"onload="alert(1)',
    })
    // As no registration lets it through, but a record of another age may hold it.
    await Client.update(op.context, 'hostile', (record) => ({ ...record, logo_uri: 'javascript:alert(1)' }))
    const claims = JSON.stringify({ userinfo: { [hostile]: null } })
    await tokensOf(op, hers, client, { claims }, mallory)
    for (const { path } of [{ path: '/account' }, ...op.context.table.accountSections])
      clean(await open(hers, path))
    clean(await open(hers, '/account/data/delete'))
    const applications = await open(hers, '/account/applications')
    expect(applications.html).not.toContain('javascript:')
    await hers.press(applications, 'withdraw')
    clean(await open(hers, '/account/activity'))
    for (const { html } of await mailsOf(op)) {
      expect(html).not.toContain('<img src=x')
      expect(html).not.toContain('<script>')
    }
    expect((await mailsOf(op)).length).toBeGreaterThan(0)
    const wrong = (
      await hers.press(await open(hers, '/account/data/delete'), 'delete', { confirmation: `${hostile}!` })
    ).page!
    clean(wrong)
    expect(wrong.status).toBe(400)
  })

  test('of events that this version does not know are told as they are called, escaped', async () => {
    const op = await provider()
    const hers = browser(op)
    await signIn(hers)
    await Event.add(op.context, op.context.random, {
      sub: await subOf(op, 'alice'),
      kind: hostile,
      detail: hostile,
    })
    await Event.add(op.context, op.context.random, { sub: await subOf(op, 'alice'), kind: 'toString' })
    const page = await open(hers, '/account/activity')
    expect(page.status).toBe(200)
    expect(page.html).not.toContain('<script>')
  })
})

describe('tokens', () => {
  const remove = async (op: Provider, token: string) =>
    (await op.fetch('/user/delete-account', { method: 'DELETE', ...bearer(token) })).status
  const copy = async (op: Provider, token: string) => read(await op.fetch('/user/data-export', bearer(token)))
  const cloud = (op: Provider, more: Json = {}) =>
    operatorClient(op, {
      client_id: 'cloud',
      scope: 'openid offline_access data_export account_delete',
      ...more,
    })

  test('a copy is of the person of the token, and says nothing of anybody else', async () => {
    const op = await provider()
    const [hers, his] = [browser(op), personWith(op, 'His own browser', '203.0.113.77')]
    await tokensOf(op, his, demo, {}, bob)
    const { access_token } = await tokensOf(op, hers, await cloud(op), { scope: 'openid data_export' })
    const { text } = await copy(op, access_token)
    for (const his of ['bob', '203.0.113.77', 'His own browser'])
      expect(text.toLowerCase()).not.toContain(his.toLowerCase())
  })

  test('it holds no hash, no secret, no handle', async () => {
    const op = await provider()
    const hers = browser(op)
    const tokens = await tokensOf(op, hers, await cloud(op), { scope: 'openid data_export offline_access' })
    const { text } = await copy(op, tokens.access_token)
    const sub = await subOf(op, 'alice')
    const user = (await User.find(op.context, sub))!
    const [session] = await Session.listOfUser(op.context, sub)
    const [grant] = await Grant.listOfUser(op.context, sub)
    const secrets = [
      user.password_hash!,
      session!.secret_hash,
      session!.sid,
      grant!.grant_id,
      tokens.access_token,
      tokens.refresh_token,
      ...hers.cookies.values(),
    ]
    for (const secret of secrets) expect(text).not.toContain(secret)
    expect(text).not.toMatch(/"[^"]*(?:hash|secret|seed|private)[^"]*":/i)
    expect(text).not.toContain('$argon2')
  })

  test('of a client for itself is about nobody', async () => {
    const op = await provider()
    const client = await cloud(op, {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })
    const fields = { grant_type: 'client_credentials', scope: 'data_export account_delete' }
    const { body } = await read(await op.fetch('/token', formPost(client, fields)))
    expect((await copy(op, String(body.access_token))).status).toBe(401)
    expect(await remove(op, String(body.access_token))).toBe(401)
  })

  test('that was revoked, or whose consent was withdrawn, opens nothing', async () => {
    const op = await provider()
    const hers = browser(op)
    const client = await cloud(op)
    const { access_token } = await tokensOf(op, hers, client, { scope: 'openid data_export account_delete' })
    await hers.press(await open(hers, '/account/applications'), 'withdraw')
    expect([(await copy(op, access_token)).status, await remove(op, access_token)]).toEqual([401, 401])
    expect(await isSignedIn(hers)).toBe(true)
  })

  test('of any kind in a cookie, the query or a form opens neither', async () => {
    const op = await provider()
    const hers = browser(op)
    const { access_token } = await tokensOf(op, hers, await cloud(op), {
      scope: 'openid data_export account_delete',
    })
    expect((await op.fetch(`/user/data-export?access_token=${access_token}`)).status).toBe(401)
    const cookie = [...hers.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    expect((await op.fetch('/user/data-export', { headers: { cookie } })).status).toBe(401)
    expect((await op.fetch('/user/delete-account', { method: 'DELETE', headers: { cookie } })).status).toBe(
      401,
    )
    expect((await post(op, hers, '/user/delete-account', { access_token })).status).toBe(405)
    expect(await isSignedIn(hers)).toBe(true)
  })

  test('a client that registers itself can ask for neither', async () => {
    const op = await provider()
    const metadata = { redirect_uris: ['https://app.example/cb'], scope: 'openid account_delete' }
    const init = {
      method: 'POST',
      body: JSON.stringify(metadata),
      headers: { 'content-type': 'application/json' },
    }
    expect((await op.fetch('/register', init)).status).toBe(400)
  })
})

describe('the end of an account', () => {
  const deletion = async (who: Person, op: Provider) => {
    const page = await open(who, '/account/data/delete')
    return post(op, who, '/account/data/delete', {
      ...page.forms.find(({ buttons }) => buttons.includes('delete'))!.fields,
      delete: '1',
      confirmation: 'alice',
    })
  }

  test('asked twenty times at once: one mail, and one end', async () => {
    const op = await provider()
    const hers = browser(op)
    await signIn(hers)
    const page = await open(hers, '/account/data/delete')
    const { fields } = page.forms.find(({ buttons }) => buttons.includes('delete'))!
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        post(op, hers, '/account/data/delete', { ...fields, confirmation: 'alice' }),
      ),
    )
    for (const { status } of answers) expect(status).toBe(303)
    expect((await mailsOf(op)).filter(({ text }) => text.includes('will be deleted'))).toHaveLength(1)
  })

  test('meanwhile nothing is given: no approval of before, no new one, no sign-in in another tab', async () => {
    const op = await backchannel.start()
    const [hers, tab] = [browser(op), browser(op)]
    const { body } = await backchannel.begin(op)
    await backchannel.settle(op)
    await signIn(hers)
    const { page: loginOfTab } = await tab.open('/login')
    await deletion(hers, op)
    expect(pathOf((await tab.press(loginOfTab!, 'login', alice)).page)).toBe('/login/keep_account')
    for (const path of ['/account', '/account/data', '/device', '/approvals'])
      expect(pathOf(await open(tab, path))).toBe('/login')
    expect((await backchannel.poll(op, body.auth_req_id)).body.error).toBe('invalid_grant')
    expect((await backchannel.begin(op)).body.error).toBe('unknown_user_id')
  })

  test('the page that keeps it cannot be opened without the password, nor in another browser', async () => {
    const op = await provider()
    const [hers, thief] = [browser(op), browser(op)]
    await signIn(hers)
    await deletion(hers, op)
    const asked = await signIn(hers)
    const stolen = new URL(asked.url)
    const seen = await open(thief, `${stolen.pathname}${stolen.search}`)
    expect(seen.status).toBe(400)
    const { fields } = asked.forms.find(({ buttons }) => buttons.includes('keep'))!
    expect((await post(op, thief, '/login/keep_account', { ...fields, keep: '1' })).status).toBe(403)
    const { page: fresh } = await thief.open('/login')
    const { interaction = '' } = fresh!.forms.find(({ buttons }) => buttons.includes('login'))!.fields
    expect(pathOf(await open(thief, `/login/keep_account?interaction=${interaction}`))).toBe('/login')
    expect((await User.findByUsername(op.context, 'alice'))!.leaving_at).toBeDefined()
  })

  test('while the store is away nothing is half done in silence: 503, and the account as it was or leaving', async () => {
    const clock = turnableClock()
    for (let passing = 0; passing < 24; passing += 3) {
      const failing = failingStore(memoryStore(clock))
      const op = await provider({ clock, store: failing.store, env: { LOG_LEVEL: 'error' } })
      const hers = browser(op)
      const { access_token } = await tokensOf(op, hers)
      const page = await open(hers, '/account/data/delete')
      const { fields } = page.forms.find(({ buttons }) => buttons.includes('delete'))!
      failing.failAfter(passing)
      const { status } = await post(op, hers, '/account/data/delete', { ...fields, confirmation: 'alice' })
      failing.recover()
      const { leaving_at } = (await User.findByUsername(op.context, 'alice'))!
      expect([503, 303]).toContain(status)
      // Said to be done, it is; otherwise she can ask again, or her tokens are dead already.
      if (status === 303) expect((await userinfo(op, access_token)).status).toBe(401)
      if (leaving_at !== undefined) expect(await isSignedIn(hers)).toBe(false)
    }
  }, 60_000)
})
