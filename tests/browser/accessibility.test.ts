/** Nothing that axe-core finds, on any page, in both colour schemes, on a phone and on a desk; and every page by keyboard alone. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { deliverDue } from '../../src/people/mail_delivery.ts'
import { answerRequests } from '../../src/features/recovery/job.ts'
import { Passkey } from '../../src/features/passkeys/records.ts'
import { RecoveryCodes } from '../../src/features/second_factor/recovery.ts'
import { channels } from '../../src/features/second_factor/channels.ts'
import { Consent } from '../../src/models/consent.ts'
import { Invitation } from '../../src/models/invitation.ts'
import { User } from '../../src/models/user.ts'
import { buildTable } from '../../src/table.ts'
import { freshCode, setUpApp, withPassword } from '../support/authenticator.ts'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { formPost, type TestClient } from '../support/client.ts'
import { freePort } from '../support/free_port.ts'
import { operatorClient } from '../support/flow.ts'
import { linkMailed } from '../support/mailbox.ts'
import { alice, bob, person } from '../support/person.ts'
import { type Second, secondLatchkey, upstreamEnv } from '../support/upstream.ts'
import { accessibilityProblems } from './accessibility.ts'
import { ask, registerClient, type RelyingParty, relyingParty } from './relying_party.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(120_000)

let op: ServedProvider
let browser: Browser
let corp: Second
/** Of Bob's authenticator app. */
let seed: string
let party: RelyingParty
let own: TestClient
let stranger: TestClient

/** Texts go nowhere; people may come from another Latchkey. */
async function serve(): Promise<ServedProvider> {
  const port = freePort()
  corp = await secondLatchkey(`http://localhost:${port}/upstream/callback/corp`)
  const member = { id: 'corp', provider: 'oidc', label: 'Corp', base_url: corp.issuer, ...corp.client }
  return serveProvider(
    {
      SECOND_FACTORS: 'totp passkey sms email recovery',
      SMS_GATEWAY_URL: 'https://sms.invalid/',
      ...upstreamEnv([member], [corp]),
    },
    port,
  )
}

beforeAll(async () => {
  party = relyingParty()
  ;[op, browser] = await Promise.all([serve(), launchChromium()])
  stranger = await registerClient(op.issuer, {
    client_name: 'Fotobuch'.repeat(25),
    client_uri: 'https://photos.example/',
    policy_uri: 'https://photos.example/privacy',
    tos_uri: 'https://photos.example/terms',
    redirect_uris: [party.callback],
    initiate_login_uri: 'https://photos.example/login',
  })
  own = await operatorClient(op, {
    client_id: 'own',
    client_name: 'Corner bank',
    redirect_uris: [party.callback],
    initiate_login_uri: 'https://bank.example/login',
    backchannel_token_delivery_mode: 'poll',
    grant_types: [
      'authorization_code',
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:openid:params:grant-type:ciba',
    ],
  })
})
afterAll(async () => {
  await browser.close()
  party.stop()
  await op.stop()
  corp.stop()
})

const at = (path: string) => `${op.issuer}${path}`
const post = async (path: string, fields: Record<string, string>) =>
  (await (await fetch(at(path), formPost(own, fields))).json()) as Record<string, string>

/** A device with somebody's finger on its reader, so that pages with passkeys offer them. */
async function addFingerprintReader(page: Page): Promise<void> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
}

/** Signs in with a password, and says "Not now" to what is offered after it. */
async function signedIn(page: Page, path: string, who = alice): Promise<void> {
  await page.goto(at(path))
  if (await page.isVisible('button[name=login]')) {
    await fillLogin(page, who)
    await page.waitForURL((url) => url.pathname !== '/login')
  }
  if (new URL(page.url()).pathname === '/passkeys/enrol') await page.click('button[name=later]')
  await page.waitForURL((url) => url.pathname === path.split('?')[0])
}

/** Another page of the same sign-in. */
async function insteadAt(page: Page, path: string): Promise<void> {
  const { searchParams } = new URL(page.url())
  await page.goto(at(`${path}?interaction=${searchParams.get('interaction')}`))
}

