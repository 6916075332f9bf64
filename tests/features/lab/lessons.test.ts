/** The lessons of the lab: each step is recognised in a real flow, and in nothing else. docs/classrooms.md */
import { expect, test } from 'bun:test'
import { findLesson, lessons } from '../../../src/flow/lessons/lessons.ts'
import { Worksheet, worksheetId } from '../../../src/models/worksheet.ts'
import { authorizationUrl } from '../../support/client.ts'
import { authorize, browser, demo, post, redeem } from '../../support/flow.ts'
import type { Person } from '../../support/person.ts'
import { type Provider, provider } from '../../support/provider.ts'
import { acts } from '../../support/student.ts'
import { until } from '../../support/until.ts'

const lab = (env: Record<string, string> = {}): Promise<Provider> =>
  provider({ env: { LAB: 'true', ...env } })

const recordOf = (op: Provider) => Worksheet.find(op.context, worksheetId)
const progressOf = async (op: Provider, lesson: string) => (await recordOf(op))!.lessons[lesson]!
const doneOf = async (op: Provider, lesson: string) => Object.keys((await progressOf(op, lesson)).done)

const sheet = (op: Provider, lesson: string): string => `${op.issuer}/lab/worksheet?lesson=${lesson}`

async function begin(op: Provider, lesson: string): Promise<Person> {
  const who = browser(op)
  await who.press((await who.open(sheet(op, lesson))).page!, 'begin')
  return who
}

const doIt = (op: Provider, lesson: string) => acts[lesson]!(op, (ms) => op.clock.advance(ms))

for (const { id, steps } of lessons)
  test(`${id}: each step is seen, and each question has its answer in the flow`, async () => {
    const op = await lab()
    await begin(op, id)
    await doIt(op, id)
    await until(async () => (await doneOf(op, id)).length === steps.length, `all steps of ${id}`)
    expect(await doneOf(op, id)).toEqual(steps.map((step) => step.id))
    const { done } = await progressOf(op, id)
    expect(steps.filter((step) => step.question && !done[step.id]!.answer)).toEqual([])
    expect((await recordOf(op))!.trouble).toBeUndefined()
  })

/** All requests that came until now were looked at: a lesson that begins now has none of them. */
async function settled(op: Provider, mark: string): Promise<void> {
  await op.fetch(authorizationUrl(op.issuer, demo, { redirect_uri: `http://localhost:8080/${mark}` }).url)
  await until(async () => (await recordOf(op))?.trouble !== undefined, 'the last refusal')
}

