/** The binary in production: alone in an empty folder, and strict. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { latchkeyBinary } from '../support/latchkey_command.ts'
import { authorizationUrl, demo } from '../support/client.ts'
import { clientCredentials, good, visitor } from '../support/journey.ts'
import { alice } from '../support/person.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider } from '../support/provider.ts'

let folder: string
let binary: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-binary-'))
  binary = await latchkeyBinary(folder)
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the binary in a folder with nothing in it (or `files`) until it ends. */
async function run(args: string[], env: Record<string, string>, files: Record<string, string> = {}) {
  const cwd = mkdtempSync(join(folder, 'empty-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
  const child = Bun.spawn([binary, ...args], { cwd, env, stdout: 'pipe', stderr: 'pipe', timeout: 10_000 })
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { exitCode: await child.exited, stdout, stderr, left: readdirSync(cwd) }
}

const secret = 'Xb9-kq2mV7_rT4yLw8zNf3cHj6pDs1gA5eQu0oRiMtE'

test('production lists every problem at once, and leaves nothing behind', async () => {
  const { exitCode, stderr, stdout, left } = await run(['serve'], {
    NODE_ENV: 'production',
    ISSUER_URL: 'http://id.example.com',
    SECRET_KEY: 'changeme',
    STORE_URL: 'memory:',
    PORT: 'http',
    ACCESS_TOKEN_ALG: 'none',
    CORS_ALLOWED_ORIGINS: '*',
    RATE_LIMIT_PER_MINTE: '5',
  })
  expect(exitCode).toBe(2)
  for (const name of [
    'ISSUER_URL',
    'SECRET_KEY',
    'STORE_URL',
    'PORT',
    'ACCESS_TOKEN_ALG',
    'CORS_ALLOWED_ORIGINS',
    'RATE_LIMIT_PER_MINTE',
  ])
    expect(stderr).toMatch(new RegExp(`^${name}: `, 'm'))
  expect(stderr).not.toContain('changeme')
  expect(stdout).toBe('')
  expect(left).toEqual([])
})

const refusals: [string, Record<string, string>, string][] = [
  ['no SECRET_KEY', { ISSUER_URL: 'https://id.example.com' }, 'SECRET_KEY'],
  ['a short SECRET_KEY', { ISSUER_URL: 'https://id.example.com', SECRET_KEY: 'short' }, 'SECRET_KEY'],
  [
    'the SECRET_KEY of development',
    {
      ISSUER_URL: 'https://id.example.com',
      SECRET_KEY: 'latchkey-development-secret-key-never-use-this-in-production',
    },
    'SECRET_KEY',
  ],
  [
    'a SECRET_KEY of one letter',
    { ISSUER_URL: 'https://id.example.com', SECRET_KEY: 'a'.repeat(64) },
    'SECRET_KEY',
  ],
  ['no ISSUER_URL', { SECRET_KEY: secret }, 'ISSUER_URL'],
  ['http off loopback', { ISSUER_URL: 'http://id.example.com', SECRET_KEY: secret }, 'ISSUER_URL'],
  [
    'the memory store',
    { ISSUER_URL: 'https://id.example.com', SECRET_KEY: secret, STORE_URL: 'memory:' },
    'STORE_URL',
  ],
]
for (const [what, env, name] of refusals)
  test(`production refuses ${what}, and that alone`, async () => {
    const { exitCode, stderr } = await run(['serve'], { NODE_ENV: 'production', ...env })
    expect(exitCode).toBe(2)
    expect(stderr.match(/^[A-Z_]+(?=: )/gm)).toEqual([name])
  })

test('production by itself: SQLite in the working folder, a strict server, no demo person or client', async () => {
  const cwd = mkdtempSync(join(folder, 'empty-'))
  const port = freePort()
  const issuer = 'https://id.example.com'
  const env = { NODE_ENV: 'production', ISSUER_URL: issuer, SECRET_KEY: secret, PORT: `${port}` }
  const inFolder = ['sh', '-c', 'cd "$0" && exec "$1" serve', cwd, binary]
  const op = await spawnProvider({ ...env, SHUTDOWN_DELAY: '0' }, inFolder)
  const here = `http://localhost:${port}`
  try {
    expect(existsSync(join(cwd, 'latchkey.db'))).toBe(true)
    expect(readdirSync(cwd).filter((name) => !name.startsWith('latchkey.db'))).toEqual([])
    expect(op.output()).not.toMatch(/alicepassword|secret456/)

    const direct = { issuer: here, fetch }
    expect((await clientCredentials(direct)).status).toBe(401)
    const landing = await visitor(direct).open(authorizationUrl(here, demo).url)
    expect(landing.page?.status).toBe(400) // an unknown client gets a page, and nobody is redirected
    expect(landing.page?.html).not.toContain(alice.username)
    const metadata = await good(fetch(`${here}/.well-known/openid-configuration`))
    expect(metadata.issuer).toBe(issuer)

    // The stylesheet that the pages name comes from inside the binary.
    const [style] = /[^"]*\/assets\/style\.[^"]*/.exec(landing.page!.html) ?? []
    const css = await fetch(new URL(new URL(style!, issuer).pathname, here))
    expect(css.status).toBe(200)
    expect((await css.text()).length).toBeGreaterThan(1_000)

    const health = Bun.spawnSync([binary, 'health'], { cwd, env })
    expect([health.exitCode, health.stdout.toString()]).toEqual([0, 'healthy\n'])
  } finally {
    await op.stop()
  }
  const gone = Bun.spawnSync([binary, 'health'], { cwd, env })
  expect(gone.exitCode).toBe(1)
}, 60_000)

test('secrets from mounted files', async () => {
  const mounted = join(folder, 'secret_key')
  writeFileSync(mounted, `${secret}\n`)
  const op = await spawnProvider(
    {
      NODE_ENV: 'production',
      ISSUER_URL: 'https://id.example.com',
      SECRET_KEY_FILE: mounted,
      SHUTDOWN_DELAY: '0',
    },
    [binary],
  )
  await op.stop()
  expect(op.output()).not.toContain(secret)
}, 60_000)

test('development by itself works too, where it is told so', async () => {
  const copy = join(mkdtempSync(join(folder, 'moved-')), 'latchkey')
  copyFileSync(binary, copy)
  const op = await spawnProvider({ NODE_ENV: 'development' }, [copy, '--', 'serve'])
  try {
    await good(clientCredentials({ issuer: op.issuer, fetch }))
    expect(op.output()).toContain('alice / alicepassword')
  } finally {
    await op.stop()
  }
  const strict = await run(
    ['serve'],
    {},
    { '.env': 'NODE_ENV=production\nISSUER_URL=http://id.example.com\n' },
  )
  expect(strict.exitCode).toBe(2)
  expect(strict.stderr).toMatch(/^ISSUER_URL: /m)
}, 60_000)

test('a bunfig.toml in the working folder runs nothing', async () => {
  const { exitCode, stdout, stderr } = await run(
    ['version'],
    {},
    { 'bunfig.toml': 'preload = ["./evil.ts"]\n', 'evil.ts': 'console.log("preloaded")\n' },
  )
  expect([exitCode, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^latchkey \d+\.\d+\.\d+ \((?:[0-9a-f]{12}\+?|unknown)\)\n$/)
})

test('the OpenAPI document is made inside of the binary', async () => {
  const provider = await spawnProvider({ NODE_ENV: 'development' }, [binary, 'serve'])
  const answer = await fetch(`${provider.issuer}/openapi.json`)
  const document = JSON.stringify(await answer.json())
  await provider.stop()
  expect(answer.status).toBe(200)
  expect(document).toContain('{"const":"authorization_code"}')
})

test('a theme is read from its folder, and the languages are inside of the binary', async () => {
  const theme = join(import.meta.dir, '../../examples/theme')
  const provider = await spawnProvider({ NODE_ENV: 'development', THEME_PATH: theme }, [binary, 'serve'])
  const answer = await fetch(provider.issuer, { headers: { 'accept-language': 'ar' } })
  const html = await answer.text()
  const logo = await fetch(provider.issuer + /<img src="([^"]+)"/.exec(html)![1]!)
  await provider.stop()
  expect(html).toContain('· Harbour ID</title>')
  expect(html).toContain('<html lang="ar" dir="rtl">')
  expect(await logo.text()).toContain('aria-label="Harbour"')
  const missing = await run(['config', 'check'], { NODE_ENV: 'development', THEME_PATH: '/nowhere' })
  expect(missing.exitCode).toBe(2)
  expect(missing.stderr).toContain('THEME_PATH: expected the folder of a theme, got /nowhere')
})
