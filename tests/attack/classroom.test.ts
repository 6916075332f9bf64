/** Attacks on a classroom: foreign cookies, guesses, floods, names, other sites, clocks, and what is left after its end. docs/classrooms.md */
import { describe, expect, test } from 'bun:test'
import { removeRealms } from '../../src/cli/realms/removal.ts'
import { memoryOf } from '../../src/features/lab_errors/memory.ts'
import { inGroups } from '../../src/lib/base32.ts'
import { Classroom } from '../../src/models/classroom.ts'
import { Seat } from '../../src/models/classroom_seat.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { atRealm, classroomEnv, join, type Joined, makeClassroom, teacher } from '../support/classroom.ts'
import { authorize, browser, minute } from '../support/flow.ts'
import type { Person } from '../support/person.ts'
import { type Provider, provider, type ProviderOptions, turnableClock } from '../support/provider.ts'
import { acts } from '../support/student.ts'
import { until } from '../support/until.ts'

const start = (options: ProviderOptions = {}): Promise<Provider> =>
  provider({ env: classroomEnv, ...options })

/** Keys and secrets do not count here, the requests do: the address of another student in the network. */
const elsewhere = '192.0.2.77'

const cookiesOf = ({ cookies }: Person): string =>
  [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
const statusAt = async (op: Provider, url: string, who?: Person, peer = elsewhere): Promise<number> =>
  (await op.fetch(url, who ? { headers: { cookie: cookiesOf(who) } } : {}, peer)).status

const namesOf = async (op: Provider, classroom: Classroom): Promise<string[]> =>
  (await Seat.list(op.context, classroom)).map(({ name }) => name)

const boardOf = (op: Provider, id: string): string => `${op.issuer}/classroom/board?room=${id}`
const labPages = ['/lab', '/lab/worksheet', '/lab/flows', '/lab/client', '/lab/errors', '/lab/api/clock']

const realmName = ({ at }: Joined): string => at.issuer.split('/').at(-1)!

/** Whether any value of the store has the text. */
async function holds(store: Store, text: string): Promise<boolean> {
  for await (const page of store.scan()) if (JSON.stringify(page).includes(text)) return true
  return false
}

async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = []
  for await (const page of store.scan())
    for (const found of page) keys.push(found.kind === 'value' ? found.key : `${found.index} ${found.member}`)
  return keys
}

