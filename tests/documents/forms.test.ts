/** docs/forms.md: the forms as the pages have them, and each answer as the provider gives it. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { RecoveryCodes } from '../../src/features/second_factor/recovery.ts'
import { document } from '../support/document.ts'
import { alice, browser, open } from '../support/flow.ts'
import { callback, formsEnv, inSignIn, type ReadyForm } from '../support/every_form.ts'
import { formCases } from '../support/form_cases.ts'
import { pageOf } from '../support/authenticator.ts'
import { listener } from '../support/listener.ts'
import { type Provider, provider } from '../support/provider.ts'
import { secondLatchkey } from '../support/upstream.ts'

setDefaultTimeout(120_000)

const world = { gateway: listener(), up: await secondLatchkey(callback) }
afterAll(() => {
  world.gateway.stop()
  world.up.stop()
})

const ready = async (name: string, env: Record<string, string> = {}) => {
  const op = await provider({ env: { ...formsEnv(world), ...env } })
  return { op, form: await formCases[name]!.prepare(op, world) }
}

/** The rows of the table below a heading, cell by cell. */
const rowsBelow = (heading: string): string[][] =>
  document('docs/forms.md')
    .split(`\n## ${heading}\n`)[1]!
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )

const named = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!).sort()

/** Each row of the first table, and the case of that form. */
const caseOf: Record<string, string> = {
  'Sign-in': 'sign-in',
  'Choice of the account': 'choice of the account',
  Consent: 'consent',
  'Second step: authenticator app': 'a code of an app',
  'Second step: code by text message': 'a code by sms',
  'Second step: code by email': 'a code by email',
  'Second step: recovery code': 'a recovery code',
  'Set-up in a sign-in: continue without': 'no factor now',
  'Set-up in a sign-in: app': 'an app in a sign-in',
  'Set-up in the account: app': 'an app in the account',
  'Removal of the app': 'no app any more',
  'New recovery codes': 'new recovery codes',
  'Code of a device': 'code of a device',
  'Connection of a device': 'a device',
  'Signing out': 'signing out',
}

/** The form of a page as HTML has it, hidden fields apart. */
function formOn(html: string, button: string) {
  interface Found {
    method: string
    action: string
    fields: string[]
    hidden: string[]
    buttons: string[]
  }
  const forms: Found[] = []
  new HTMLRewriter()
    .on('form', {
      element: (form) =>
        void forms.push({
          method: form.getAttribute('method')!,
          action: form.getAttribute('action')!,
          fields: [],
          hidden: [],
          buttons: [],
        }),
    })
    .on('form input', {
      element(input) {
        const kind = input.getAttribute('type') === 'hidden' ? 'hidden' : 'fields'
        forms.at(-1)![kind].push(input.getAttribute('name')!)
      },
    })
    .on('form button', {
      element: (each) => void forms.at(-1)!.buttons.push(each.getAttribute('name') ?? ''),
    })
    .transform(html)
  return forms.find(({ buttons }) => buttons.includes(button))!
}

test('the table of forms has a row for each case', () => {
  expect(rowsBelow('The forms').map(([name]) => name!)).toEqual(Object.keys(caseOf))
})

test.each(rowsBelow('The forms'))('%s: fields and buttons', async (name, page, fields, hidden, buttons) => {
  const { form } = await ready(caseOf[name!]!)
  const found = formOn(form.page.html, form.button)
  const path = named(page!)[0]!
  expect(new URL(form.page.url).pathname).toBe(path)
  expect(found.method).toBe('post')
  expect(found.action).toBe(path)
  expect([found.fields.sort(), found.hidden.sort(), found.buttons.sort()]).toEqual([
    named(fields!),
    named(hidden!),
    named(buttons!),
  ])
})

/** Sends the form as a script does: no Origin, redirects not followed. */
function send(
  op: Provider,
  { who, page, button, fields = {} }: ReadyForm,
  headers: Record<string, string> = {},
): Promise<Response> {
  const form = page.forms.find((each) => each.buttons.includes(button))!
  const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return op.fetch(form.action, {
    method: 'POST',
    body: new URLSearchParams({ ...form.fields, ...fields, [button]: button }),
    headers: { cookie, ...headers },
  })
}

const sent =
  (name: string, change: Partial<ReadyForm> = {}, env: Record<string, string> = {}) =>
  async (): Promise<Response> => {
    const { op, form } = await ready(name, env)
    return send(op, { ...form, ...change })
  }

