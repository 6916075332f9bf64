/** The pages of /admin in a browser: for whom they exist, on a phone, without JavaScript, and kept up to date. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { Administrators } from '../../src/models/administrators.ts'
import { Client } from '../../src/models/client.ts'
import { Consent } from '../../src/models/consent.ts'
import { demoClient } from '../../src/models/demo.ts'
import { Session } from '../../src/models/session.ts'
import { User } from '../../src/models/user.ts'
import { fillLogin, launchChromium, openTab } from '../support/chromium.ts'
import { withPassword } from '../support/authenticator.ts'
import { alice, bob, browser as inProcess } from '../support/flow.ts'
import { accessibilityProblems } from './accessibility.ts'
import { type ServedProvider, serveProvider } from './served.ts'

setDefaultTimeout(240_000)

let op: ServedProvider
let browser: Browser
beforeAll(async () => {
  ;[op, browser] = await Promise.all([
    serveProvider({
      ADMIN_SECOND_FACTOR: 'false',
      AUDIT_SIGNING_KEY: 'a_key_of_the_test_'.repeat(3),
      REALMS: 'true',
    }),
    launchChromium(),
  ])
  const now = Math.floor(op.clock.now() / 1000)
  for (let at = 0; at < 60; at++)
    await User.create(op.context, {
      sub: `sub-${at}`,
      username: `person${at}`,
      claims: { name: `Person ${at}`, email: `person${at}@example.org`, email_verified: true },
      disabled: at % 7 === 0,
      created_at: now - at * 3600,
      updated_at: now,
    })
  await op.context.realms!.create({ name: 'team', title: 'Team of the north', settings: { LAB: 'true' } })
  // The last owner cannot lose the role.
  expect(await Administrators.set(op.context, 'sub-1', 'owner')).toBe('done')
})
afterAll(async () => {
  await browser.close()
  await op.stop()
})

async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${op.issuer}${path}`)
  if (new URL(page.url()).pathname === '/login') await fillLogin(page)
  await page.waitForURL((url) => url.pathname !== '/login')
  if (page.url().includes('/passkeys/enrol')) await page.click('button[name=later]')
  await page.waitForURL((url) => url.pathname + url.search === path)
}

const subOfAlice = async () => (await User.findByLogin(op.context, alice.username))!.sub
const giveRole = async (role: Parameters<typeof Administrators.set>[2]) =>
  expect(await Administrators.set(op.context, await subOfAlice(), role)).toBe('done')

test('for a person without a role the pages do not exist', async () => {
  await giveRole(undefined)
  const tab = await openTab(browser)
  await open(tab.page, '/account')
  for (const path of ['/admin', '/admin/people', '/admin/people/sub-1', '/admin/live'])
    expect([path, (await tab.page.goto(`${op.issuer}${path}`))!.status() >= 403]).toEqual([path, true])
  await tab.close()
})

test('every page is accessible, and fits a phone without JavaScript', async () => {
  await giveRole('owner')
  const paths = [
    '/admin',
    '/admin/people',
    '/admin/people/sub-7',
    '/admin/people?q=none-such',
    '/admin/people/new',
    '/admin/clients/client123',
    '/admin/sessions',
    '/admin/sessions?client_id=client123',
    '/admin/clients/client123/kits',
    '/admin/clients/client123/kits/express',
    '/admin/clients/client123/kits/react',
    '/admin/invitations',
    '/admin/initial_access_tokens',
    '/admin/keys',
    '/admin/mail',
    '/admin/settings',
    '/admin/scopes',
    '/admin/jobs',
    '/admin/upstreams',
    '/admin/realms',
    '/admin/realms/team',
    '/admin/audit',
    '/admin/audit/verification',
    '/admin/failed_request',
    '/admin/failed_request?id=unknown',
    '/admin/audit/export',
  ]
  const tab = await openTab(browser)
  for (const path of paths) {
    await open(tab.page, path)
    expect([path, await accessibilityProblems(tab.page)]).toEqual([path, []])
  }
  expect(tab.complaints).toEqual([])
  await tab.close()
  const phone = await openTab(browser, { viewport: { width: 360, height: 740 }, javaScriptEnabled: false })
  for (const path of paths) {
    await open(phone.page, path)
    expect([path, (await phone.page.locator('main').boundingBox())!.width <= 360]).toEqual([path, true])
    await phone.page.click('nav button')
    expect(await phone.page.isVisible('nav a[href="/admin/people"]')).toBe(true)
    await phone.page.keyboard.press('Escape')
  }
  expect(phone.complaints).toEqual([])
  await phone.close()
})

test('the list leads from page to page and to a person, without JavaScript', async () => {
  await giveRole('auditor')
  const tab = await openTab(browser, { javaScriptEnabled: false })
  await open(tab.page, '/admin/people')
  expect(await tab.page.locator('tbody tr').count()).toBe(50)
  await tab.page.click('a[rel=next]')
  expect(await tab.page.locator('tbody tr').count()).toBeGreaterThan(5)
  await tab.page.click('a[rel=first]')
  await tab.page.fill('#q', 'person7')
  await tab.page.click('form.filters button')
  await tab.page.click('tbody a')
  await tab.page.waitForURL(`${op.issuer}/admin/people/sub-7`)
  expect(await tab.page.textContent('h1')).toBe('person7')
  expect(await tab.page.textContent('dl')).toContain('Disabled')
  await tab.close()
})

test('a search answers while it is typed, and its address can be sent on', async () => {
  await giveRole('auditor')
  const tab = await openTab(browser)
  await open(tab.page, '/admin/people')
  await tab.page.locator('#q').pressSequentially('person12')
  await tab.page.waitForURL((url) => url.searchParams.get('q') === 'person12')
  expect(await tab.page.locator('tbody tr').count()).toBe(1)
  expect(await tab.page.textContent('tbody th')).toBe('person12')
  expect(await tab.page.evaluate('document.activeElement.id')).toBe('q')
  await tab.page.reload()
  expect(await tab.page.locator('tbody tr').count()).toBe(1)
  expect(tab.complaints).toEqual([])
  await tab.close()
})

test('the overview shows a new problem without a reload, and its stream ends with the role', async () => {
  await giveRole('owner')
  const tab = await openTab(browser)
  await open(tab.page, '/admin')
  expect(await tab.page.textContent('.tiles')).toContain('All is well')
  expect(await tab.page.locator('.charts polyline').count()).toBe(3)
  const { table } = op.context
  const [check] = table.operation.healthChecks
  const { run } = check!
  try {
    check!.run = async (context) => ({ ...(await run(context)), ok: false })
    await tab.page.waitForSelector('.tiles .bad')
    expect(await tab.page.textContent('.tiles')).toContain('1 problem')
  } finally {
    check!.run = run
  }
  await tab.page.waitForSelector('.tiles :not(.bad) >> text=All is well')
  await giveRole(undefined)
  // The stream ends at its next look, and the browser finds that it may not open it again.
  const answer = await tab.page.waitForResponse((each) => each.url().endsWith('/admin/live'))
  expect(answer.status()).toBe(403)
  await tab.close()
})

test('the configuration of each kind of app is accessible, fits a phone and is copied', async () => {
  await giveRole('operator')
  const tab = await openTab(browser, { permissions: ['clipboard-read', 'clipboard-write'] })
  const { page } = tab
  for (const kind of ['web', 'spa', 'native', 'service', 'device', 'mcp']) {
    await open(page, `/admin/clients/new?kind=${kind}`)
    await page.fill('#client_name', `An app of ${kind}`)
    const uri = kind === 'native' ? 'com.example.shop:/callback' : 'http://localhost:3000/callback'
    if (await page.locator('#redirect_uris').count()) await page.fill('#redirect_uris', uri)
    await page.click('button[name=add]')
    await page.waitForSelector('.copied_file')
    // All libraries are open at once.
    for (const summary of (await page.locator('.library:not([open]) summary').all()).toReversed())
      await summary.click()
    expect([kind, await accessibilityProblems(page)]).toEqual([kind, []])
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 740 })
      const wide = await page.evaluate('document.documentElement.scrollWidth')
      expect([kind, width, Number(wide) <= width]).toEqual([kind, width, true])
    }
    await page.setViewportSize({ width: 1280, height: 740 })
    const file = page.locator('.copied_file').first()
    await file.locator('button').click()
    await page.waitForSelector('.copied_file [role=status] >> text=Copied')
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
      (await file.locator('pre').textContent())!,
    )
  }
  expect(tab.complaints).toEqual([])
  await tab.close()
})

test('an operator adds an app by its kind, changes it, gives it a new secret and removes it', async () => {
  await giveRole('operator')
  const tab = await openTab(browser, { javaScriptEnabled: false })
  const { page } = tab
  await open(page, '/admin/clients')
  await page.click('a[href="/admin/clients/new"]')
  await page.click('a[href="/admin/clients/new?kind=web"]')
  await page.fill('#client_name', 'Wiki')
  await page.fill('#redirect_uris', 'https://wiki.example/one\nhttps://wiki.example/two')
  await page.click('button[name=add]')
  const configuration = (await page.textContent('pre'))!
  const [, secret] = /CLIENT_SECRET='(\S+)'/.exec(configuration)!
  const [, id] = /CLIENT_ID='(\S+)'/.exec(configuration)!
  expect(secret!.length).toBeGreaterThan(40)
  await page.click(`main a[href="/admin/clients/${id}"]`)
  await page.waitForURL(`${op.issuer}/admin/clients/${id}`)
  expect(await page.content()).not.toContain(secret!)

  await page.fill('#redirect_uris', 'https://wiki.example/two')
  await page.check('[name=first_party]')
  await page.click('button[name=change]')
  await page.waitForURL((url) => url.search === '?done=change')
  expect(await Client.find(op.context, id!)).toMatchObject({
    client_name: 'Wiki',
    first_party: true,
    redirect_uris: ['https://wiki.example/two'],
  })
  await page.fill('#redirect_uris', 'not a uri')
  await page.click('button[name=change]')
  expect(await page.textContent('[role=alert]')).toContain('Nothing was changed')

  // Another administrator changes it while this page is open.
  await page.goto(`${op.issuer}/admin/clients/${id}`)
  await Client.update(op.context, id!, (current) => ({ ...current, client_name: 'Knowledge' }))
  await page.click('button[name=change]')
  expect(await page.textContent('[role=alert]')).toContain('Someone else changed this')
  expect((await Client.find(op.context, id!))!.client_name).toBe('Knowledge')

  await page.click('button[name=renew]')
  expect(await page.textContent('pre')).not.toContain(secret!)
  await page.click(`main a[href="/admin/clients/${id}"]`)
  await page.click('button[name=disable]')
  await page.waitForURL((url) => url.search === '?done=disable')
  expect((await Client.find(op.context, id!))!.disabled).toBe(true)
  await page.click('button[name=remove]')
  expect(await page.textContent('main')).toContain('cannot be undone')
  expect(await Client.find(op.context, id!)).toBeDefined()
  await page.click('button[name=remove]')
  await page.waitForURL((url) => url.pathname === '/admin/clients')
  expect(await Client.find(op.context, id!)).toBeUndefined()
  // The two refusals on purpose.
  expect(tab.complaints.every((each) => /400|412/.test(each))).toBe(true)
  await tab.close()
})

test('the page of an app leads to its starter kits, without the secret, and says what a kit lacks', async () => {
  await giveRole('auditor')
  const tab = await openTab(browser, { javaScriptEnabled: false })
  const { page } = tab
  await open(page, '/admin/clients/client123')
  await page.click('a[href="/admin/clients/client123/kits"]')
  const rowOf = (title: string) => page.locator('tbody tr', { has: page.locator(`bdi:text-is("${title}")`) })
  expect(await rowOf('React').locator('a').count()).toBe(0)
  expect(await rowOf('React').textContent()).toContain('latchkey client add')
  await page.click('a[href="/admin/clients/client123/kits/curl"]')
  expect(await page.textContent('h1')).toBe('curl')
  expect(await page.locator('pre').nth(1).textContent()).toContain("client_id='client123'")
  expect(await page.content()).not.toContain(demoClient.client_secret)
  const kits = `${op.issuer}/admin/clients/client123/kits`
  for (const wrong of [`${kits}/none-such`, `${kits}/__proto__`, kits.replace('client123', 'nobody')])
    expect([wrong, (await page.goto(wrong))!.status()]).toEqual([wrong, 404])

  const name = '</pre><script>alert(1)</script>'
  await Client.update(op.context, 'client123', (current) => ({ ...current, client_name: name }))
  await page.goto(`${kits}/http`)
  expect(await page.locator('pre script, main script').count()).toBe(0)
  await tab.close()
})

test('an auditor reads apps and finds no button that changes one', async () => {
  await giveRole('auditor')
  const tab = await openTab(browser)
  await open(tab.page, '/admin/clients/client123')
  expect(await tab.page.locator('main form[method=post]').count()).toBe(0)
  expect((await tab.page.goto(`${op.issuer}/admin/clients/new`))!.status()).toBe(404)
  await tab.close()
})

test('support disables and enables a person, cannot touch an owner, and gives no role', async () => {
  await giveRole('support')
  const tab = await openTab(browser, { javaScriptEnabled: false })
  const { page } = tab
  await open(page, '/admin/people/sub-3')
  expect(await page.locator('#administration_role').count()).toBe(0)
  await page.click('button[name=disable]')
  expect((await User.find(op.context, 'sub-3'))!.disabled).toBe(false)
  await page.click('button[name=disable]')
  await page.waitForURL((url) => url.search === '?done=disable')
  expect((await User.find(op.context, 'sub-3'))!.disabled).toBe(true)
  await page.click('button[name=enable]')
  await page.waitForURL((url) => url.search === '?done=enable')
  expect((await User.find(op.context, 'sub-3'))!.disabled).toBe(false)
  await page.goto(`${op.issuer}/admin/people/sub-1`)
  expect(await page.locator('main form[method=post]').count()).toBe(0)
  await tab.close()
})

test('an owner gives a role and erases a person', async () => {
  await giveRole('owner')
  const tab = await openTab(browser)
  const { page } = tab
  await open(page, '/admin/people/sub-4')
  await page.selectOption('#administration_role', 'auditor')
  await page.click('button[name=role]')
  await page.waitForURL((url) => url.search === '?done=role')
  expect((await Administrators.find(op.context, 'sub-4'))?.role).toBe('auditor')
  await page.selectOption('#administration_role', '')
  await page.click('button[name=role]')
  await page.waitForURL((url) => url.search === '?done=role')
  expect(await Administrators.find(op.context, 'sub-4')).toBeUndefined()
  await page.click('button[name=erase]')
  expect(await accessibilityProblems(page)).toEqual([])
  await page.click('button[name=erase]')
  await page.waitForURL((url) => url.pathname === '/admin/people')
  expect(await User.find(op.context, 'sub-4')).toBeUndefined()
  expect(tab.complaints).toEqual([])
  await tab.close()
})

test('support adds a person, ends a session of theirs and all sessions', async () => {
  await giveRole('support')
  const tab = await openTab(browser, { javaScriptEnabled: false })
  const { page } = tab
  await open(page, '/admin/people')
  await page.click('a[href="/admin/people/new"]')
  await page.fill('#username', 'newcomer')
  await page.fill('#email', 'newcomer@example.org')
  await page.fill('#password', 'a quiet heron in the reeds')
  await page.click('button[name=add]')
  expect(await page.locator('[role=alert]').allTextContents()).toEqual([])
  await page.waitForURL((url) => url.search === '?done=add')
  const added = (await User.findByLogin(op.context, 'newcomer'))!
  expect(new URL(page.url()).pathname).toBe(`/admin/people/${added.sub}`)
  expect(added.claims).toMatchObject({ email: 'newcomer@example.org' })

  for (let times = 0; times < 3; times++) await withPassword(inProcess(op), bob)
  const bobsSub = (await User.findByLogin(op.context, bob.username))!.sub
  const left = async () => (await Session.listOfUser(op.context, bobsSub)).length
  expect(await left()).toBe(3)
  await page.goto(`${op.issuer}/admin/people/${bobsSub}`)
  await page.locator('button[name=end_session]').first().click()
  await page.waitForURL((url) => url.search === '?done=end_session')
  expect(await left()).toBe(2)
  await page.click('button[name=end_sessions]')
  await page.waitForURL((url) => url.search === '?done=end_sessions')
  expect(await left()).toBe(0)
  await tab.close()
})

test('support corrects a name and removes the access of an app', async () => {
  await giveRole('support')
  const bobsSub = (await User.findByLogin(op.context, bob.username))!.sub
  await Consent.extend(op.context, bobsSub, 'client123', { scope: ['openid'], claims: [] }, 3600)
  const tab = await openTab(browser)
  const { page } = tab
  await open(page, `/admin/people/${bobsSub}`)
  await page.fill('#name', 'Robert')
  await page.click('button[name=claims]')
  await page.waitForURL((url) => url.search === '?done=claims')
  expect((await User.find(op.context, bobsSub))!.claims.name).toBe('Robert')
  expect(await accessibilityProblems(page)).toEqual([])
  await page.click('button[name=withdraw]')
  await page.waitForURL((url) => url.search === '?done=withdraw')
  expect(await page.locator('button[name=withdraw]').count()).toBe(0)
  await tab.close()
})