describe('the lab of a student', () => {
  test('opens for the student and the teacher alone, from every address', async () => {
    const op = await start()
    const made = await makeClassroom(op)
    const [ada, bob] = [
      await join(op, made.classroom.code, 'Ada'),
      await join(op, made.classroom.code, 'Bob'),
    ]
    const other = await makeClassroom(op)
    const { who: strange } = await teacher(op, other)
    const { who: board } = await teacher(op, made)
    for (const page of labPages) {
      const url = `${ada.at.issuer}${page}`
      expect([page, await statusAt(op, url, ada.who)]).toEqual([page, 200])
      // Also from this machine, which LAB_NETWORKS names: several students may share one.
      for (const peer of [elsewhere, '127.0.0.1'])
        for (const who of [undefined, bob.who, strange, board])
          expect([page, await statusAt(op, url, who, peer)]).toEqual([page, 404])
    }
    const way = (room: string) => `${op.issuer}/classroom/open?room=${room}&student=1`
    for (const who of [strange, bob.who, browser(op)])
      for (const room of [made.classroom.id, other.classroom.id])
        expect(await statusAt(op, way(room), who)).toBe(404)
    expect((await board.open(way(made.classroom.id))).page!.url).toStartWith(`${ada.at.issuer}/lab/worksheet`)
    expect(await statusAt(op, `${ada.at.issuer}/lab/flows`, board)).toBe(200)
    expect(await statusAt(op, `${bob.at.issuer}/lab/flows`, board)).toBe(404) // one at a time
    expect(await statusAt(op, `${op.issuer}/lab/flows`, board)).toBe(404)
    expect(await statusAt(op, `${op.issuer}/lab/flows`, ada.who)).toBe(404)
  })

  test('a pass is worth nothing under another name, changed, or in another realm', async () => {
    const op = await start()
    const made = await makeClassroom(op)
    const [ada, bob] = [
      await join(op, made.classroom.code, 'Ada'),
      await join(op, made.classroom.code, 'Bob'),
    ]
    const passOf = (joined: Joined) => [...joined.who.cookies].find(([name]) => name.includes('lab_pass'))!
    const [name, value] = passOf(ada)
    const [bobName] = passOf(bob)
    const ask = (at: string, cookie: string) => op.fetch(`${at}/lab`, { headers: { cookie } }, elsewhere)
    expect((await ask(ada.at.issuer, `${name}=${value}`)).status).toBe(200)
    for (const forged of [`${bobName}=${value}`, `${bobName}=${value}; ${name}=${value}`])
      expect((await ask(bob.at.issuer, forged)).status).toBe(404)
    const changed = `${value.slice(0, -2)}${value.endsWith('AA') ? 'BB' : 'AA'}`
    for (const forged of [
      changed,
      `x${value.slice(1)}`,
      `${value.split('.')[0]}.`,
      '.',
      '',
      `${value}; ${name}=${value}`,
    ])
      expect((await ask(ada.at.issuer, `${name}=${forged}`)).status).toBe(404)
  })

  test('a pass that is kept elsewhere ends with the classroom, also where the realm does not', async () => {
    const op = await start()
    const made = await makeClassroom(op)
    const ada = await join(op, made.classroom.code, 'Ada')
    await op.context.realms!.update(realmName(ada), (realm) => ({
      ...realm,
      ends_at: realm.ends_at! + 86_400,
    }))
    expect(await statusAt(op, `${ada.at.issuer}/lab`, ada.who)).toBe(200)
    op.clock.advance(60 * minute)
    expect(await statusAt(op, `${ada.at.issuer}/lab`, ada.who)).toBe(404)
    expect(await statusAt(op, `${ada.at.issuer}/.well-known/openid-configuration`)).toBe(200)
  })

  test('a stranger is offered no page of the lab, which would not be found', async () => {
    const op = await start()
    const made = await makeClassroom(op)
    const ada = await join(op, made.classroom.code, 'Ada')
    const page = async (headers: Record<string, string>) =>
      (
        await op.fetch(`${ada.at.issuer}/lab/nothing`, { headers: { accept: 'text/html', ...headers } })
      ).text()
    expect(await page({})).not.toContain('/lab/error')
    const [, link = ''] = /href="([^"]*\/lab\/error\?id=[^"]*)"/.exec(
      await page({ cookie: cookiesOf(ada.who) }),
    )!
    expect(await statusAt(op, link.replaceAll('&amp;', '&'), ada.who)).toBe(200)
  })

  test('its recorder sees no cookie of the classroom, and shows no secret even where the server does', async () => {
    const op = await start({ env: { ...classroomEnv, LAB_SHOW_SECRETS: 'true' } })
    const made = await makeClassroom(op)
    const ada = await join(op, made.classroom.code, 'Ada')
    const key = made.teacherKey
    // As a browser does it: the cookies of the teacher go to paths below /classroom.
    const answer = await op.fetch(`/classroom/board?key=${key}`)
    const [line] = answer.headers.getSetCookie()
    expect(line).toContain('Path=/classroom;')
    expect(line).toContain('HttpOnly; SameSite=Lax')
    // And if one came all the same:
    const url = `${ada.at.issuer}/authorize?client_id=client123`
    await op.fetch(url, { headers: { cookie: line!.split(';')[0]! } }, elsewhere)
    const realm = (await op.context.realms!.open(realmName(ada)))!
    expect(realm.recorder!.flows.list()).toHaveLength(1)
    expect(JSON.stringify(realm.recorder!.flows.list())).not.toContain(key.slice(5))
  })

  test('a student who floods the own provider fills a few megabytes, and no more', async () => {
    const op = await start()
    const made = await makeClassroom(op)
    const ada = await join(op, made.classroom.code, 'Ada')
    const state = 'x'.repeat(1_500)
    for (let n = 0; n < 1_000; n++)
      await op.fetch(
        `${ada.at.issuer}/authorize?client_id=client123&redirect_uri=http://localhost/${n}&state=${state}`,
      )
    const realm = (await op.context.realms!.open(realmName(ada)))!
    await until(() => memoryOf(realm).failures.bytes() > 500_000, 'failures that are kept')
    expect(memoryOf(realm).failures.bytes()).toBeLessThanOrEqual(8_388_608 / 8)
    expect(realm.recorder!.flows.bytes()).toBeGreaterThan(1_000_000)
    expect(realm.recorder!.flows.bytes()).toBeLessThanOrEqual(4_194_304)
    expect(op.context.recorder!.flows.list()).toEqual([])
  })

  test('a clock that one student moves is the clock of that student alone', async () => {
    const op = await start()
    const made = await makeClassroom(op)
    const [ada, bob] = [
      await join(op, made.classroom.code, 'Ada'),
      await join(op, made.classroom.code, 'Bob'),
    ]
    const moved = await op.fetch(`${ada.at.issuer}/lab/api/clock`, {
      method: 'POST',
      headers: { cookie: cookiesOf(ada.who), 'content-type': 'application/json' },
      body: JSON.stringify({ move: '+300d' }),
    })
    expect(moved.status).toBe(200)
    const timeOf = async ({ at, who }: Joined) =>
      Date.parse(
        (
          (await (
            await op.fetch(`${at.issuer}/lab/api/clock`, { headers: { cookie: cookiesOf(who) } })
          ).json()) as { time: string }
        ).time,
      )
    expect((await timeOf(ada)) - (await timeOf(bob))).toBeGreaterThan(299 * 86_400_000)
    expect(op.context.clock.now()).toBe(op.clock.now())
    await acts['code-flow']!(ada.at, () => {})
    const { who } = await teacher(op, made)
    await until(
      async () => (await who.open(boardOf(op, made.classroom.id))).page!.html.includes('done</span>'),
      'a student who is done',
    )
    const csv = await op.fetch(`/classroom/results.csv?room=${made.classroom.id}`, {
      headers: { cookie: cookiesOf(who) },
    })
    const day = new Date(op.clock.now()).toISOString().slice(0, 10)
    expect((await csv.text()).split('\r\n')[1]).toContain(day)
  })
})