/** Each row of the second table, done. */
const answers: Record<string, () => Promise<Response>> = {
  'Sign-in: the password is right': sent('sign-in'),
  'Sign-in: the name or the password is wrong': sent('sign-in', { fields: { ...alice, password: 'wrong' } }),
  'Sign-in: too many attempts': async () => {
    const { op, form } = await ready('sign-in', { RATE_LIMITING_ENABLED: 'true' })
    let answer: Response
    let left = 100
    do answer = await send(op, { ...form, fields: { ...alice, password: `wrong ${left}` } })
    while (answer.status === 401 && left-- > 0)
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    return answer
  },
  'Choice of the account: continue': sent('choice of the account'),
  'Choice of the account: other': sent('choice of the account', { button: 'other' }),
  'Consent: allow': sent('consent'),
  'Consent: deny': sent('no consent'),
  'Second step: the code is right': sent('a code of an app'),
  'Second step: the code is wrong, or was used before': async () => {
    const { op, form } = await ready('a code of an app')
    expect((await send(op, { ...form, fields: { code: '000000' } })).status).toBe(401)
    expect((await send(op, form)).status).toBe(303)
    const again = await inSignIn(op, '/second-factor/totp')
    return send(op, { ...again, button: 'verify', fields: form.fields! })
  },
  'Set-up of the app: the code proves the key': async () => {
    const { op, form } = await ready('an app in the account')
    const first = await send(op, form)
    expect(await first.clone().text()).toContain('class="recovery_codes"')
    const other = await ready('an app in the account')
    await RecoveryCodes.make(other.op.context, 'user-alice')
    expect((await send(other.op, other.form)).status).toBe(303)
    return first
  },
  'Set-up of the app: the code does not prove the key': sent('an app in the account', {
    fields: { code: '000000' },
  }),
  'Removal of the app': sent('no app any more'),
  'Device: the code is known': sent('code of a device'),
  'Device: the code is unknown': sent('code of a device', { fields: { user_code: 'BCDF-GHJK' } }),
  'Device: allow': sent('a device'),
  'Device: the code was answered before': async () => {
    const { op, form } = await ready('a device')
    const twin = { ...form, button: 'deny' }
    const [first, second] = await Promise.all([send(op, form), send(op, twin)])
    return first.status === 200 ? second : first
  },
  'Signing out': sent('signing out'),
  'Any form: sent again': async () => {
    const { op, form } = await ready('consent')
    const first = await send(op, form)
    const second = await send(op, form)
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    return second
  },
  'Any form: no cookie, or a `csrf_token` of another page': async () => {
    const { op, form } = await ready('consent')
    const other = await open(op, browser(op))
    const [strange] = pageOf(other).forms
    const { csrf_token = '' } = strange!.fields
    expect((await send(op, { ...form, who: browser(op) })).status).toBe(403)
    return send(op, { ...form, fields: { csrf_token } })
  },
  'Any form: `Origin` of another site': async () => {
    const { op, form } = await ready('consent')
    return send(op, form, { origin: 'https://evil.example' })
  },
  'Any page of a sign-in: `interaction` is unknown or ended': async () => {
    const { op, form } = await ready('sign-in')
    op.clock.advance(3_601_000)
    const url = new URL(form.page.url)
    const cookie = [...form.who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return op.fetch(url.pathname + url.search, { headers: { cookie } })
  },
  'Any page of an account: no session': async () =>
    (await provider({ env: formsEnv(world) })).fetch('/account/factors'),
}

test('the table of answers has a row for each case', () => {
  expect(rowsBelow('The answers').map(([name]) => name!)).toEqual(Object.keys(answers))
})

test.each(rowsBelow('The answers'))('%s: %s', async (name, status, follows) => {
  const answer = await answers[name!]!()
  const location = answer.headers.get('location')
  expect([answer.status, location === null], follows).toEqual([Number(status), status !== '303'])
  const [to] = /^`\/[^`]*`/.exec(follows!) ?? []
  if (location !== null && to) expect(location).toStartWith(to.slice(1, -1))
  if (follows!.startsWith('The client'))
    expect(location).toMatch(/^http:\/\/localhost:8080\/callback\?.*error=access_denied/)
  if (answer.status === 200 || answer.status >= 400)
    expect(answer.headers.get('content-type')).toStartWith('text/html')
})
