/** The pages of /admin for what an operator does beside people and apps: keys, mails, invitations, initial access tokens. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { Administrators } from '../../src/models/administrators.ts'
import { InitialAccessToken } from '../../src/models/initial_access_token.ts'
import { Invitation } from '../../src/models/invitation.ts'
import { mailQueue, Outbox } from '../../src/models/outbox.ts'
import { User } from '../../src/models/user.ts'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { alice } from '../support/person.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(240_000)

let op: ServedProvider
let browser: Browser
beforeAll(async () => {
  ;[op, browser] = await Promise.all([
    serveProvider({ ADMIN_SECOND_FACTOR: 'false', ACCOUNT_REGISTRATION: 'invitation', REALMS: 'true' }),
    launchChromium(),
  ])
  expect(await Administrators.set(op.context, 'an-owner-who-stays', 'owner')).toBe('done')
})
afterAll(async () => {
  await browser.close()
  await op.stop()
})

type Role = Parameters<typeof Administrators.set>[2]

/** A page of an administrator of this role, without JavaScript. */
async function as(role: Role, path: string, work: (page: Page) => Promise<void>): Promise<void> {
  const { sub } = (await User.findByLogin(op.context, alice.username))!
  expect(await Administrators.set(op.context, sub, role)).toBe('done')
  const tab = await openTab(browser, { javaScriptEnabled: false })
  await tab.page.goto(`${op.issuer}${path}`)
  if (new URL(tab.page.url()).pathname === '/login') await fillLogin(tab.page)
  await tab.page.waitForURL((url) => url.pathname !== '/login')
  if (tab.page.url().includes('/passkeys/enrol')) await tab.page.click('button[name=later]')
  await tab.page.waitForURL(`${op.issuer}${path}`)
  await work(tab.page)
  // The browser tells of the status of a form that was refused.
  expect(tab.complaints.filter((each) => !/status of 4(?:00|22)/.test(each))).toEqual([])
  await tab.close()
}

test('an operator rotates the keys of one algorithm, and a second rotation makes no more', () =>
  as('operator', '/admin/keys', async (page) => {
    const rows = page.locator('tbody tr')
    const before = await rows.count()
    for (let n = 0; n < 2; n++) {
      await page.selectOption('#alg', 'RS256')
      await page.click('button[name=rotate]')
      expect(await page.textContent('main')).toContain('The next keys are published')
      expect(await rows.count()).toBe(before + 1)
    }
    expect(await page.textContent('tbody')).toContain('Next')
  }))

test('an auditor sees keys and mails, and no button', async () => {
  for (const path of ['/admin/keys', '/admin/mail', '/admin/invitations', '/admin/initial_access_tokens'])
    await as('auditor', path, async (page) => expect(await page.locator('main form').count()).toBe(0))
})

test('an operator tries a mail again, and drops one after a question', async () => {
  const { context } = op
  const add = async (to: string) => {
    const message = { to, subject: 'Reset your password', text: 'https://op/?t=opens', html: '' }
    const id = await Outbox.add(context, context.random, context.secrets.mail, message)
    await mailQueue.postpone(context, (await mailQueue.claim(context, id, 1000))!, 3_600_000)
    return id
  }
  const [retried, dropped] = [await add('first@example.org'), await add('second@example.org')]
  await as('operator', '/admin/mail', async (page) => {
    const row = (text: string) => page.locator('tbody tr', { hasText: text })
    expect(await page.content()).not.toContain('t=opens')
    await row('first@example.org').locator('button[name=retry]').click()
    expect(await page.textContent('main')).toContain('The email is being delivered')
    expect(await mailQueue.due(context, { limit: 10 })).toContain(retried)
    await row('second@example.org').locator('button[name=drop]').click()
    expect(await mailQueue.find(context, dropped)).toBeDefined()
    expect(await page.textContent('main')).toContain('nothing brings it back')
    await page.click('button[name=drop]')
    expect(await page.textContent('main')).toContain('The email was dropped')
    expect(await mailQueue.find(context, dropped)).toBeUndefined()
  })
})

test('an operator changes the levels of the log, and takes the configured ones back', () =>
  as('operator', '/admin/settings', async (page) => {
    const levels = () => op.context.server!.logLevels.current()
    const before = levels()
    await page.selectOption('#level', 'warn')
    await page.fill('#levels', 'mail=debug\nrefused=info')
    await page.click('button[name=log]')
    expect(levels()).toEqual({
      level: 'warn',
      levels: { mail: 'debug', refused: 'info' },
      isConfigured: false,
    })
    expect(await page.textContent('main')).toContain('Changed by an administrator')
    await page.click('button[name=reset]')
    expect(levels()).toEqual(before)
    await page.fill('#q', 'secret_key')
    await page.click('form.filters button')
    expect(await page.textContent('tbody')).toContain('SECRET_KEY')
  }))

test('an operator runs a job', () =>
  as('operator', '/admin/jobs', async (page) => {
    const woken: string[] = []
    op.context.soon = (job) => void woken.push(job)
    await page.locator('tbody tr', { hasText: 'mail' }).locator('button[name=run]').click()
    expect(await page.textContent('main')).toContain('The job runs now')
    expect(woken).toContain('mail')
  }))