const open = (path: string) => (page: Page) => page.goto(at(path))
const press = (button: string) => (page: Page) => page.click(`main button[name=${button}]`)

const consented = (page: Page) =>
  Consent.extend(op.context, 'user-alice', own.client_id, { scope: ['openid'], claims: [] }, 600).then(
    () => page,
  )

/** The endpoint whose page it is ('' for none), what is to be seen there, and how one comes to it from the one before. */
type Row = readonly [endpoint: string, name: string, visit: (page: Page) => Promise<unknown>]

const chapters: Readonly<Record<string, readonly Row[]>> = {
  'on the way to an application': [
    ['start', 'the start page', open('/')],
    ['admin_first_owner', 'a link that makes no owner', open('/admin/first_owner')],
    ['', 'nothing there', open(`/${'nowhere'.repeat(20)}`)],
    [
      'authorization',
      'an error',
      (page) => page.goto(ask(op.issuer, { ...stranger, redirect_uri: 'https://evil.example/' })),
    ],
    [
      'login',
      'sign-in',
      (page) => addFingerprintReader(page).then(() => page.goto(ask(op.issuer, stranger))),
    ],
    ['login', 'a mistake', (page) => fillLogin(page, { username: 'alice', password: 'x' })],
    ['passkey_enrolment', 'the offer of a passkey', (page) => fillLogin(page)],
    ['consent', 'consent to a stranger', press('later')],
    [
      'select_account',
      'which account',
      (page) => page.goto(ask(op.issuer, own, { prompt: 'select_account' })),
    ],
    ['consent', 'consent', press('continue')],
    [
      'initiate_login',
      'a stranger to go on to',
      (page) => page.goto(at(`/initiate_login?client_id=${stranger.client_id}`)),
    ],
    [
      'resume',
      'the answer as a form',
      async (page) => {
        await page.route('**/assets/form_post*', (route) => route.abort())
        await page.goto(ask(op.issuer, stranger, { response_mode: 'form_post' }))
        await page.click('button[name=allow]')
      },
    ],
    ['end_session', 'sign out?', (page) => page.goto(at(`/logout?client_id=${own.client_id}`))],
    ['end_session', 'signed out', press('logout')],
    ['account_deleted', 'an account that is gone', open('/account/deleted')],
    [
      'keep_account',
      'an account that is going',
      async (page) => {
        const leaving_at = Math.floor(op.clock.now() / 1000) + 86_400
        await User.update(op.context, 'user-bob', (user) => ({ ...user, leaving_at }))
        await page.goto(at('/login'))
        await fillLogin(page, bob)
      },
    ],
    ['', 'it stays', press('keep')],
  ],
  'a new account': [
    ['register_account', 'an address', open('/register_account')],
    [
      'register_account',
      'a wrong one',
      async (page) => {
        await page.evaluate(() => document.querySelector('main form')?.setAttribute('novalidate', ''))
        await page.fill('input[name=email]', 'carol')
        await page.press('input[name=email]', 'Enter')
      },
    ],
    [
      'create_account',
      'a name and a password',
      async (page) => {
        const about = { email: 'carol@example.com', invited: true }
        const { token } = await Invitation.issue(op.context, op.context.random, about, 600)
        await page.goto(at(`/create_account?token=${token}`))
      },
    ],
    ['create_account', 'a link that is no good', open('/create_account?token=x')],
  ],
  'an account elsewhere': [
    [
      'upstream_callback',
      'somebody changed their mind',
      open('/upstream/callback/corp?error=access_denied&state=x'),
    ],
    [
      'upstream_connect',
      'whether it is theirs',
      async (page) => {
        await page.goto(at('/login'))
        await page.click('button[name=upstream_corp]')
        await fillLogin(page)
        await page.click('button[name=allow]')
        await page.waitForURL(`${op.issuer}/**`)
        if (!(await page.isVisible('button[name=login]'))) await page.click('main a.button')
        await fillLogin(page)
        await page.waitForURL('**/upstream/connect*')
      },
    ],
  ],
  'devices and approvals': [
    ['device_verification', 'a code', (page) => signedIn(page, '/device')],
    [
      'device_verification',
      'a wrong code',
      async (page) => {
        await page.fill('input[name=user_code]', 'BBBB-BBBB')
        await page.click('button[name=continue]')
      },
    ],
    [
      'device_verification',
      'a device',
      async (page) => {
        const { user_code = '' } = await post('/device_authorization', { scope: 'openid profile' })
        await page.fill('input[name=user_code]', user_code)
        await page.click('button[name=continue]')
      },
    ],
    ['device_verification', 'a device connected', press('allow')],
    ['approvals', 'nothing waits', open('/approvals')],
    [
      'approvals',
      'something waits',
      async (page) => {
        await post('/bc-authorize', {
          scope: 'openid profile',
          login_hint: 'alice',
          binding_message: 'W4SCT',
        })
        await page.goto(at('/approvals'))
      },
    ],
    ['approvals', 'approved', press('allow')],
    ['applications', 'where to go', (page) => consented(page).then(open('/applications'))],
  ],
  'the account': [
    ['account', 'overview', (page) => addFingerprintReader(page).then(() => signedIn(page, '/account'))],
    ['account_activity', 'activity', open('/account/activity')],
    ['account_applications', 'applications', (page) => consented(page).then(open('/account/applications'))],
    ['account_sessions', 'sessions', open('/account/sessions')],
    ['account_sessions_policy', 'how many sessions', open('/account/sessions/policy')],
    ['account_password', 'the password', open('/account/password')],
    ['account_profile', 'the profile', open('/account/profile')],
    ['account_connections', 'connections', open('/account/connections')],
    ['account_data', 'everything that is kept', open('/account/data')],
    ['account_delete', 'the end of the account', open('/account/data/delete')],
    ['account_passkeys', 'no passkeys', open('/account/passkeys')],
    ['account_passkeys_add', 'a new passkey', open('/account/passkeys/add')],
    [
      'account_passkeys',
      'a passkey',
      async (page) => {
        await page.click('.passkey button')
        await page.waitForURL((url) => url.search === '?done=added')
      },
    ],
    ['account_passkeys_lost', 'a lost passkey', open('/account/passkeys/lost')],
    [
      'account_passkeys_remove',
      'without the passkey',
      async (page) => {
        await page.goto(at('/account/passkeys'))
        await page.click('main a[href*="/remove"]')
        await page.waitForURL((url) => url.pathname === '/passkeys/second_factor')
        await page.click('.passkey button')
        await page.waitForURL((url) => url.pathname === '/account/passkeys/remove')
      },
    ],
    ['account_factors', 'factors', open('/account/factors')],
    ['account_totp', 'an authenticator app', open('/account/factors/totp')],
    ['account_sms_codes', 'codes by text message', open('/account/factors/sms')],
    ['account_email_codes', 'codes by mail', open('/account/factors/email')],
  ],
  'second factors': [
    [
      'second_factor_set_up',
      'one must be set up',
      async (page) => {
        await User.update(op.context, 'user-bob', (user) => ({ ...user, second_factor: true }))
        await page.goto(at('/login'))
        await fillLogin(page, bob)
      },
    ],
    ['totp_set_up', 'an authenticator app', (page) => insteadAt(page, '/second-factor/totp/set-up')],
    ['second_factor_sms_set_up', 'a phone', (page) => insteadAt(page, '/second-factor/sms/set-up')],
    ['second_factor_email_set_up', 'a mailbox', (page) => insteadAt(page, '/second-factor/email/set-up')],
    [
      'second_factor_totp',
      'the code of the app',
      async (page) => {
        const who = person(op.issuer, op.fetch)
        await User.update(op.context, 'user-bob', (user) => ({ ...user, second_factor: undefined }))
        await withPassword(who, bob)
        seed = await setUpApp(op, who)
        await RecoveryCodes.make(op.context, 'user-bob')
        const made = { sub: 'user-bob', created_at: 0 }
        await channels.sms.records.put(op.context, 'user-bob', { ...made, to: '+491701234567' })
        await channels.email.records.put(op.context, 'user-bob', { ...made, to: 'bob@example.com' })
        await User.update(op.context, 'user-bob', (user) => ({
          ...user,
          claims: { ...user.claims, email: 'bob@example.com', email_verified: true },
        }))
        await page.goto(at('/login'))
        await fillLogin(page, bob)
      },
    ],
    ['second_factor', 'another way', (page) => insteadAt(page, '/second-factor')],
    ['second_factor_recovery', 'a recovery code', (page) => insteadAt(page, '/second-factor/recovery')],
    ['second_factor_sms', 'a text message', (page) => insteadAt(page, '/second-factor/sms')],
    ['second_factor_email', 'a mail', (page) => insteadAt(page, '/second-factor/email')],
    [
      'passkey_second_factor',
      'a passkey after the password',
      (page) => insteadAt(page, '/passkeys/second_factor'),
    ],
    [
      'account_factors',
      'both are there',
      async (page) => {
        await insteadAt(page, '/second-factor/totp')
        await page.fill('input[name=code]', freshCode(op, seed))
        await page.click('button[name=verify]')
        await page.waitForURL((url) => !url.pathname.startsWith('/second-factor'))
        await page.goto(at('/account/factors'))
      },
    ],
    ['account_recovery_codes', 'recovery codes', press('make')],
  ],
  'a forgotten password, and an address': [
    ['forgot_password', 'forgotten', (page) => page.goto(at('/forgot_password'))],
    [
      'forgot_password',
      'asked',
      async (page) => {
        await page.fill('input[name=username]', 'alice')
        await page.click('button[name=send]')
        await answerRequests(op.context)
      },
    ],
    [
      'reset_password',
      'a link that is no longer good',
      (page) => page.goto(at('/reset_password?token=none')),
    ],
    [
      'reset_password',
      'a new password',
      async (page) => page.goto(await linkMailed(op, 'alice@example.com', '/reset_password')),
    ],
    [
      'reset_password',
      'one that may not be',
      async (page) => {
        await page.fill('input[name=password]', 'short')
        await page.fill('input[name=repeat]', 'shorter')
        await page.click('button[name=reset]')
      },
    ],
    ['dev_mail', 'no mail', (page) => page.goto(at('/dev/mail'))],
    [
      'dev_mail',
      'mails',
      async (page) => {
        await deliverDue(op.context)
        await page.reload()
      },
    ],
    ['dev_mail', 'a mail', (page) => page.click('.links a')],
    [
      'account_email',
      'the address',
      async (page) => {
        await Passkey.forgetUser(op.context, 'user-alice') // its device was that of another chapter
        await signedIn(page, '/account/email')
      },
    ],
    [
      'account_email',
      'a new address',
      async (page) => {
        await page.fill('input[name=email]', 'alice@new.example')
        await page.click('button[name=change]')
      },
    ],
    [
      'verify_email',
      'to be confirmed',
      async (page) => page.goto(await linkMailed(op, 'alice@new.example', '/verify_email')),
    ],
    ['account_email', 'confirmed', (page) => page.click('button[name=confirm]')],
    ['account_email', 'confirmed before', (page) => page.goBack()],
  ],
}

