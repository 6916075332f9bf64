/** The clock of the lab: codes, tokens and sessions expire as if one had waited; what must not follow it does not. */
import { expect, test } from 'bun:test'
import { createLabClock } from '../../../src/lib/lab_clock.ts'
import { seededRandom } from '../../../src/lib/seeded_random.ts'
import { elapsedOf } from '../../../src/lib/clock.ts'
import { loadConfig } from '../../../src/config.ts'
import { clockOffset } from '../../../src/models/clock_guard.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { featureEntries, featuresFor } from '../../../src/table.ts'
import { stateOf } from '../../../src/features/lab_clock/change.ts'
import { readMove } from '../../../src/features/lab_clock/move.ts'
import { authorize, browser, demo, outcome, read, redeem, tokensOf, userinfo } from '../../support/flow.ts'
import { type Provider, provider, type TurnableClock, turnableClock } from '../../support/provider.ts'
import type { Store } from '../../../src/store/store.ts'

/** A provider whose clock is that of the lab over one that the test turns. */
async function lab({
  env = {},
  real = turnableClock(),
  store,
}: { env?: Record<string, string>; real?: TurnableClock; store?: Store } = {}) {
  const op = await provider({ env: { LAB: 'true', ...env }, clock: real, ...(store && { store }) })
  return { op, real, clock: op.context.clock }
}
const api = '/lab/api/clock'
const set = (op: Provider, body: object, more: Record<string, string> = {}, peer?: string) =>
  op.fetch(
    api,
    { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...more } },
    peer,
  )

test('forward: a code, a token and a session expire as if one had waited', async () => {
  const { op } = await lab()
  const who = browser(op)
  const code = await authorize(op, who)
  const { access_token } = await tokensOf(op, who)
  expect((await userinfo(op, access_token)).status).toBe(200)
  expect((await set(op, { move: '+2h' })).status).toBe(200)
  expect((await redeem(op, demo, code)).body.error).toBe('invalid_grant')
  expect((await userinfo(op, access_token)).status).toBe(401)
  expect(await outcome(op, who, { prompt: 'none' })).toBe('code')
  await set(op, { move: '+60d' })
  expect(await outcome(op, who, { prompt: 'none' })).toBe('error:login_required')
})

test('stopped: nothing expires; then it runs on from there', async () => {
  const { op, real } = await lab()
  const code = await authorize(op, browser(op))
  await set(op, { stopped: true })
  real.advance(3_600_000)
  expect((await redeem(op, demo, code)).status).toBe(200)
  const body = async () => (await read(await op.fetch(api))).body
  expect(await body()).toMatchObject({ stopped: true, ahead_seconds: -3600 })
  await set(op, { stopped: false })
  real.advance(1_000)
  expect(await body()).toMatchObject({ stopped: false, ahead_seconds: -3600 })
  await set(op, { reset: true })
  expect(await body()).toMatchObject({ stopped: false, ahead_seconds: 0 })
})

test('back, and to a time', async () => {
  const { op, clock } = await lab()
  await set(op, { move: '2030-01-31T12:00:00Z' })
  expect(new Date(clock.now()).toISOString()).toBe('2030-01-31T12:00:00.000Z')
  await set(op, { move: '-1d' })
  expect(new Date(clock.now()).toISOString()).toBe('2030-01-30T12:00:00.000Z')
})

test('texts that are no move, and times that are too far', async () => {
  const { op, clock } = await lab()
  const before = clock.now()
  for (const move of [
    '',
    '60',
    '+',
    '+1y',
    'tomorrow',
    '2030-01-31',
    '2030-01-31T12:00:00',
    '+9999999999d',
    '1970-01-01T00:00:00Z',
    '+1h\n',
  ])
    expect([move, (await set(op, { move })).status]).toEqual([move, 422])
  for (const body of [
    {},
    { moved: '+1h' },
    { move: 5 },
    { move: '+1h', reset: true },
    { stopped: 'yes' },
    [],
  ])
    expect((await set(op, body)).status).toBe(400)
  expect(clock.now()).toBe(before)
  expect(readMove('+90m', 0)).toBe(5_400_000)
})

test('the page moves it by a form of its own alone', async () => {
  const { op, clock } = await lab()
  const who = browser(op)
  const { page } = await who.open('/lab/clock')
  const forms = page!.forms.map(({ fields }) => fields.csrf_token)
  const submit = (fields: Record<string, string>) =>
    op.fetch('/lab/clock', {
      method: 'POST',
      body: new URLSearchParams({ csrf_token: forms[0]!, ...fields }).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    })
  const before = clock.now()
  expect((await submit({ action: '+1h' })).status).toBe(303)
  expect(clock.now() - before).toBe(3_600_000)
  expect((await submit({ action: 'move', move: '-30m' })).status).toBe(303)
  expect(clock.now() - before).toBe(1_800_000)
  expect((await submit({ action: 'stop' })).status).toBe(303)
  expect((await who.open('/lab/clock')).page?.html).toContain('stopped, 1800 seconds ahead of the machine')
  expect((await submit({ action: 'reset' })).status).toBe(303)
  expect(clock.now()).toBe(before)
  expect((await submit({ action: 'move', move: 'soon' })).status).toBe(422)
  expect((await submit({ action: '+1h', csrf_token: 'another' })).status).toBe(403)
  const foreign = await op.fetch('/lab/clock', {
    method: 'POST',
    body: new URLSearchParams({ action: '+1h', csrf_token: forms[0]! }).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: 'https://evil.example',
      'sec-fetch-site': 'cross-site',
    },
  })
  expect(foreign.status).toBe(403)
})