describe('joining', () => {
  test('a code is not guessed: near ones are wrong alike, wrong ones are counted, and then the right one is refused too', async () => {
    const op = await start()
    const { classroom } = await makeClassroom(op)
    const other = await makeClassroom(op)
    const { code, id } = classroom
    const near = [
      id,
      `${id}AAAAAAAA`,
      `${code.slice(0, -1)}${code.endsWith('A') ? 'B' : 'A'}`,
      `${id}${other.classroom.code.slice(4)}`,
      '',
      '../..',
      '__proto__',
    ]
    const texts = new Set<string>()
    for (const each of near) {
      const who = browser(op)
      const { page } = await who.open(`${op.issuer}/classroom/join`)
      const refused = (await who.press(page!, 'join', { code: each, name: 'Eve' })).page!
      expect(refused.status).toBe(403)
      texts.add(/<p class="alert"[^>]*>([^<]*)/.exec(refused.html)![1]!)
    }
    expect(texts.size).toBe(1)
    const eve = browser(op)
    const { page } = await eve.open(`${op.issuer}/classroom/join`)
    for (let tries = near.length; tries < 30; tries++)
      await eve.press(page!, 'join', { code: 'AAAA-AAAA-AAAA', name: 'Eve' })
    for (const each of ['AAAA-AAAA-AAAA', code])
      expect((await eve.press(page!, 'join', { code: each, name: 'Eve' })).page!.status).toBe(429)
    // The address counts, and not the classroom: other students join.
    const answer = await op.fetch(`/classroom/join?code=${code}`, {}, elsewhere)
    expect(answer.status).toBe(200)
    op.clock.advance(minute)
    expect((await join(op, code, 'Ada')).at.issuer).toContain('/realms/')
  })

  test('one address takes some seats in a minute, and not all; a browser that has one gets the same again', async () => {
    const op = await start({ env: { ...classroomEnv, LAB_JOINS_PER_MINUTE: '2' } })
    const { classroom } = await makeClassroom(op, { students: 4 })
    const joined = [await join(op, classroom.code, 'Eve'), await join(op, classroom.code, 'Eve')]
    const late = await join(op, classroom.code, 'Eve')
    expect(late.landing.page!.status).toBe(429)
    expect((await join(op, classroom.code, 'Other', joined[0]!.who)).at.issuer).toBe(joined[0]!.at.issuer)
    expect(await namesOf(op, classroom)).toEqual(['Eve', 'Eve (2)'])
    // From another address the class goes on.
    const far = { ...op, fetch: (path: string, init?: RequestInit) => op.fetch(path, init, elsewhere) }
    expect((await join(far, classroom.code, 'Ada')).at.issuer).toContain('/realms/')
    op.clock.advance(minute)
    expect((await join(op, classroom.code, 'Bob')).at.issuer).toContain('/realms/')
  })

  test('a class of one name asks the store for each name a bounded number of times', async () => {
    const op = await start()
    const { classroom } = await makeClassroom(op, { students: 30 })
    const { store } = op.context
    let asked = 0
    const counting = new Proxy(store, {
      get(target, verb) {
        const own = Reflect.get(target, verb) as unknown
        if (typeof own !== 'function') return own
        if (verb === 'create') asked += 1
        return own.bind(target) as unknown
      },
    })
    const memory = { ...op.context, store: counting }
    const own: (string | undefined)[] = []
    for (let number = 1; number <= 30; number++)
      own.push(await Seat.claimName(memory, classroom, { name: 'Eve', number }))
    expect(new Set(own).size).toBe(30)
    expect(asked).toBeLessThanOrEqual(60)
  })

  test('typed by hand it may have spaces, capitals and digits for letters', async () => {
    const op = await start()
    const { classroom } = await makeClassroom(op)
    const who = browser(op)
    const { page } = await who.open(`${op.issuer}/classroom/join`)
    const typed = inGroups(classroom.code).toUpperCase().replaceAll('-', ' ').replaceAll('O', '0')
    expect((await who.press(page!, 'join', { code: ` ${typed} `, name: 'Ada' })).page!.url).toContain(
      '/lab/worksheet',
    )
  })

  test('of many who join at once as many get a seat as there are; one browser has one', async () => {
    const op = await start({ env: { ...classroomEnv, LAB_JOINS_PER_MINUTE: '100' } })
    const { classroom } = await makeClassroom(op, { students: 3 })
    const all = await Promise.all(Array.from({ length: 40 }, () => join(op, classroom.code, 'Eve')))
    expect(all.filter(({ at }) => at.issuer !== '')).toHaveLength(3)
    expect(all.filter(({ landing }) => landing.page!.status === 409)).toHaveLength(37)
    const names = await namesOf(op, classroom)
    expect(new Set(names).size).toBe(3)
    expect(names.filter((name) => /^Eve(?: \([123]\))?$/.test(name))).toHaveLength(3)
    const seated = all.find(({ at }) => at.issuer !== '')!
    const again = await join(op, classroom.code, 'Another name', seated.who)
    expect(again.at.issuer).toBe(seated.at.issuer)
    expect(await op.context.realms!.list()).toHaveLength(3)
  })

  test('a double click takes one seat, and its second answer leads there with the cookies', async () => {
    const op = await start()
    const { classroom } = await makeClassroom(op)
    const who = browser(op)
    const [form] = (await who.open(`${op.issuer}/classroom/join?code=${classroom.code}`)).page!.forms
    const send = () =>
      op.fetch('/classroom/join', {
        method: 'POST',
        headers: { cookie: cookiesOf(who), 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ ...form!.fields, name: 'Ada', join: 'join' }).toString(),
      })
    const answers = await Promise.all([send(), send()])
    expect(answers.map(({ status }) => status)).toEqual([303, 303])
    expect(await namesOf(op, classroom)).toEqual(['Ada'])
    const second = answers.find((each) => each.headers.get('location')!.includes('seat='))!
    expect(second.headers.getSetCookie()).toEqual([])
    const landed = (await browser(op).open(`${op.issuer}${second.headers.get('location')}`)).page!
    expect([landed.status, landed.url]).toEqual([200, expect.stringContaining('/lab/worksheet')])
  })

  test('a teacher who removes a student frees the seat and the name, and the browser of that student has nothing', async () => {
    const op = await start()
    const made = await makeClassroom(op, { students: 1 })
    const eve = await join(op, made.classroom.code, 'Ada')
    expect((await join(op, made.classroom.code, 'Bob')).landing.page!.status).toBe(409)
    const { who } = await teacher(op, made)
    const ask = (await who.open(`${boardOf(op, made.classroom.id)}&ask=remove&student=1`)).page!
    await who.press(ask, 'remove')
    expect(await statusAt(op, `${eve.at.issuer}/lab`, eve.who)).toBe(404)
    expect(await statusAt(op, `${eve.at.issuer}/.well-known/openid-configuration`)).toBe(404)
    const ada = await join(op, made.classroom.code, 'Ada')
    expect(ada.at.issuer).not.toBe(eve.at.issuer)
    expect(ada.landing.page!.url).toContain('/lab/worksheet')
    expect(await namesOf(op, made.classroom)).toEqual(['Ada'])
  })

  test('names are text: markup, formulas and scripts of the right; invisible ones are refused; equal ones get a number', async () => {
    const op = await start()
    const made = await makeClassroom(op, { students: 20 })
    const joinAs = async (name: string) => (await join(op, made.classroom.code, name)).landing.page!
    for (const bad of ['', '   ', 'x'.repeat(41), 'abc\u202edef', 'a\u200bb', 'line\nbreak\u0000', '\u2066x'])
      expect([bad, (await joinAs(bad)).status]).toEqual([bad, 400])
    const names = [
      '<script>alert(1)</script>',
      '=HYPERLINK("http://evil")',
      '@SUM(1)',
      'محمد',
      'Ada',
      ' ada ',
      'ＡＤＡ',
      'a"b,c',
    ]
    for (const name of names) expect([name, (await joinAs(name)).status]).toEqual([name, 200])
    const { who } = await teacher(op, made)
    const { html } = (await who.open(boardOf(op, made.classroom.id))).page!
    expect(html).not.toContain('<script>alert')
    expect(html).toContain('<bdi>محمد</bdi>')
    const csv = await (
      await op.fetch(`/classroom/results.csv?room=${made.classroom.id}`, {
        headers: { cookie: cookiesOf(who) },
      })
    ).text()
    expect(csv).toContain(`"'=HYPERLINK(""http://evil"")"`)
    expect(csv).toContain(`,'@SUM(1),`)
    expect(csv).toContain('"a""b,c"')
    for (const line of csv.split('\r\n')) expect(line).not.toMatch(/(?:^|,)"?[=+@-]/)
    expect(await namesOf(op, made.classroom)).toEqual(
      expect.arrayContaining(['Ada', 'ada (6)', 'ＡＤＡ (7)']),
    )
  })
})

