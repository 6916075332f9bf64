/** Markup typed into every field of every form, and put into every parameter of every page: text wherever it comes out, in pages and in mails. OWASP ASVS 5.0 V1.2.1 */
import { beforeAll, expect, test } from 'bun:test'
import { RecoveryCodes } from '../../src/features/second_factor/recovery.ts'
import { channels } from '../../src/features/second_factor/channels.ts'
import { answerRequests } from '../../src/features/recovery/job.ts'
import { Invitation } from '../../src/models/invitation.ts'
import { User } from '../../src/models/user.ts'
import { setUpApp, withPassword } from '../support/authenticator.ts'
import { authorizationUrl, demo } from '../support/client.ts'
import { alice, bob, browser } from '../support/flow.ts'
import { linkMailed, mailsOf } from '../support/mailbox.ts'
import type { Page, Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { upstreamEnv } from '../support/upstream.ts'

/** Ends whatever it may stand in, and begins an element that no page of ours has. */
const markup =
  '</title></style></textarea>"\'><x-probe onfocus=alert(1)>`{{name}}{{t login.title}} onfocus=alert(1) '
const probes = [markup, `"<x-probe>"@example.com`, 'javascript:alert(1)//<x-probe>']

/** What a browser would make of it beside text. */
function harmIn(html: string): string[] {
  const found: string[] = []
  new HTMLRewriter()
    .on('*', {
      element({ tagName, attributes }) {
        if (tagName === 'x-probe') found.push(tagName)
        for (const [name, value] of attributes)
          if (name.startsWith('on') || (name !== 'value' && /^\s*javascript:/i.test(value)))
            found.push(`${tagName} ${name}`)
      },
    })
    .on('script:not([src])', { element: () => void found.push('script') })
    .transform(html)
  return found
}

let op: Provider
/** Bob has every second factor, and is asked for one. */
let half: Person
let halfway: string
let hers: Person
beforeAll(async () => {
  op = await provider({
    env: {
      LOG_LEVEL: 'silent',
      RATE_LIMITING_ENABLED: 'false',
      ACCOUNT_REGISTRATION: 'open',
      SIGN_IN_ATTEMPTS_PER_ACCOUNT: '100000',
      SIGN_IN_ATTEMPTS_PER_ADDRESS: '100000',
      SECOND_FACTOR_ATTEMPTS: '1000',
      SECOND_FACTORS: 'totp passkey sms email recovery',
      SMS_GATEWAY_URL: 'https://sms.invalid/',
      ...upstreamEnv([{ id: 'corp', provider: 'oidc', base_url: 'https://corp.example' }], []),
      OUTBOUND_ALLOW_HOSTS: 'localhost:1',
    },
  })
  hers = browser(op)
  await withPassword(hers)
  const his = browser(op)
  await withPassword(his, bob)
  await setUpApp(op, his)
  await RecoveryCodes.make(op.context, 'user-bob')
  const made = { sub: 'user-bob', created_at: 0 }
  await channels.sms.records.put(op.context, 'user-bob', { ...made, to: '+491701234567' })
  await channels.email.records.put(op.context, 'user-bob', { ...made, to: 'bob@example.com' })
  half = browser(op)
  halfway = new URL((await withPassword(half, bob)).page!.url).search
})

/** The same browser once more, so that nothing of a try is left in the next. */
function again(who: Person): Person {
  const twin = browser(op)
  for (const [name, value] of who.cookies) twin.cookies.set(name, value)
  return twin
}

interface Seen {
  who: Person
  page: Page
}
const opened = (who: () => Person, path: string | (() => string)) => async (): Promise<Seen> => {
  const person = who()
  return { who: person, page: (await person.open(typeof path === 'string' ? path : path())).page! }
}
const nobody = () => browser(op)
const she = () => again(hers)
const inBetween = (path: string) => [
  path,
  opened(
    () => again(half),
    () => `${path}${halfway}`,
  ),
]

async function invited(): Promise<Seen> {
  const about = { email: 'carol@example.com', invited: true }
  const { token } = await Invitation.issue(op.context, op.context.random, about, 600)
  return opened(nobody, `/create_account?token=${token}`)()
}
async function forgotten(): Promise<Seen> {
  op.clock.advance(3_600_000) // so many mails an hour to one person
  const who = browser(op)
  await who.press((await who.open('/forgot_password')).page!, 'send', { username: 'alice' })
  await answerRequests(op.context)
  return opened(() => who, await linkMailed(op, 'alice@example.com', '/reset_password'))()
}
async function signingOut(): Promise<Seen> {
  const who = browser(op)
  await withPassword(who)
  return opened(() => who, '/logout')()
}
async function asked(prompt: string): Promise<Seen> {
  return opened(she, authorizationUrl(op.issuer, demo, { prompt }).url)()
}

/** Every page with a form, by its path; fields that are new on it come with the next visit. */
const pages = (): [string, () => Promise<Seen>][] => [
  ...['/login', '/register_account', '/forgot_password', '/applications'].map(
    (path) => [path, opened(nobody, path)] as [string, () => Promise<Seen>],
  ),
  ['/create_account', invited],
  ['/logout', signingOut],
  ['/select_account', () => asked('select_account')],
  ['/consent', () => asked('consent')],
  ...[
    '/device',
    '/account/email',
    '/account/data/delete',
    '/account/passkeys/add',
    '/account/factors/totp',
    '/account/factors/sms',
    '/account/factors/email',
    ...op.context.table.accountSections.map(({ path }) => path),
  ].map((path) => [path, opened(she, path)] as [string, () => Promise<Seen>]),
  ...([
    '/second-factor',
    '/second-factor/totp',
    '/second-factor/recovery',
    '/second-factor/sms',
    '/second-factor/email',
  ].map(inBetween) as [string, () => Promise<Seen>][]),
  ['/reset_password', forgotten],
]

const visible = (html: string) => html.includes('&lt;x-probe')

test('every field of every form', async () => {
  const tried = new Set<string>()
  const kept = new Set<string>()
  const harm: string[] = []
  for (const [path, visit] of pages()) {
    const first = await visit()
    for (const [at, form] of first.page.forms.entries()) {
      const names = Object.keys(form.fields)
      const button = form.buttons[0] ?? 'none'
      for (const probe of probes)
        for (const attacked of [...names, names.filter((name) => name !== 'csrf_token')]) {
          const { who, page } = path === '/reset_password' ? first : await visit()
          const forms = page.forms.filter((_, i) => i === at)
          if (forms[0]?.buttons[0] !== button) continue // it was there once, as what offers a code
          const fields = Object.fromEntries([attacked].flat().map((name) => [name, probe]))
          const { page: after } = await who.press({ ...page, forms }, button, fields)
          if (!after?.headers.get('content-type')?.startsWith('text/html')) continue // away, or a file
          const name = `${path} ${button} ${[attacked].flat().join('+')}`
          tried.add(name)
          if (after.status >= 500 || harmIn(after.html).length > 0)
            harm.push(`${name}: ${after.status} ${harmIn(after.html).join()}`)
          if (visible(after.html)) kept.add(name)
        }
    }
  }
  expect(harm).toEqual([])
  // It has reached the fields that people type into, and what they typed was there to be harmful.
  for (const name of [
    '/login login username',
    '/register_account register email',
    '/create_account create username',
    '/account/email change email',
    '/account/data/delete delete confirmation',
    '/account/profile save name',
    '/account/factors/sms send phone',
    '/device continue user_code',
  ])
    expect([name, kept.has(name)]).toEqual([name, true])
  for (const name of [
    '/forgot_password send username',
    '/reset_password reset password',
    '/account/password change current_password',
    '/second-factor/totp verify code',
    '/second-factor/recovery verify code',
  ])
    expect([name, tried.has(name)]).toEqual([name, true])
}, 60_000)

test('every parameter of every page', async () => {
  const names = [
    ...['interaction', 'token', 'done', 'error', 'error_description', 'state', 'code', 'user_code', 'id'],
    ...['client_id', 'redirect_uri', 'scope', 'response_type', 'iss', 'passkey', 'ui_locales', 'login_hint'],
    ...['post_logout_redirect_uri', 'id_token_hint', 'target_link_uri', 'language', 'posted', 'provider'],
  ]
  const harm: string[] = []
  let looked = 0
  for (const { path, page, get } of op.context.table.endpoints) {
    if (page !== true || !get) continue
    for (const who of [nobody(), she()])
      for (const probe of probes) {
        const where = `${path.replace('*', encodeURIComponent(probe))}?`
        for (const given of [names, ...names.map((name) => [name])]) {
          const query = new URLSearchParams(given.map((name) => [name, probe]))
          if (given.length === 1 && who.cookies.size === 0) continue // one by one as somebody, all at once as nobody too
          const response = await op.fetch(`${where}${query.toString()}`, {
            headers: { cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
          })
          looked++
          const html = await response.text()
          if (!response.headers.get('content-type')?.startsWith('text/html')) continue
          if (response.status >= 500 || harmIn(html).length > 0)
            harm.push(`${path} ${given.join('+').slice(0, 40)}: ${response.status} ${harmIn(html).join()}`)
        }
      }
  }
  expect(harm).toEqual([])
  expect(looked).toBeGreaterThan(1_000)
}, 60_000)

test('what was kept of it is text on every page of the account and in every mail', async () => {
  const who = browser(op)
  await User.update(op.context, 'user-alice', (user) => ({
    ...user,
    claims: { ...user.claims, name: markup, nickname: markup, address: { locality: markup } },
  }))
  await withPassword(who, { ...alice })
  for (const { path } of [{ path: '/account' }, ...op.context.table.accountSections]) {
    const { page } = await who.open(path)
    expect([path, harmIn(page!.html)]).toEqual([path, []])
  }
  const mails = await mailsOf(op)
  expect(mails.length).toBeGreaterThan(3)
  for (const { html, subject } of mails) expect([subject, harmIn(html)]).toEqual([subject, []])
})

test('the check sees what it is for', () => {
  for (const bad of [
    `<p>${markup}</p>`,
    `<input value="${markup}">`,
    `<title>${markup}</title>`,
    '<a href=" javascript:alert(1)">x</a>',
    '<script>1</script>',
  ])
    expect(harmIn(bad)).not.toEqual([])
})