test('another site, another address and another host name move nothing', async () => {
  const { op, clock } = await lab()
  const before = clock.now()
  expect((await set(op, { move: '+1h' }, { origin: 'https://evil.example' })).status).toBe(403)
  expect((await set(op, { move: '+1h' }, { 'content-type': 'text/plain' })).status).toBe(400)
  expect((await set(op, { move: '+1h' }, {}, '192.0.2.7')).status).toBe(404)
  expect((await op.fetch(`http://attacker.example${api}`, { method: 'POST' })).status).toBe(404)
  expect(clock.now()).toBe(before)
})

test('the guard of clocks compares the clock of the machine, not that of the lab', async () => {
  const real = turnableClock()
  const store = Object.assign(memoryStore(real), { time: async () => real.now() })
  const { op } = await lab({ real, store })
  await op.context.clockGuard.check()
  await set(op, { move: '+30d' })
  expect(op.context.clockGuard.problem()).toBeUndefined()
  await op.context.clockGuard.check()
  expect(op.context.clockGuard.problem()).toBeUndefined()
  expect((await op.fetch('/authorize')).status).not.toBe(503)
  // It still notices a machine whose clock is wrong.
  const wrong = { now: () => real.now() + 3_600_000 }
  expect(await clockOffset(store, wrong)).toBeGreaterThan(3_000_000)
})

test('a move is an event of the log; without a clock of the lab there is none to move', async () => {
  const { op } = await lab()
  await set(op, { move: '+1h' })
  expect(op.lines.join('\n')).toContain('lab_clock_set')
  expect(() => stateOf({ ...op.context, clock: turnableClock() })).toThrow('was started with LAB')
  expect((await (await provider()).fetch(api)).status).toBe(404)
})

const at = (move: string) => ({ headers: { 'x-lab-clock': move } })