test('a student who lost the browser gets a link of the teacher, which leads to that seat alone', async () => {
  const op = await start()
  const made = await makeClassroom(op)
  const [ada, bob] = [await join(op, made.classroom.code, 'Ada'), await join(op, made.classroom.code, 'Bob')]
  const { who } = await teacher(op, made)
  const ask = `${boardOf(op, made.classroom.id)}&ask=link&student=1`
  expect(await statusAt(op, ask, ada.who)).toBe(404)
  const { html } = (await who.open(ask)).page!
  const link = /<code[^>]*>(http[^<]+seat=[^<]+)</.exec(html)![1]!.replaceAll('&amp;', '&')
  const answer = await op.fetch(link)
  expect(answer.headers.get('location')).not.toContain('seat')
  const fresh = browser(op)
  expect((await fresh.open(link)).page!.url).toStartWith(`${ada.at.issuer}/lab/worksheet`)
  expect(await statusAt(op, `${bob.at.issuer}/lab`, fresh)).toBe(404)
  const name = bob.at.issuer.split('/').at(-1)!
  for (const forged of [
    link.replace(/seat=[^.]+/, `seat=${name}`),
    link.replace(/.$/, link.endsWith('A') ? 'B' : 'A'),
    `${link.split('seat=')[0]}seat=x`,
  ])
    expect((await browser(op).open(forged)).page!.url).toContain('/classroom/join')
  await who.press((await who.open(`${boardOf(op, made.classroom.id)}&ask=remove&student=1`)).page!, 'remove')
  expect((await browser(op).open(link)).page!.url).toContain('/classroom/join')
  // A page of before about a student who is gone: no other question takes its place.
  const board = boardOf(op, made.classroom.id)
  for (const more of ['ask=remove&student=1', 'ask=link&student=1', 'ask=remove', 'ask=other&student=2'])
    expect([more, await statusAt(op, `${board}&${more}`, who)]).toEqual([more, 404])
})

