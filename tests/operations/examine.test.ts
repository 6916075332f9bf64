/** `latchkey examine` as a command: exit codes, JSON, signature, comparison, page; and what a hostile provider cannot do. Issue 11 §4. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Report } from '../../src/cli/examine/report.ts'
import { demoClient } from '../../src/models/demo.ts'
import { accessibilityProblems } from '../browser/accessibility.ts'
import { launchChromium, openTab } from '../support/chromium.ts'
import { commandLine } from '../support/command.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'

setDefaultTimeout(240_000)

const { latchkey, folder, remove } = commandLine()
let op: SpawnedProvider
beforeAll(async () => void (op = await spawnProvider({ REGISTRATION: 'open' })), 60_000)
afterAll(async () => {
  await op?.stop()
  remove()
})

const run = (...args: string[]) => latchkey(['examine', ...args])
const at = (name: string) => join(folder, name)
const reportAt = (name: string) => JSON.parse(readFileSync(at(name), 'utf8')) as Report
const write = (name: string, value: unknown) => writeFileSync(at(name), JSON.stringify(value))
const secret = demoClient.client_secret!
const asDemo = [
  ...['--client-id', demoClient.client_id, '--redirect-uri', 'http://localhost:8080/callback'],
  ...['--client-secret', '@secret'],
]

test('a provider that is well: exit code 0, a table with what to read, and a report that is signed', async () => {
  writeFileSync(at('secret'), `${secret}\n`)
  const { code, stdout, stderr } = await run(
    op.issuer,
    ...asDemo,
    '--all',
    '--sign',
    'key.pem',
    '--report',
    'one.json',
  )
  expect(code, stderr + stdout).toBe(0)
  expect(stdout).toMatch(/^keys\.private_members +ok +No private or shared key is published\.$/m)
  expect(stdout).toMatch(/passed: \d+ ok, 0 FAIL/)
  expect(stdout).toMatch(/signed by the key [\w-]{43}$/m)
  expect(statSync(at('key.pem')).mode & 0o777).toBe(0o600)
  const report = reportAt('one.json')
  expect(report).toMatchObject({ format: 1, ok: true, issuer: op.issuer, client: demoClient.client_id })
  for (const each of report.checks)
    expect(each).toMatchObject({ why: expect.stringMatching(/\.$/), link: expect.stringMatching(/^https:/) })
  for (const text of [stdout, readFileSync(at('one.json'), 'utf8')]) expect(text).not.toContain(secret)
})

test('a later report tells what changed, and by which key the earlier one was signed', async () => {
  const same = await run(op.issuer, ...asDemo, '--compare', 'one.json', '--sign', 'key.pem', '--json')
  expect(same.code, same.stderr).toBe(0)
  expect(JSON.parse(same.stdout)).toMatchObject({
    comparison: { changes: [], signed_by: expect.stringMatching(/^[\w-]{43}$/) },
  })
  const { signature: _, ...earlier } = reportAt('one.json') as Report & { signature: unknown }
  const [first, ...others] = earlier.checks
  write('older.json', {
    ...earlier,
    checks: [{ ...first, outcome: 'fail', found: 'status 500' }, ...others],
    metadata: { ...earlier.metadata, old_endpoint: 'https://id.example/old' },
  })
  const { stdout } = await run(op.issuer, ...asDemo, '--compare', 'older.json')
  expect(stdout).toMatch(/^changes since .*: 2$/m)
  expect(stdout).toContain('check metadata.served: fail: status 500 -> pass')
  expect(stdout).toContain('metadata old_endpoint: https://id.example/old -> nothing')
})

test('a report that was changed after it was signed is refused', async () => {
  const report = reportAt('one.json')
  write('changed.json', { ...report, ok: false })
  const changed = await run(op.issuer, '--compare', 'changed.json')
  expect(changed).toMatchObject({ code: 1, stderr: expect.stringContaining('does not hold') })
  write('other.json', {
    ...report,
    signature: { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AA' }, jws: 'a.b.c' },
  })
  expect((await run(op.issuer, '--compare', 'other.json')).code).toBe(1)
})

test('a client that is registered for the examination is removed', async () => {
  const { code, stdout } = await run(op.issuer, '--register', '--json')
  expect(code).toBe(0)
  const { client } = JSON.parse(stdout) as Report
  const after = await run(op.issuer, '--client-id', client!, '--client-secret', 'x')
  expect(after.code).toBe(1)
  expect(after.stderr).toContain('refuses the client')
  expect(after.stderr).toContain('warning: --client-secret stays in the history')
})

test.each<[string[], string]>([
  [['ftp://id.example'], 'expected the https URL of an issuer'],
  [['https://user:geheim@id.example'], 'without a user name'],
  [['https://id.example', '--client-secret', 'x'], '--client-secret needs --client-id'],
  [['https://id.example', '--client-id', 'a', '--register'], 'got both'],
  [['https://id.example', '--client-id', 'a', '--client-secret', '@none'], 'there is no file none'],
  [['https://id.example', '--client-id', 'a', '--redirect-uri', 'cb'], '--redirect-uri: expected a URL'],
  [['https://id.example', '--client-id', 'a', '--client-key', 'secret'], 'one private JWK'],
  [['https://id.example', '--client-id', 'a', '--client-key', 'x', '--client-secret', 'y'], 'got both'],
  [['https://id.example', '--dpop'], '--dpop needs --client-id'],
  [['https://id.example', '--timeout', '0'], '--timeout: expected a whole number'],
  [['https://id.example', '--compare', 'secret'], 'is no JSON'],
  [['https://id.example', '--sign', 'secret'], '--sign: expected a private key in PEM'],
])('%j is a mistake of the command line', async (args, problem) => {
  writeFileSync(at('secret'), secret)
  const { code, stderr } = await run(...args)
  expect(stderr).toContain(problem)
  expect(stderr).not.toContain(secret)
  expect(stderr).not.toContain('geheim')
  expect(code).toBe(2)
})

describe('a hostile provider', () => {
  let inner: Bun.Server<undefined>
  let hostile: Bun.Server<undefined>
  let issuer: string
  const reached: string[] = []
  const evil = '\u001b]0;owned\u0007<script>alert(1)</script>'
  beforeAll(() => {
    inner = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch({ url }) {
        reached.push(url)
        return Response.json({ keys: [] })
      },
    })
    const other = `http://127.0.0.1:${inner.port}`
    hostile = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch({ url }) {
        const { pathname } = new URL(url)
        if (pathname !== '/.well-known/openid-configuration') return Response.redirect(`${other}/followed`)
        return Response.json({
          issuer: `${issuer}${evil}`,
          jwks_uri: `${other}/jwks`,
          token_endpoint: `http://169.254.169.254/latest`,
          authorization_endpoint: `${issuer}/authorize`,
          userinfo_endpoint: `${issuer}/userinfo`,
          registration_endpoint: `${other}/register`,
          [evil]: [],
        })
      },
    })
    issuer = `http://127.0.0.1:${hostile.port}`
  })
  afterAll(async () => {
    await hostile.stop(true)
    await inner.stop(true)
  })

  test('it is not led to another host of this network, and no redirect is followed', async () => {
    const { code, stdout } = await run(issuer, '--report', 'hostile.html', '--report', 'hostile.json')
    expect(code).toBe(1)
    expect(reached).toEqual([])
    expect(stdout).toMatch(/^FAIL metadata\.issuer$/m)
    expect(stdout).not.toContain('\u001b')
    expect((await run(issuer, '--register')).code).toBe(1)
    expect(reached).toEqual([])
  })

  test('its texts are no markup of the page', () => {
    const page = readFileSync(at('hostile.html'), 'utf8')
    expect(page).toContain('&lt;script&gt;')
    expect(page).not.toContain('<script')
  })

  test('a provider that is not there: exit code 1, and no report', async () => {
    const gone = await run('http://127.0.0.1:1', '--report', 'gone.json')
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('could not be reached') })
    expect(existsSync(at('gone.json'))).toBe(false)
  })
})

test('the page in Chromium: axe finds nothing, light and dark, narrow and wide', async () => {
  await run(op.issuer, '--compare', 'older.json', '--report', 'page.html')
  const browser = await launchChromium()
  try {
    const { page, complaints, close } = await openTab(browser)
    await page.goto(`file://${at('page.html')}`)
    expect(await accessibilityProblems(page)).toEqual([])
    expect(complaints).toEqual([])
    await close()
  } finally {
    await browser.close()
  }
})