test('X-Lab-Clock: for that request alone, and only where LAB_CLOCK_HEADER is set', async () => {
  const { op } = await lab({ env: { LAB_CLOCK_HEADER: 'true' } })
  const { access_token } = await tokensOf(op, browser(op))
  const ask = async (on: Provider, headers: Record<string, string>, peer?: string) =>
    (await on.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}`, ...headers } }, peer))
      .status
  expect(await ask(op, at('+2h').headers)).toBe(401)
  expect(await ask(op, {})).toBe(200)
  expect(await ask(op, at('2040-01-01T00:00:00Z').headers)).toBe(400) // further than ten years
  expect(await ask(op, at('soon').headers)).toBe(400)
  // From elsewhere it is as if it were not there.
  expect(await ask(op, at('+2h').headers, '192.0.2.7')).toBe(200)
  const { op: without } = await lab()
  expect(without.context.table.lab.answers.length).toBe(op.context.table.lab.answers.length - 1)
})

test('what has expired stays so for a request of another address, whatever its header', async () => {
  const { op, real } = await lab({ env: { LAB_CLOCK_HEADER: 'true' } })
  const { access_token } = await tokensOf(op, browser(op))
  real.advance(7_200_000)
  const headers = { authorization: `Bearer ${access_token}`, 'x-lab-clock': '-2h' }
  expect((await op.fetch('/userinfo', { headers }, '192.0.2.7')).status).toBe(401)
})

const config = (env: Record<string, string>) => featuresFor(loadConfig(env, { featureEntries }))
const production = {
  NODE_ENV: 'production',
  LAB: 'true',
  ISSUER_URL: 'https://id.example.com',
  STORE_URL: 'sqlite:x.db',
  SECRET_KEY: 'mJ8vQ2nX5rT0wY7zB4cD9fG1hK6lP3sA',
}

test('LAB_SEED and LAB_CLOCK_HEADER are refused in production, with LAB too, and a seed on a socket for others', () => {
  expect(() => config(production)).not.toThrow()
  expect(() => config({ ...production, LAB_SEED: 'lesson' })).toThrow('LAB_SEED')
  expect(() => config({ ...production, LAB_CLOCK_HEADER: 'true' })).toThrow('LAB_CLOCK_HEADER')
  expect(() => config({ LAB_SEED: 'lesson', LAB: 'false' })).toThrow('LAB_SEED')
  expect(() => config({ LAB_SEED: 'lesson', ISSUER_URL: 'http://id.example.com' })).toThrow('LAB_SEED')
  expect(() => config({ LAB_SEED: 'lesson', HOST: '0.0.0.0' })).toThrow('LAB_SEED')
  expect(() => config({ ...production, LAB_SHOW_SECRETS: 'true' })).toThrow('LAB_SHOW_SECRETS')
  expect(() => config({ LAB_SEED: 'lesson' })).not.toThrow()
})

test('a seed: identical runs have identical codes and tokens, and another seed has others', async () => {
  const run = async (seed: string) => {
    const op = await provider({ random: seededRandom(seed), clock: turnableClock(1_900_000_000_000) })
    const { code } = await authorize(op, browser(op), demo, { state: 's', nonce: 'n' })
    const { access_token, refresh_token } = await tokensOf(op, browser(op), demo, { state: 's', nonce: 'n' })
    return [code, access_token, refresh_token]
  }
  const first = await run('lesson 1')
  expect(await run('lesson 1')).toEqual(first)
  const other = await run('lesson 2')
  expect(other.filter((text, i) => text === first[i])).toEqual([])
})

test('seeded texts have the form of random ones', () => {
  const random = seededRandom('form')
  const texts = Array.from({ length: 2_000 }, () => random(33))
  expect(new Set(texts).size).toBe(texts.length)
  expect(texts.every((text) => /^[A-Za-z0-9_][A-Za-z0-9_-]{43}$/.test(text))).toBe(true)
})

test('a wait after too many attempts ends when the clock is moved forward', async () => {
  const { op } = await lab({ env: { SIGN_IN_ATTEMPTS_PER_ACCOUNT: '2' } })
  const who = browser(op)
  const { page } = await who.open('/login')
  const wrong = () => who.press(page!, 'login', { username: 'alice', password: 'wrong' })
  const right = async () =>
    (
      await who.press((await who.open('/login')).page!, 'login', {
        username: 'alice',
        password: 'alicepassword',
      })
    ).page?.url
  for (let tries = 0; tries < 4; tries++) await wrong()
  expect(await right()).toContain('/login')
  await set(op, { move: '+2d' })
  expect(await right()).toContain('/account')
})

test('how long something took never goes back, and stands while the clock is stopped', () => {
  const real = turnableClock()
  const clock = createLabClock(real)
  const seen: number[] = []
  const steps = [
    () => clock.lab.moveTo(clock.now() + 5_000),
    () => clock.lab.moveTo(clock.now() - 9_000),
    () => clock.lab.stop(),
    () => real.advance(60_000),
    () => clock.lab.moveTo(clock.now() + 1_000),
    () => clock.lab.run(),
    () => real.advance(100),
    () => clock.lab.reset(),
  ]
  for (const step of steps) {
    step()
    seen.push(clock.elapsed!())
  }
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  expect(seen[3]).toBe(seen[2]!)
  expect(seen[6]! - seen[5]!).toBe(100)
  expect(clock.now()).toBe(real.now())
})

test('the clock of the lab runs as the one of the machine until it is moved', () => {
  const real = turnableClock()
  const clock = createLabClock(real)
  real.advance(59_000)
  expect([clock.now(), clock.elapsed!()]).toEqual([real.now(), elapsedOf(real)])
  expect(clock.lab.state()).toEqual({ aheadMs: 0, isStopped: false })
})

test('a machine that goes on between two readings changes no difference', () => {
  const real = turnableClock()
  const clock = createLabClock({
    now() {
      real.advance(1)
      return real.now()
    },
    elapsed: () => elapsedOf(real),
  })
  expect(clock.lab.state().aheadMs).toBe(0)
  for (const ahead of [90_000, -90_000]) {
    const before = clock.elapsed!()
    clock.lab.moveTo(real.now() + 1 + ahead)
    expect(clock.lab.state().aheadMs).toBe(ahead)
    clock.lab.reset()
    expect(clock.lab.state()).toEqual({ aheadMs: 0, isStopped: false })
    expect(clock.elapsed!() - before).toBeGreaterThanOrEqual(90_000) // one of both moves was forward
  }
})

test('a member that there is not is named', async () => {
  const { op } = await lab()
  const { status, body } = await read(await set(op, { moved: '+1h' }))
  expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('moved')])
})

test('each time is written as a move is read', async () => {
  const { op } = await lab()
  const { time, machine_time } = (await read(await op.fetch(api))).body as Record<string, string>
  for (const each of [time, machine_time]) expect(each).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  const { status, body } = await read(await set(op, { move: time! }))
  expect(status).toBe(200)
  expect(Math.abs(Number(body.ahead_seconds))).toBeLessThanOrEqual(1)
  expect(await (await op.fetch('/lab/clock')).text()).not.toMatch(/\d\.\d{3}Z/)
})