test('requests of an attacker who pretends to have tokens are no step', async () => {
  const op = await lab()
  for (const { id } of lessons) await begin(op, id)
  const forged = (typ: string) =>
    [
      { alg: 'ES256', typ },
      { sub: 'user-alice', aud: 'client123', acr: 'urn:latchkey:2fa', cnf: { jkt: 'x' } },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .concat('c2lnbmF0dXJl')
      .join('.')
  for (const typ of ['JWT', 'at+jwt']) {
    await post(op, '/token', demo, {
      grant_type: 'authorization_code',
      code: forged(typ),
      id_token: forged(typ),
    })
    await post(op, '/introspect', demo, { token: forged(typ), active: 'true' })
    await post(op, '/par', demo, { request: forged(typ) })
  }
  await settled(op, 'end')
  const { lessons: all } = (await recordOf(op))!
  // That a redirect URI was refused is true.
  expect(
    Object.entries(all).flatMap(([id, { done }]) => Object.keys(done).map((step) => `${id} ${step}`)),
  ).toEqual(['redirects unregistered'])
})

test('a form cannot say that a step is done, and a record of progress is no parameter', async () => {
  const op = await lab()
  const who = await begin(op, 'code-flow')
  const { page } = await who.open(sheet(op, 'code-flow'))
  expect(page!.forms.flatMap(({ buttons }) => buttons)).toEqual([]) // nothing is asked before a step is done
  const csrf = (await who.open(sheet(op, 'pkce'))).page!.forms[0]!.fields.csrf_token!
  for (const step of ['request', 'tokens', '__proto__', 'constructor', 'none'])
    await op.fetch('/lab/worksheet', {
      method: 'POST',
      headers: {
        cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({
        csrf_token: csrf,
        lesson: 'code-flow',
        step,
        answer: 'x',
        done: 'true',
        check: 'check',
      }),
    })
  const progress = await progressOf(op, 'code-flow')
  expect(progress.done).toEqual({})
  expect(progress.answers).toEqual({})
})

test('an answer is compared with the flow of the student: a wrong one is counted, a right one stays', async () => {
  const op = await lab()
  const who = await begin(op, 'code-flow')
  const { params } = await authorize(op, browser(op))
  await until(async () => (await doneOf(op, 'code-flow')).length === 3, 'the code')
  const open = async () => (await who.open(sheet(op, 'code-flow'))).page!
  const asked = await open()
  const [form] = asked.forms.filter((each) => each.fields.step === 'request')
  const only = { ...asked, forms: [form!] }
  const wrong = await who.press(only, 'check', { answer: 'another' })
  expect(wrong.page!.html).toContain('not the value of your own flow')
  expect((await progressOf(op, 'code-flow')).answers.request).toEqual({ tries: 1 })
  const right = await who.press(only, 'check', { answer: ` "${params.nonce!}" ` })
  expect(right.page!.html).toContain(`Right: <bdi>${params.nonce}`)
  await who.press(only, 'check', { answer: 'another' })
  expect((await progressOf(op, 'code-flow')).answers.request).toMatchObject({
    tries: 2,
    right_at: expect.any(Number),
  })
})

test('a refusal that no step asks for is trouble until the student gets on', async () => {
  const op = await lab()
  const who = await begin(op, 'code-flow')
  const authorized = await authorize(op, browser(op))
  for (const _ of [1, 2])
    await redeem(op, demo, authorized, { redirect_uri: 'http://localhost:3000/callback' })
  await until(async () => (await recordOf(op))!.trouble?.times === 2, 'two refusals')
  expect((await recordOf(op))!.trouble).toMatchObject({ code: 'invalid_grant', endpoint: 'token' })
  const { html } = (await who.open(sheet(op, 'code-flow'))).page!
  expect(html).toContain('The last request was refused: invalid_grant')
  const [, explained] = /href="(\/lab\/error\?id=[^"]+)"/.exec(html)!
  expect((await op.fetch(explained!)).status).toBe(200)
  await redeem(op, demo, authorized)
  await until(async () => (await doneOf(op, 'code-flow')).includes('tokens'), 'the tokens')
  expect((await recordOf(op))!.trouble).toBeUndefined()
})

test('times are those of the machine, wherever the student moves the clock of the lab', async () => {
  const op = await lab()
  await begin(op, 'code-flow')
  op.context.clock.lab!.moveTo(op.clock.now() + 300 * 86_400_000)
  const before = op.context.clock.lab!.real.now()
  await authorize(op, browser(op))
  await until(async () => (await doneOf(op, 'code-flow')).length === 3, 'the code')
  expect((await progressOf(op, 'code-flow')).done.code!.at).toBe(before)
})

test('without a lesson that was begun nothing is kept, and a flood of requests is bounded', async () => {
  const op = await lab()
  await doIt(op, 'code-flow')
  expect(await recordOf(op)).toBeUndefined()
  await begin(op, 'code-flow')
  const url = authorizationUrl(op.issuer, demo, { redirect_uri: 'http://localhost:8080/x' }).url
  await Promise.all(Array.from({ length: 600 }, () => op.fetch(url)))
  await until(async () => ((await recordOf(op))?.trouble?.times ?? 0) > 0, 'a refusal')
  expect(JSON.stringify(await recordOf(op)).length).toBeLessThan(2_000)
})

test('a worksheet is no page for another address, and none for a lesson that does not exist', async () => {
  const op = await lab()
  expect((await op.fetch('/lab/worksheet', {}, '203.0.113.5')).status).toBe(404)
  expect((await op.fetch('/lab/worksheet?lesson=nothing')).status).toBe(404)
  expect(findLesson('constructor')).toBeUndefined()
  const off = await provider()
  expect((await off.fetch('/lab/worksheet')).status).toBe(404)
})

test('texts of a student are shown as text', async () => {
  const op = await lab()
  const who = await begin(op, 'redirects')
  const state = '<script>alert(1)</script>\u202egnp'
  await who.open(authorizationUrl(op.issuer, demo, { prompt: 'none', state }).url)
  await who.goThrough(authorizationUrl(op.issuer, demo, { state }).url)
  await until(async () => (await doneOf(op, 'redirects')).includes('sign-in'), 'the code')
  const page = (await who.open(sheet(op, 'redirects'))).page!
  const form = page.forms.find((each) => each.fields.step === 'sign-in')!
  const { html } = (await who.press({ ...page, forms: [form] }, 'check', { answer: state })).page!
  expect(html).toContain('&lt;script&gt;')
  expect(html).not.toContain('<script>alert')
  expect(html).not.toContain('\u202e')
})