const paths = new Map(buildTable().endpoints.map(({ name, path }) => [name, path]))

for (const [title, rows] of Object.entries(chapters))
  test(title, async () => {
    const tab = await openTab(browser)
    const problems: string[] = []
    for (const [endpoint, name, visit] of rows) {
      await visit(tab.page).catch((error: Error) => {
        throw new Error(`${name}, at ${tab.page.url()}: ${error.message}`)
      })
      await tab.page.waitForLoadState()
      const { pathname } = new URL(tab.page.url())
      if (endpoint !== '' && pathname !== paths.get(endpoint)?.replace(/\*$/, 'corp'))
        problems.push(`${name}: is at ${pathname}`)
      problems.push(...(await accessibilityProblems(tab.page)).map((each) => `${name}: ${each}`))
      // A status of 4xx is a console line of its own; anything else in there is a refusal or an error.
      const refused = tab.complaints.splice(0).filter((each) => !each.startsWith('Failed to load resource'))
      problems.push(...refused.map((each) => `${name}: ${each}`))
    }
    await tab.close()
    expect(problems).toEqual([])
  })

test.each(['ar', 'de', 'ja'])('other languages: %s', async (locale) => {
  const tab = await openTab(browser, { locale })
  const problems: string[] = []
  for (const path of ['/', '/forgot_password']) {
    await tab.page.goto(at(path))
    problems.push(...(await accessibilityProblems(tab.page)))
    const said = await tab.page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])
    expect(said).toEqual([locale, locale === 'ar' ? 'rtl' : 'ltr'])
  }
  await tab.page.selectOption('select[name=language]', 'tr')
  await tab.page.waitForSelector('html[lang=tr]')
  expect(new URL(tab.page.url()).pathname).toBe('/forgot_password')
  await tab.close()
  expect(problems).toEqual([])
})

