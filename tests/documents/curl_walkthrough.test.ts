/** Part 12 of docs/walkthrough.md as one script: a plain sh, curl, openssl and the standard tools of Debian, against a fresh server. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free_port.ts'
import { blocksOf, document, isShell } from '../support/document.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'

setDefaultTimeout(120_000)

/** Of the packages dash, coreutils, grep and sed, which Debian installs always; besides them curl and openssl. */
const tools =
  'base32 basenc cat chmod cut date dash grep ls mktemp od printf rm sed sh sleep tail tr curl openssl'.split(
    ' ',
  )

const folder = mkdtempSync(join(tmpdir(), 'latchkey-curl-'))
const bin = join(folder, 'bin')
mkdirSync(bin)
for (const tool of tools) {
  const found = Bun.which(tool, { PATH: '/usr/bin:/bin' })
  if (found === null) throw new Error(`${tool} is not installed`)
  symlinkSync(found, join(bin, tool))
}

const part = document('docs/walkthrough.md')
  .split(/^## /m)
  .find((each) => each.startsWith('12. '))!
const blocks = blocksOf(part).filter(isShell)
const script = blocks.map(({ text }) => text).join('')

const servers: SpawnedProvider[] = []
afterAll(async () => {
  await Promise.all(servers.map((each) => each.stop()))
  rmSync(folder, { recursive: true, force: true })
})

async function fresh(env: Record<string, string> = {}): Promise<SpawnedProvider> {
  const server = await spawnProvider(env)
  servers.push(server)
  return server
}

/** Runs it in a folder of its own, where `mktemp` makes its files. */
async function run(text: string, issuer: string) {
  const home = mkdtempSync(join(folder, 'home-'))
  const path = join(home, 'script.sh')
  writeFileSync(path, text.replaceAll('http://localhost:5000', issuer))
  const child = Bun.spawn([join(bin, 'dash'), '-eu', path], {
    cwd: home,
    env: { PATH: bin, HOME: home, TMPDIR: home },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { stdout, stderr, code, home }
}

const expected = [
  'Sign in',
  'Demo client wants to access your account',
  'Save your recovery codes',
  'Enter the code from your authenticator app',
  'urn:latchkey:2fa',
  'Your device is connected',
  'You’re signed out',
]

test('the blocks need nothing of the parts before', () => {
  expect(blocks.length).toBeGreaterThan(8)
  for (const { text } of blocks) expect(text).not.toMatch(/\b(bun|npx|node|jq|python3?|pick|decode)\b/)
})

test.each([
  ['at the root of its host', ''],
  ['at a path', '/tenant/a'],
])('the whole script, an issuer %s', async (_, path) => {
  const port = `${freePort()}`
  const server = await fresh({ PORT: port, ISSUER_URL: `http://localhost:${port}${path}` })
  const { stdout, stderr, code, home } = await run(script, server.issuer)
  expect([code, stderr], stdout).toEqual([0, ''])
  let at = 0
  for (const line of expected) {
    at = stdout.indexOf(`${line}\n`, at)
    expect(at, `${line} in\n${stdout}`).toBeGreaterThan(-1)
  }
  expect(existsSync(join(home, 'script.sh'))).toBe(true)
  expect([...new Bun.Glob('*').scanSync({ cwd: home, onlyFiles: true, dot: true })]).toEqual(['script.sh'])
})

test('no command ends a pipe before it has read it: with pipefail the script would stop by chance', () => {
  for (const { text } of blocks) expect(text).not.toMatch(/\bhead\b|grep [^|]*(?:-m|-q)|\bsed [^|]*[;{ ]q\b/)
})

test('the cookies are in a file that only its owner can read', async () => {
  const server = await fresh()
  const kept = script.replace('rm -f "$JAR"\n', '') + 'printf "jar %s\\n" "$JAR"\n'
  const { stdout, code } = await run(kept, server.issuer)
  const [, jar = ''] = /^jar (.*)$/m.exec(stdout) ?? []
  expect([code, statSync(jar).mode & 0o777]).toEqual([0, 0o600])
})

test('a page without the button, and a code of another request, end the script', async () => {
  const server = await fresh()
  const [functions, flow] = blocks.map(({ text }) => text)
  const wrong = await run(
    `${functions}visit "$ISSUER/"\npress login username=alice\necho went on\n`,
    server.issuer,
  )
  expect([wrong.code, wrong.stdout]).toEqual([1, ''])
  expect(wrong.stderr).toStartWith(`no button login at ${server.issuer}/ (200)`)
  const mixed = await run(`${functions}${flow}STATE=other\nredeem\necho went on\n`, server.issuer)
  expect(mixed.code).toBe(1)
  expect(mixed.stdout).not.toContain('went on')
})

test('a redirect to an address that only begins like the issuer is not followed', async () => {
  const heard: string[] = []
  const near = Bun.serve({
    port: 0,
    fetch(request) {
      heard.push(new URL(request.url).pathname)
      return new Response(null, { status: 303, headers: { location: '/tenants/login' } })
    },
  })
  const issuer = `http://localhost:${near.port}/tenant`
  const [functions] = blocks.map(({ text }) => text)
  const { stdout, code } = await run(
    `${functions}visit "$ISSUER/authorize"\necho "$STATUS $LOCATION"\n`,
    issuer,
  )
  await near.stop(true)
  expect([code, stdout]).toEqual([0, `303 ${issuer}s/login\n`])
  expect(heard).toEqual(['/tenant/authorize'])
})
