/** The ticket that takes a session from the issuer to ADMIN_HOST, against attackers with links, cookies and hosts of their own. docs/decisions/0103-administration-at-its-own-host.md */
import { beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { endEverything } from '../../src/people/end_session.ts'
import { User } from '../../src/models/user.ts'
import { withPassword } from '../support/authenticator.ts'
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

let op: AtAdminHost
let who: Person
/** Each test has a browser that is signed in at the issuer. */
beforeAll(async () => void (op = await atAdminHost()))
beforeEach(async () => {
  await User.update(op.context, op.owner.sub, (user) => ({ ...user, disabled: false }))
  who = op.browser()
  await withPassword(who, op.owner)
})

const hasSession = (person: Person): boolean =>
  person.cookiesAt(adminHost).has('__Host-latchkey_base_session')

/** What an arrival at ADMIN_HOST gives a browser. */
async function arrive(person: Person, url: URL): Promise<{ status: number; cookies: string[] }> {
  const answer = await send(op, person, url.href)
  return { status: answer.status, cookies: answer.headers.getSetCookie() }
}
const refused = { status: 400, cookies: [] }

test('the ticket opens the page once: a replay in the same browser and in another opens nothing', async () => {
  const arrival = await arrivalOf(op, who, '/admin/people?q=a')
  const first = await send(op, who, arrival.href)
  expect([first.status, first.headers.get('location')]).toEqual([303, '/admin/people?q=a'])
  const [cookie] = first.headers.getSetCookie()
  expect(cookie).toMatch(/^__Host-latchkey_base_session=\S+; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
  expect(await arrive(who, arrival)).toEqual(refused)
  expect(await arrive(op.browser(), arrival)).toEqual(refused)
})

test('of twenty requests with one ticket one gets a session', async () => {
  const arrival = await arrivalOf(op, who)
  const answers = await Promise.all(Array.from({ length: 20 }, () => arrive(who, arrival)))
  expect(answers.filter(({ cookies }) => cookies.length > 0)).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 400)).toHaveLength(19)
})

describe('the ticket of another browser', () => {
  test('signs no victim in to the account of the attacker, and is spent by the attempt', async () => {
    const arrival = await arrivalOf(op, who)
    const victim = op.browser()
    await entryOf(op, victim) // the victim has a cookie of ADMIN_HOST
    expect(await arrive(victim, arrival)).toEqual(refused)
    expect(hasSession(victim)).toBe(false)
    expect(await arrive(who, arrival)).toEqual(refused)
  })

  test('a link with the challenge of an attacker makes a ticket that only a browser without it opens', async () => {
    const attacker = op.browser()
    const entry = await entryOf(op, attacker)
    // The victim, who is signed in at the issuer and has a cookie of ADMIN_HOST, follows the link of the attacker.
    await entryOf(op, who)
    const landed = (await who.open(entry.href)).page!
    expect([landed.status, new URL(landed.url).host]).toEqual([400, adminHost])
    expect(hasSession(who)).toBe(false)
    // What the attacker reads in the address of the victim is spent.
    expect(await arrive(attacker, new URL(landed.url))).toEqual(refused)
  })

  test('the page says what happened and leads to a new way in', async () => {
    const page = (await op.browser().open((await arrivalOf(op, who)).href)).page!
    expect(page.html).toContain(`href="${op.base}/admin"`)
  })

  test('the cookie of the session is worth nothing in another browser', async () => {
    await openPage(op, who)
    const thief = op.browser()
    await entryOf(op, thief)
    const name = '__Host-latchkey_base_session'
    thief.cookiesAt(adminHost).set(name, who.cookiesAt(adminHost).get(name)!)
    expect((await send(op, thief, `${op.base}/admin`)).status).toBe(303)
    expect((await send(op, who, `${op.base}/admin`)).status).toBe(200)
  })
})

test('a ticket is worth nothing at another host, and is not spent there', async () => {
  const arrival = await arrivalOf(op, who)
  for (const host of ['id.example', 'evil.example', `${adminHost}.evil.example`, `x.${adminHost}`]) {
    const elsewhere = await op.fetch(arrival.href, {
      headers: { host, cookie: [...who.cookiesAt(adminHost)].map((pair) => pair.join('=')).join('; ') },
    })
    expect([host, elsewhere.status, elsewhere.headers.getSetCookie()]).toEqual([host, 404, []])
  }
  expect((await arrive(who, arrival)).status).toBe(303)
})

test('a ticket lives for half a minute', async () => {
  const arrival = await arrivalOf(op, who)
  op.clock.advance(31_000)
  expect(await arrive(who, arrival)).toEqual(refused)
})