describe('the board', () => {
  test('is for the link of its teacher; the secret leaves the address and no page has it', async () => {
    const op = await start()
    const made = await makeClassroom(op)
    const key = made.teacherKey
    const answer = await op.fetch(`/classroom/board?key=${key}`)
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe(`/classroom/board?room=${made.classroom.id}`)
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    expect(
      (await op.fetch(`/classroom/board?key=${key}`, { method: 'HEAD' })).headers.getSetCookie(),
    ).toEqual([])
    const foreign = await op.fetch(`/classroom/board?key=${key}`, {
      headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    })
    expect(foreign.headers.getSetCookie()).toEqual([])
    const { who, landing } = await teacher(op, made)
    expect(landing.page!.html).not.toContain(key.slice(5))
    expect(landing.page!.headers.get('referrer-policy')).toBe('no-referrer')
    expect(op.lines.join('\n')).not.toContain(key.slice(5))
    const ada = await join(op, made.classroom.code, 'Ada')
    const paths = ['board', 'board/live', 'results.csv', 'open'].map(
      (path) => `${op.issuer}/classroom/${path}?room=${made.classroom.id}&student=1`,
    )
    for (const path of paths)
      for (const stranger of [undefined, ada.who])
        expect([path, await statusAt(op, path, stranger)]).toEqual([path, 404])
    for (const room of ['', 'AAAA', '../x', made.classroom.id.toLowerCase()])
      expect(await statusAt(op, `${op.issuer}/classroom/board?room=${room}`, who)).toBe(404)
    for (let tries = 0; tries < 30; tries++)
      expect(
        await statusAt(op, `${op.issuer}/classroom/board?key=${made.classroom.id}.${'x'.repeat(32)}`),
      ).toBe(404)
    expect(await statusAt(op, `${op.issuer}/classroom/board?key=${key}`)).toBe(429)
    expect(await statusAt(op, boardOf(op, made.classroom.id), who)).toBe(200)
  })

  test('another site ends nothing: no form without the token, none of another origin, and no link', async () => {
    const op = await start()
    const made = await makeClassroom(op)
    const { who } = await teacher(op, made)
    const room = made.classroom.id
    const ask = (await who.open(`${boardOf(op, room)}&ask=end`)).page!
    const { csrf_token } = ask.forms[0]!.fields
    const send = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      op.fetch('/classroom/board', {
        method: 'POST',
        headers: { cookie: cookiesOf(who), 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams(fields).toString(),
      })
    expect((await send({ room, end: 'end' })).status).toBeGreaterThanOrEqual(400)
    expect((await send({ room, end: 'end', csrf_token: 'x'.repeat(43) })).status).toBeGreaterThanOrEqual(400)
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ])
      expect(
        (await send({ room, end: 'end', csrf_token: csrf_token! }, headers as Record<string, string>)).status,
      ).toBe(403)
    // A student has a token of this form, and no key.
    const ada = await join(op, made.classroom.code, 'Ada')
    const own = await op.fetch('/classroom/board', {
      method: 'POST',
      headers: { cookie: cookiesOf(ada.who), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ room, end: 'end', csrf_token: csrf_token! }).toString(),
    })
    expect(own.status).toBeGreaterThanOrEqual(400)
    await op.fetch(`/classroom/board?room=${room}&end=end`, { headers: { cookie: cookiesOf(who) } })
    expect(await Classroom.find(op.context, room)).toBeDefined()
  })

  test('the same realm of a student answers with no page of a classroom', async () => {
    const op = await start()
    const made = await makeClassroom(op)
    const ada = await join(op, made.classroom.code, 'Ada')
    for (const path of [
      '/classroom/join',
      `/classroom/board?key=${made.teacherKey}`,
      '/classroom/results.csv',
    ])
      expect(await statusAt(op, `${ada.at.issuer}${path}`, ada.who)).toBe(404)
    const off = await provider({ env: { LAB: 'true', REALMS: 'false' } })
    expect((await off.fetch('/classroom/join')).status).toBe(404)
  })
})

