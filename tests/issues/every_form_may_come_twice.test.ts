/** Every form of the pages is sent twice, as by a double click, by a reload of the answer, and by the Back button: the second leads on. Issue 9, 50 */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { Event } from '../../src/models/event.ts'
import { withPassword } from '../support/authenticator.ts'
import { callback, type FormCase, formsEnv, type ReadyForm } from '../support/every_form.ts'
import { formCases } from '../support/form_cases.ts'
import { alice, bob, browser } from '../support/flow.ts'
import { listener } from '../support/listener.ts'
import { mailsOf } from '../support/mailbox.ts'
import type { Landing, Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { secondLatchkey } from '../support/upstream.ts'

setDefaultTimeout(240_000)

const world = { gateway: listener(), up: await secondLatchkey(callback) }
afterAll(() => {
  world.gateway.stop()
  world.up.stop()
})

const replay =
  'a script sends the answer of an authenticator, once; a second one is a replay: tests/attack/passkeys.test.ts'

/** Forms that are not sent as a person at a page sends them, or whose endpoint has another case. */
const otherwise: Record<string, string> = {
  authorization: 'a client may POST an authorization request: no form of these pages',
  upstream_callback: 'another provider may POST its answer: no form of these pages',
  language: 'the choice of a language has no token, and the second choice is the same',
  passkey_sign_in: replay,
  passkey_second_factor: replay,
  passkey_enrolment: replay,
  admin_first_owner: 'the link makes one owner, once: a second sending is told that it is spent',
  account_passkeys_add: replay,
  recovery_codes_download: 'the file is made of the fields, each time the same',
  second_factor: 'its only button is that of second_factor_set_up, "continue without"',
  second_factor_email_set_up:
    'the code of account_email_codes; a code by mail is not enough for this sign-in',
}

const names = Object.entries(formCases)

async function ready({ prepare }: FormCase) {
  const op = await provider({ env: formsEnv(world) })
  const form = await prepare(op, world)
  return { op, form }
}

/** The same browser once more, with the cookies that it has now: what it keeps is lost with it, as with an answer that never came. */
function twinOf(op: Provider, who: Person): Person {
  const twin = browser(op)
  for (const [name, value] of who.cookies) twin.cookies.set(name, value)
  return twin
}

const press = ({ page, button, fields }: ReadyForm, who: Person) => who.press(page, button, fields)

const repetitions = ({ lines }: Provider): number =>
  lines.filter((line) => line.includes('form_repeated')).length

/** The path and query of the page, without what differs from sign-in to sign-in; 'away' for an application. */
function endOf({ page }: Landing): string {
  if (!page) return 'away'
  const { pathname, searchParams } = new URL(page.url)
  searchParams.delete('interaction')
  const query = searchParams.toString()
  return `${page.status} ${pathname}${query === '' ? '' : `?${query}`}`
}

const ended = ({ ends }: FormCase): string => (ends === 'away' ? ends : `200 ${ends}`)

test('there is a case for every form of the pages', async () => {
  const { op } = await ready(formCases.consent!)
  const taken = op.context.table.endpoints.filter(({ page, form }) => page && form).map(({ name }) => name)
  const covered = new Set([...names.map(([, { name }]) => name), ...Object.keys(otherwise)])
  expect(taken.filter((name) => !covered.has(name))).toEqual([])
  expect([...covered].filter((name) => !taken.includes(name))).toEqual([])
})

test.each(names)('%s: once more', async (_, each) => {
  const { op, form } = await ready(each)
  const first = await press(form, form.who)
  expect(first.page?.status ?? 303).toBeLessThan(400)
  const mails = (await mailsOf(op)).length
  const events = (await Event.listOfUser(op.context, 'user-alice')).length
  expect(endOf(await press(form, form.who))).toBe(ended(each))
  // A repetition that is led on does nothing.
  if (repetitions(op) > 0)
    expect([(await mailsOf(op)).length, (await Event.listOfUser(op.context, 'user-alice')).length]).toEqual([
      mails,
      events,
    ])
})

test.each(names)('%s: twice at once, each answer seen', async (_, each) => {
  const { op, form } = await ready(each)
  const twin = twinOf(op, form.who)
  const both = await Promise.all([press(form, form.who), press(form, twin)])
  for (const { page } of both) expect(page?.status ?? 303).toBeLessThan(400)
})

test.each(names)('%s: once more, and the first answer never came', async (_, each) => {
  const { op, form } = await ready(each)
  const twin = twinOf(op, form.who)
  await press(form, form.who)
  const { page } = await press(form, twin)
  expect(page?.status ?? 303).toBeLessThan(400)
})

test.each(names)('%s: led on in its browser and session alone, for a minute', async (_, each) => {
  const { op, form } = await ready(each)
  const { who } = form
  const before = twinOf(op, who)
  const stranger = browser(op)
  for (const account of [bob, alice])
    if (!stranger.cookies.has('latchkey_session')) await withPassword(stranger, account)
  expect(stranger.cookies.has('latchkey_session')).toBe(true)
  await press(form, who)
  await press(form, stranger)
  // The browser of the form, in which another End-User has signed in since.
  const shared = twinOf(op, before)
  for (const [name, value] of stranger.cookies) if (!name.includes('browser')) shared.cookies.set(name, value)
  await press(form, shared)
  // Another site can send every field but the token; a thief of the form has no cookie of the browser.
  await press({ ...form, fields: { ...form.fields, csrf_token: 'x' } }, twinOf(op, who))
  const none = browser(op)
  await press(form, none)
  expect(repetitions(op)).toBe(0)
  op.clock.advance(61_000)
  await press(form, twinOf(op, who))
  expect(repetitions(op)).toBe(0)
})

test('a repetition opens nothing: it sets no cookie of a session', async () => {
  for (const name of ['a new account', 'an app in the account', 'another password']) {
    const { op, form } = await ready(formCases[name]!)
    const twin = twinOf(op, form.who)
    await press(form, form.who)
    const had = twin.cookies.get('latchkey_session')
    await press(form, twin)
    expect([name, twin.cookies.get('latchkey_session')]).toEqual([name, had])
    expect(repetitions(op)).toBe(1)
  }
})

test('after another form, a refusal is a refusal again', async () => {
  const { op, form } = await ready(formCases['another password']!)
  await press(form, form.who)
  const back = { current_password: form.fields!.password!, password: alice.password, repeat: alice.password }
  await press({ ...form, fields: { ...back } }, form.who)
  expect(repetitions(op)).toBe(0)
})

test('a password that is changed twice counts as no wrong password', async () => {
  const { op, form } = await ready(formCases['another password']!)
  for (let time = 0; time < 20; time++) expect(endOf(await press(form, form.who))).toContain('?done=changed')
  expect(op.lines.filter((line) => line.includes('sign_in_failed'))).toEqual([])
  const kinds = (await Event.listOfUser(op.context, 'user-alice')).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'password_changed')).toHaveLength(1)
})