test('the theme of the examples', async () => {
  const themed = await serveProvider({ THEME_PATH: join(import.meta.dir, '../../examples/theme') })
  const tab = await openTab(browser)
  const problems: string[] = []
  for (const path of ['/', '/login']) {
    await tab.page.goto(`${themed.issuer}${path}`)
    problems.push(...(await accessibilityProblems(tab.page)))
  }
  const accent = await tab.page.evaluate(() => getComputedStyle(document.body).getPropertyValue('--accent'))
  await tab.close()
  await themed.stop()
  expect(problems).toEqual([])
  expect(accent).toBe('#8cc4f5') // the last scheme looked at was the dark one
  expect(tab.complaints).toEqual([])
})

/** Errors of these are pages; of their own they have none, or, as a mail in its box, none that a script may look at. */
const withoutPage: readonly string[] = [
  'language',
  'check_session',
  'totp_set_up_image',
  'account_totp_image',
  'avatar',
  'client_logo',
  'dev_mail_html',
  'change_password_url',
  'admin_client_kit_zip',
  'admin_host_entry',
  'admin_host_arrival',
  'admin_host_leave',
  'admin_file_audit_export_trail',
  'admin_file_audit_export_report',
  'admin_file_usage',
]

/** Opened in another file: tests/browser/admin.test.ts and admin_operations.test.ts. */
const isOfAdministration = (name: string): boolean => name.startsWith('admin_page')

