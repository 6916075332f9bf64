/** `latchkey audit report`: what it has, on a real store; text of strangers is no markup and no formula; axe and print in Chromium. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accessibilityProblems } from '../browser/accessibility.ts'
import { auditKey } from '../support/audit_trail.ts'
import { launchChromium, openTab } from '../support/chromium.ts'
import { commandLine } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider } from '../support/provider.ts'

setDefaultTimeout(240_000)

const folder = mkdtempSync(join(tmpdir(), 'latchkey-report-'))
const port = `${freePort()}`
const env = {
  NODE_ENV: 'development',
  ISSUER_URL: `http://localhost:${port}`,
  PORT: port,
  STORE_URL: `sqlite:${join(folder, 'store.db')}`,
  AUDIT_SIGNING_KEY: auditKey,
  AUDIT_CHAIN: 'id-1',
  REGISTRATION: 'open',
}
const { latchkey, remove } = commandLine(env)
afterAll(() => {
  remove()
  rmSync(folder, { recursive: true, force: true })
})

const at = (name: string) => join(folder, name)
const ok = async (...args: string[]) => {
  const ran = await latchkey(args)
  expect(ran.code, ran.stderr).toBe(0)
  return ran
}

interface Changed {
  change: string
  changed: string[]
  before?: Record<string, string>
  after?: Record<string, string>
}

const evil = '<img src=x onerror=alert(1)></td><script>alert(2)</script>'
const formula = '=HYPERLINK("https://evil.example","pay")'

test('the report, as a page and as tables', async () => {
  const op = await spawnProvider(env)
  for (const name of [evil, formula])
    await fetch(`${env.ISSUER_URL}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': evil },
      body: JSON.stringify({ redirect_uris: ['https://app.example/cb'], client_name: name }),
    })
  await ok('user', 'set', 'alice', '--role', 'billing')
  await ok('user', 'set', 'alice', '--claim', 'nickname=a-nickname-that-is-personal')
  const [, id] = /^client_id\s+(\S+)/m.exec(
    (await ok('client', 'add', 'Before', '--redirect-uri', 'https://app.example/cb')).stdout,
  )!
  await ok('client', 'set', id!, '--name', 'After')
  await ok('client', 'remove', id!)
  await op.stop()

  // Before and after: of a client as it is shown, of personal data and secrets as fingerprints.
  const listed = await ok('audit', 'list', '--kind', 'changed_by_operator', '--json')
  const { entries } = JSON.parse(listed.stdout) as { entries: { details: Changed }[] }
  const told = (change: string) => entries.find(({ details }) => details.change === change)!.details
  const { changed, before, after } = told('client_set')
  expect(changed).toContain('client_name')
  expect(before!.client_name).not.toBe(after!.client_name!)
  const [added, removed] = [told('client_added'), told('client_removed')]
  expect(added.after!.redirect_uris).toContain('https://app.example/cb')
  expect([added.before, removed.after]).toEqual([{}, {}])
  expect(removed.before!.secret_mac).toMatch(/^sha256:/)
  expect(removed.before!.client_name).toBe(after!.client_name!)
  expect(told('profile_set').after!['claims.nickname']).toMatch(/^sha256:[\w-]{16}$/)
  expect(listed.stdout).not.toContain('a-nickname')

  await ok('audit', 'report', at('report.html'), '--from', '7d')
  const html = readFileSync(at('report.html'), 'utf8')
  expect(html).toContain('as it was written')
  expect(html).not.toContain('<img')
  expect(html).not.toContain('<script')
  expect(html).toContain(Bun.escapeHTML(evil))
  const titles = [...html.matchAll(/<h2 id="(\w+)">/g)].map(([, name]) => name)
  expect(titles).toEqual([
    'people',
    'clients',
    'factors',
    'dormant',
    'administrators',
    'failures',
    'addresses',
    'alerts',
  ])
  for (const cell of ['billing', 'roles_set']) expect(html).toContain(`<td class="short">${cell}</td>`)

  const table = async (section: string) => {
    await ok('audit', 'report', at(`${section}.csv`), '--section', section, '--dormant', '1d')
    return readFileSync(at(`${section}.csv`), 'utf8')
  }
  const clients = await table('clients')
  expect(clients.split('\r\n')[0]).toContain('Client,Name,Grant types')
  expect(clients.split(/\r?\n/).some((line) => /(^|,)"?[=+@-]/.test(line))).toBe(false)
  expect(clients).toContain('HYPERLINK')
  for (const section of ['people', 'factors', 'dormant', 'administrators', 'failures', 'addresses', 'alerts'])
    expect((await table(section)).length, section).toBeGreaterThan(10)
  // The report itself is an entry.
  expect(await table('administrators')).toContain('audit_reported')

  const browser = await launchChromium()
  const { page, complaints, close } = await openTab(browser)
  await page.goto(`file://${at('report.html')}`)
  expect(await accessibilityProblems(page)).toEqual([])
  expect(complaints).toEqual([])
  await page.emulateMedia({ media: 'print' })
  await page.setViewportSize({ width: 1123, height: 794 })
  const printed = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    nav: getComputedStyle(document.querySelector('nav')!).display,
    ground: getComputedStyle(document.body).backgroundColor,
  }))
  expect(printed).toEqual({ wide: false, nav: 'none', ground: 'rgb(255, 255, 255)' })
  const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true })
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
  if (process.env.SHOW_REPORT) {
    await Bun.write(process.env.SHOW_REPORT, pdf)
    await page.screenshot({ path: `${process.env.SHOW_REPORT}.print.png`, fullPage: true })
    await page.emulateMedia({ media: 'screen', colorScheme: 'dark' })
    await page.screenshot({ path: `${process.env.SHOW_REPORT}.png`, fullPage: true })
  }
  await close()
  await browser.close()
})

test('what does not fit is refused, with what to write', async () => {
  const wrong: Record<string, string[]> = {
    'one section as CSV': ['report.csv'],
    'expected one of people, clients': ['x.csv', '--section', 'everything'],
    'expected a date': ['x.html', '--from', 'yesterday'],
    'expected a time before --to': ['x.html', '--from', '1d', '--to', '2d'],
  }
  for (const [words, args] of Object.entries(wrong)) {
    const { code, stderr } = await latchkey(['audit', 'report', ...args])
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)])
  }
})