describe('a ticket of a session that has ended', () => {
  const endings: Record<string, () => Promise<unknown>> = {
    'sign-out': async () => who.press((await who.open('/logout')).page!, 'logout'),
    'end of everything': () => endEverything(op.owner.sub, op.context),
    'disabled account': () => User.update(op.context, op.owner.sub, (user) => ({ ...user, disabled: true })),
    'another sign-in, with a new secret': () => withPassword(who, op.owner),
  }
  test.each(Object.keys(endings))('%s', async (name) => {
    const arrival = await arrivalOf(op, who)
    await endings[name]!()
    expect(await arrive(who, arrival)).toEqual(refused)
  })
})

describe('HEAD and foreign requests', () => {
  test('HEAD makes no ticket, spends none and sets nothing', async () => {
    const entry = await entryOf(op, who)
    const head = await send(op, who, entry.href, { method: 'HEAD' })
    const unmade = new URL(head.headers.get('location')!)
    expect(await arrive(who, unmade)).toEqual(refused)
    const arrival = await arrivalOf(op, who)
    const peeked = await send(op, who, arrival.href, { method: 'HEAD' })
    expect([peeked.status, peeked.headers.getSetCookie()]).toEqual([303, []])
    expect((await arrive(who, arrival)).status).toBe(303)
  })

  test('a frame or an image of another site gets no cookie', async () => {
    for (const dest of ['iframe', 'image']) {
      const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': dest, 'sec-fetch-mode': 'navigate' }
      const asked = await op.fetch(`${op.base}/admin`, { headers })
      expect([dest, asked.headers.getSetCookie()]).toEqual([dest, []])
      const arrived = await send(op, who, (await arrivalOf(op, who)).href, { headers })
      expect([dest, arrived.headers.getSetCookie()]).toEqual([dest, []])
    }
  })
})

describe('the way back', () => {
  const challenge = 'a'.repeat(43)
  const enter = (to: string, more = `challenge=${challenge}`) =>
    send(op, who, `${op.issuer}/admin/host/enter?to=${encodeURIComponent(to)}&${more}`)

  const wrong = [
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https://evil.example',
    '/admin@evil.example',
    '/admin.evil.example',
    '/admin//evil.example',
    '/admin/../account',
    '/admin/%2e%2e/account',
    '/admin\\..\\account',
    '/adminx',
    '/account',
    '/login',
    '/admin/\nevil',
    'admin',
    '',
    '/admin/host/leave',
    '/admin/host/arrive?ticket=x',
    '/admin/x/../host/leave',
    'javascript:alert(1)',
  ]
  test('leads to no other host, and to no page beside /admin', async () => {
    for (const to of wrong) {
      const answer = await enter(to)
      expect([to, answer.status, answer.headers.get('location')]).toEqual([to, 400, null])
    }
  })

  test('what is encoded stays a path of ADMIN_HOST', async () => {
    for (const to of ['/admin/%2f%2fevil.example', '/admin/%5cevil.example', '/admin?to=//evil.example']) {
      const { searchParams } = await entryOf(op, who)
      const made = await enter(to, `challenge=${searchParams.get('challenge')}`)
      const arrival = new URL(made.headers.get('location')!)
      expect(arrival.origin).toBe(new URL(op.base).origin)
      const led = new URL((await send(op, who, arrival.href)).headers.get('location')!, op.base)
      expect(led.href).toBe(op.base + to)
    }
  })

  test('a challenge has the form of a hash', async () => {
    for (const more of ['', 'challenge=', 'challenge=x', `challenge=${challenge}a`])
      expect([more, (await enter('/admin', more)).status]).toEqual([more, 400])
    expect((await enter('/admin')).status).toBe(303)
  })

  test('no parameter of the arrival changes the page', async () => {
    const arrival = await arrivalOf(op, who, '/admin/keys')
    arrival.searchParams.set('to', '/admin/people')
    expect((await send(op, who, arrival.href)).headers.get('location')).toBe('/admin/keys')
  })
})

test('a person without a role gets neither a ticket nor a session there', async () => {
  const guest = op.browser()
  const none = await accountWith(op, undefined)
  const page = await openPage(op, guest, '/admin/people', none)
  expect([page.status, new URL(page.url).host]).toEqual([404, 'id.example'])
  expect(hasSession(guest)).toBe(false)
  // A path that looks like the link of the first owner opens nothing either.
  const again = await guest.open(`${op.base}/admin/first_owner?token=guess`)
  expect(again.page!.status).toBe(400)
  expect(hasSession(guest)).toBe(false)
})

test('no log line has a ticket, and no answer lets the browser pass its address on', async () => {
  const arrival = await arrivalOf(op, who)
  const ticket = arrival.searchParams.get('ticket')!
  for (const each of [who, who]) {
    const answer = await send(op, each, arrival.href)
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
  }
  expect(op.lines.filter((line) => line.includes('refused'))).not.toEqual([])
  expect(op.lines.filter((line) => line.includes(ticket))).toEqual([])
})