/** The pages of the lab are opened in files of their own. */
const labFiles: Readonly<Record<string, readonly string[]>> = {
  'lab_errors.test.ts': ['lab', 'lab_error', 'lab_errors'],
  'lab_trouble.test.ts': ['lab_trouble', 'lab_clock'],
  'lab_flows.test.ts': ['lab_flows', 'lab_flow', 'lab_compare'],
  'lab_token.test.ts': ['lab_token'],
  'lab_worksheet.test.ts': ['lab_worksheet'],
  'lab_classroom.test.ts': ['classroom_join', 'classroom_board'],
  'lab_client.test.ts': ['lab_client', 'lab_client_run'],
}
/** Downloads, redirects, and an invisible frame. */
const withoutPageOfLab = [
  'classroom_open',
  'classroom_results',
  'lab_flow_export',
  'lab_client_callback',
  'lab_client_frontchannel',
]
const isOfLab = (name: string): boolean =>
  withoutPageOfLab.includes(name) || Object.values(labFiles).flat().includes(name)

test('each file that opens pages of the lab asks axe', () => {
  for (const name of Object.keys(labFiles))
    expect(readFileSync(join(import.meta.dir, name), 'utf8')).toContain('accessibilityProblems(')
})

test('every page has its row', () => {
  const shown = new Set(Object.values(chapters).flatMap((rows) => rows.map(([endpoint]) => endpoint)))
  const pages = buildTable().endpoints.filter(({ page, get }) => page === true && get)
  expect(
    pages
      .map(({ name }) => name)
      .filter(
        (name) =>
          !shown.has(name) && !withoutPage.includes(name) && !isOfAdministration(name) && !isOfLab(name),
      ),
    'add a row to `chapters` that opens the page, or a name to `withoutPage`',
  ).toEqual([])
})