test('an operator invites a person with a link of their own, and revokes it', () =>
  as('operator', '/admin/invitations', async (page) => {
    await page.fill('#email', 'invited@example.org')
    await page.fill('#roles', 'editor reader')
    await page.uncheck('input[name=mail]')
    await page.click('button[name=invite]')
    const link = new URL((await page.textContent('pre'))!)
    expect(await Invitation.ofToken(op.context, link.searchParams.get('token')!)).toMatchObject({
      email: 'invited@example.org',
      roles: ['editor', 'reader'],
    })
    await page.click('main p a')
    await page.waitForURL(`${op.issuer}/admin/invitations`)
    expect(await page.content()).not.toContain(link.searchParams.get('token')!)
    await page.click('tbody button[name=revoke]')
    expect(await page.textContent('main')).toContain('Revoked')
    expect(await Invitation.ofToken(op.context, link.searchParams.get('token')!)).toBeUndefined()
  }))

test('an operator makes an initial access token, and none with a scope of the administration', () =>
  as('operator', '/admin/initial_access_tokens', async (page) => {
    await page.fill('#name', 'Team A')
    await page.fill('#scopes', 'openid admin:people.read')
    await page.click('button[name=make]')
    expect(await page.textContent('main')).toContain('Nothing was changed')
    await page.fill('#name', 'Team A')
    await page.fill('#uses', '3')
    await page.fill('#scopes', 'openid')
    await page.click('button[name=make]')
    const token = (await page.textContent('pre'))!
    expect(await InitialAccessToken.ofToken(op.context, token)).toMatchObject({ name: 'Team A', uses: 3 })
    await page.click('main p a')
    expect(await page.textContent('tbody')).toContain('3 of 3')
    await page.click('tbody button[name=revoke]')
    expect(await InitialAccessToken.ofToken(op.context, token)).toBeUndefined()
  }))

const realm = (name: string) => op.context.realms!.find(name)

test('an owner makes a realm, changes it, and removes it after a question', () =>
  as('owner', '/admin/realms', async (page) => {
    await page.fill('#name', 'Team')
    await page.click('button[name=add]')
    expect(await page.textContent('main')).toContain('Nothing was changed')
    expect(await page.inputValue('#name')).toBe('Team')
    await page.fill('#name', 'team')
    await page.fill('#title', 'Team of the north')
    await page.fill('#settings', 'ACCESS_TOKEN_TTL=0')
    await page.click('button[name=add]')
    expect(await page.textContent('main')).toContain(
      'ACCESS_TOKEN_TTL: expected whole seconds from 1 to 86400',
    )
    await page.fill('#settings', 'ACCESS_TOKEN_TTL=300\nSCOPES=a=b')
    await page.click('button[name=add]')
    await page.waitForURL((url) => url.pathname === '/admin/realms/team')
    expect(await realm('team')).toMatchObject({
      title: 'Team of the north',
      settings: { ACCESS_TOKEN_TTL: '300', SCOPES: 'a=b' },
    })
    expect((await op.fetch('/realms/team/.well-known/openid-configuration')).status).toBe(200)

    await page.fill('#settings', 'ACCESS_TOKEN_TTL=600')
    await page.fill('#title', '')
    await page.fill('#ends_at', '2099-01-31T12:00:00Z')
    await page.click('button[name=change]')
    expect(await page.textContent('main')).toContain('Saved')
    const { title, settings, ends_at } = (await realm('team'))!
    expect([title, settings, ends_at]).toEqual([
      undefined,
      { ACCESS_TOKEN_TTL: '600' },
      Date.parse('2099-01-31T12:00:00Z') / 1000,
    ])
    // As the page shows it, so that a second save changes nothing.
    await page.click('button[name=change]')
    expect(await page.textContent('main')).toContain('Saved')
    expect(await realm('team')).toMatchObject({ settings, ends_at })

    await page.click('button[name=disable]')
    expect((await op.fetch('/realms/team/.well-known/openid-configuration')).status).toBe(404)
    await page.click('button[name=enable]')
    await page.click('button[name=remove]')
    expect(await page.textContent('main')).toContain('cannot be undone')
    expect(await realm('team')).toBeDefined()
    await page.click('button[name=remove]')
    await page.waitForURL((url) => url.pathname === '/admin/realms')
    expect(await page.textContent('main')).toContain('There are no realms')
    expect(await realm('team')).toBeUndefined()
  }))

test('an operator sees realms and changes none; the settings lead to them', async () => {
  await op.context.realms!.create({ name: 'seen', settings: {} })
  for (const role of ['operator', 'auditor'] as const)
    await as(role, '/admin/settings', async (page) => {
      await page.click('main a[href="/admin/realms"]')
      await page.click('tbody a')
      await page.waitForURL(`${op.issuer}/admin/realms/seen`)
      expect(await page.locator('main form').count()).toBe(0)
    })
})

test('without REALMS there is no page', async () => {
  const off = await serveProvider({ ADMIN_SECOND_FACTOR: 'false' })
  for (const path of ['/admin/realms', '/admin/realms/seen'])
    expect([path, (await off.fetch(path)).status]).toEqual([path, 404])
  await off.stop()
})
