/** The client of docs/walkthrough.md, as a process: an End-User opens the URL that it prints, and it prints each step of the flow. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type CommandLine, commandLine } from '../support/command.ts'
import { alice, person } from '../support/person.ts'
import { freePort } from '../support/free_port.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'

const script = join(import.meta.dir, '../../scripts/test_client.ts')
const clients = commandLine()
let line: CommandLine
let op: SpawnedProvider
beforeAll(async () => {
  const store = { STORE_URL: `sqlite:${join(clients.folder, 'latchkey.db')}` }
  line = commandLine(store)
  op = await spawnProvider(store)
})
afterAll(async () => {
  await op.stop()
  line.remove()
  clients.remove()
})

interface Running {
  /** The authorization URL, once it is printed. */
  url: Promise<string>
  ended: Promise<{ code: number; stdout: string; stderr: string }>
}

function start(...args: string[]): Running {
  const child = Bun.spawn(['bun', script, '--issuer', op.issuer, '--no-open', ...args], {
    cwd: line.folder,
    env: { PATH: process.env.PATH, HOME: line.folder },
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 30_000,
  })
  let stdout = ''
  const printed = Promise.withResolvers<string>()
  printed.promise.catch(() => {}) // whoever waits for it hears of it; not every test does
  const errors = new Response(child.stderr).text()
  const read = async () => {
    for await (const chunk of child.stdout) {
      stdout += Buffer.from(chunk).toString()
      const [url] = /^http\S+\/authorize\?\S+$/m.exec(stdout) ?? []
      if (url !== undefined) printed.resolve(url)
    }
    printed.reject(new Error(`it ended without printing a URL:\n${stdout}\n${await errors}`))
  }
  const ended = Promise.all([read(), errors, child.exited]).then(([, stderr, code]) => ({
    code,
    stdout,
    stderr,
  }))
  return { url: printed.promise, ended }
}

async function register(...args: string[]): Promise<{ port: string; id: string; secret: string }> {
  const port = `${freePort()}`
  const made = await line.json<{ client_id: string; client_secret?: string }>(
    ...[
      'client',
      'add',
      'Test client',
      '--redirect-uri',
      `http://localhost:${port}/callback`,
      '--json',
      ...args,
    ],
  )
  return { port, id: made.client_id, secret: made.client_secret ?? '' }
}

test('a client with a secret: tokens decoded and verified, userinfo, introspection, refresh, revocation', async () => {
  const { port, id, secret } = await register()
  const running = start('--client-id', id, '--client-secret', secret, '--port', port)
  const url = await running.url
  expect(new URL(url).searchParams.get('code_challenge_method')).toBe('S256')
  const location = await person(op.issuer, fetch).goThrough(url, alice)
  expect((await fetch(location)).status).toBe(200)
  const { code, stdout, stderr } = await running.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })

  const milestones = [
    '== Discovery at',
    '== Authorization request',
    'state and iss are as expected',
    '== Tokens for the code',
    '"alg": "RS256"',
    '"at_hash"',
    'The ID Token is valid',
    'user-alice is signed in',
    '== UserInfo',
    '"email": "alice@example.com"',
    '== Introspection of the access token',
    '"active": true',
    '== Refreshed',
    '== Revoked the refresh token',
    '== Introspection again',
    '"active": false',
    'The flow is complete.',
  ]
  let from = 0
  for (const words of milestones) {
    const at = stdout.indexOf(words, from)
    expect({ words, found: at >= from }).toEqual({ words, found: true })
    from = at + words.length
  }
  // Handles are shortened, so that a reader of the screen cannot use them.
  for (const handle of [location.searchParams.get('code')!, secret]) expect(stdout).not.toContain(handle)
  expect(stdout).not.toMatch(/lkr_\S{30}/)
})

test('a public client without offline access, and opaque access tokens', async () => {
  const args = ['--public', '--grant-type', 'authorization_code', '--access-token-format', 'opaque']
  const { port, id } = await register(...args)
  const running = start('--client-id', id, '--port', port, '--scope', 'openid email')
  await fetch(await person(op.issuer, fetch).goThrough(await running.url, alice))
  const { code, stdout, stderr } = await running.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/access_token lka_\S+… \(opaque\)/)
  expect(stdout).toContain('only for clients with a secret')
  expect(stdout).toContain('== Revoked the access token')
})

test('responses with another state or issuer are refused, and the client waits on', async () => {
  const { port, id, secret } = await register()
  const running = start('--client-id', id, '--client-secret', secret, '--port', port)
  const url = new URL(await running.url)
  const callback = `http://localhost:${port}/callback`
  const state = url.searchParams.get('state')!
  const iss = op.issuer
  for (const forged of [
    { code: 'x', state: 'other', iss },
    { code: 'x', state },
    { code: 'x', state, iss: 'https://evil.example' },
  ]) {
    const answer = await fetch(`${callback}?${new URLSearchParams(forged as Record<string, string>)}`)
    expect(answer.status).toBe(400)
  }
  expect((await fetch(`http://localhost:${port}/`)).status).toBe(404)
  await fetch(await person(op.issuer, fetch).goThrough(url.href, alice))
  expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
})

test('a denied request is reported', async () => {
  const { port, id, secret } = await register()
  const running = start('--client-id', id, '--client-secret', secret, '--port', port)
  const browser = person(op.issuer, fetch)
  const { page } = await browser.open(await running.url)
  const consent = await browser.press(page!, 'login', alice)
  const denied = await browser.press(consent.page!, 'deny')
  await fetch(denied.location!)
  const { code, stderr } = await running.ended
  expect(code).toBe(1)
  expect(stderr).toContain('access_denied')
})

test('no response, no provider, wrong options: an error message, and the client ends', async () => {
  const { port, id } = await register('--public')
  const waited = await start('--client-id', id, '--port', port, '--timeout', '1').ended
  expect(waited).toMatchObject({ code: 1, stderr: expect.stringContaining('within 1 seconds') as string })
  const nobody = await line.script(
    'test_client.ts',
    '--issuer',
    `http://localhost:${freePort()}`,
    '--no-open',
  )
  expect(nobody).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is the provider running?') as string,
  })
  const wrong: [RegExp, ...string[]][] = [
    [/--issuer: expected an http or https URL/, '--issuer', 'file:///etc/passwd'],
    [/--port: expected a number/, '--port', 'eighty'],
    [/--colour is no option[^]*bun scripts\/test_client\.ts --help/, '--colour'],
  ]
  for (const [words, ...args] of wrong) {
    const { code, stderr } = await line.script('test_client.ts', ...args)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(words) as string })
  }
  expect((await line.script('test_client.ts', '--help')).stdout).toContain('--no-open')
})

test('the demo client needs no options but the issuer', async () => {
  const { code, stderr } = await line.script(
    ...([
      'test_client.ts',
      '--issuer',
      op.issuer,
      '--no-open',
      '--port',
      `${freePort()}`,
      '--timeout',
      '0',
    ] as const),
  )
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining('no answer came back') as string,
  })
})