describe('the end', () => {
  const labOf = (op: Provider, { at, who }: Joined) => statusAt(op, `${at.issuer}/lab`, who)

  test('by the button: all of it is 404 at once, and then nothing is left in the store', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const op = await start({ clock, store })
    const before = new Set(await keysOf(store))
    const made = await makeClassroom(op)
    const ada = await join(op, made.classroom.code, 'Zebulon')
    expect(await holds(store, 'Zebulon')).toBe(true)
    await acts['code-flow']!(ada.at, () => {})
    const { who } = await teacher(op, made)
    const ask = (await who.open(`${boardOf(op, made.classroom.id)}&ask=end`)).page!
    expect((await who.press(ask, 'end')).page!.html).toContain('The classroom has ended')
    expect(await labOf(op, ada)).toBe(404)
    expect(await statusAt(op, `${ada.at.issuer}/.well-known/openid-configuration`)).toBe(404)
    expect(await statusAt(op, boardOf(op, made.classroom.id), who)).toBe(404)
    expect(await statusAt(op, `${op.issuer}/classroom/board?key=${made.teacherKey}`)).toBe(404)
    expect((await join(op, made.classroom.code, 'Bob')).landing.page!.status).toBe(403)
    op.clock.advance(2 * minute)
    await removeRealms({ store, clock, log: op.context.log })
    const left = (await keysOf(store)).filter((key) => !before.has(key))
    expect(left.filter((key) => /^classroom|^realm:/.test(key))).toEqual([])
    expect(await holds(store, 'Zebulon')).toBe(false)
  })

  test('by the time: the same, while the board is closed', async () => {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const op = await start({ clock, store })
    const made = await makeClassroom(op, { hours: 1 })
    const ada = await join(op, made.classroom.code, 'Zebulon')
    const { who } = await teacher(op, made)
    op.clock.advance(60 * minute)
    expect(await labOf(op, ada)).toBe(404)
    expect(await statusAt(op, boardOf(op, made.classroom.id), who)).toBe(404)
    expect((await join(op, made.classroom.code, 'Bob')).landing.page!.status).toBe(403)
    for (const _ of [1, 2]) {
      await removeRealms({ store, clock, log: op.context.log })
      op.clock.advance(2 * minute)
    }
    expect((await keysOf(store)).filter((key) => /^classroom|^realm:/.test(key))).toEqual([])
    expect(await holds(store, 'Zebulon')).toBe(false)
  })

  test('while students join: none of them keeps a provider', async () => {
    const op = await start()
    const made = await makeClassroom(op, { students: 30 })
    const { who } = await teacher(op, made)
    const ask = (await who.open(`${boardOf(op, made.classroom.id)}&ask=end`)).page!
    const joining = Array.from({ length: 20 }, (_, n) =>
      join(op, made.classroom.code, `S${n}`).catch(() => undefined),
    )
    await joining[0]
    await who.press(ask, 'end')
    await Promise.all(joining)
    expect(await op.context.realms!.list()).toEqual([])
  })
})

test('a process that starts again on a lasting store goes on: passes, seats, progress and the board', async () => {
  const clock = turnableClock()
  const store = memoryStore(clock)
  const options = {
    clock,
    store,
    env: { ...classroomEnv, SECRET_KEY: 'a-secret-of-a-classroom-that-is-long-enough' },
  }
  const first = await start(options)
  const made = await makeClassroom(first)
  const ada = await join(first, made.classroom.code, 'Ada')
  await authorize(ada.at, browser(ada.at))
  const { who } = await teacher(first, made)
  const board = async (op: Provider) =>
    op.fetch(boardOf(op, made.classroom.id), { headers: { cookie: cookiesOf(who) } })
  await until(
    async () => (await (await board(first)).text()).includes('Get the code: done by Ada'),
    'three steps',
  )
  const second = await start(options)
  expect(await (await board(second)).text()).toContain('Get the code: done by Ada')
  expect(await statusAt(second, `${ada.at.issuer}/lab/worksheet`, ada.who)).toBe(200)
  // Flows are in the memory of one process: the page says so.
  const [, way] = /href="([^"]*student=1&amp;flow=[^"]+)"/.exec(await (await board(second)).text())!
  const led = await second.fetch(way!.replaceAll('&amp;', '&'), { headers: { cookie: cookiesOf(who) } })
  const flow = await second.fetch(led.headers.get('location')!, {
    headers: { cookie: led.headers.getSetCookie()[0]!.split(';')[0]! },
  })
  expect([led.status, flow.status]).toEqual([303, 404])
  const again = browser(second)
  for (const [name, value] of ada.who.cookies) again.cookies.set(name, value)
  expect((await join(second, made.classroom.code, 'Ada', again)).at.issuer).toBe(ada.at.issuer)
  await acts['code-flow']!(atRealm(second, ada.at.issuer), () => {})
  await until(
    async () => (await (await board(second)).text()).includes('Redeem the code a second time: done by Ada'),
    'all steps',
  )
})
