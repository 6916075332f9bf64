/** Kits for tools, made by the command and carried out against a server: curl, `.http` files, Postman, Bruno. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandLine, type CommandLine } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { installed, type Packages } from '../support/kits.ts'
import { person } from '../support/person.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'

setDefaultTimeout(120_000)

/** As hostile as an operator may register it. */
const clientId = `it's-a"client$(touch\${IFS}pwned)&\`id\``
const redirect = 'http://localhost:3000/callback'

let folder: string
let provider: SpawnedProvider
let line: CommandLine
let packages: Packages
let secret: string
const bin = (name: string) => join(packages.folder, 'node_modules/.bin', name)
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-kit-tools-'))
  const PORT = `${freePort()}`
  const env = {
    PORT,
    ISSUER_URL: `http://localhost:${PORT}`,
    STORE_URL: `sqlite:${join(folder, 'latchkey.db')}`,
  }
  line = commandLine(env)
  ;[provider, packages] = await Promise.all([
    spawnProvider(env),
    installed({ httpyac: '6.16.7', '@usebruno/cli': '4.1.0' }),
  ])
  const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials', device]
  const added = await line.json<{ client_secret: string }>(
    ...['client', 'add', `O'Brien & $(touch pwned)`, '--client-id', clientId, '--redirect-uri', redirect],
    ...grantTypes.flatMap((each) => ['--grant-type', each]),
    '--json',
  )
  secret = added.client_secret
  await Bun.write(join(folder, 'secret'), `${secret}\n`)
})
const device = 'urn:ietf:params:oauth:grant-type:device_code'
afterAll(async () => {
  await provider.stop()
  packages.remove()
  line.remove()
  rmSync(folder, { recursive: true, force: true })
})

interface Made {
  files: { path: string; text: string }[]
}
const kit = (kind: string, ...more: string[]) =>
  line.json<Made>('client', 'kit', clientId, '--for', kind, ...more, '--json')

interface Ran {
  code: number
  stdout: string
  stderr: string
}
async function run(
  command: string[],
  more: { env?: Record<string, string>; input?: string } = {},
): Promise<Ran> {
  const child = Bun.spawn(command, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, CLIENT_SECRET: secret, ...more.env },
    stdin: new TextEncoder().encode(more.input ?? ''),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 90_000,
  })
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, stdout, stderr }
}

/** What the browser of Alice comes back with. */
const answerTo = async (url: string): Promise<URL> => person(provider.issuer, fetch).goThrough(url)

test('curl: sign-in, UserInfo, refresh, introspection, revocation, service, device', async () => {
  const { files } = await kit('curl', '--to', join(folder, 'curl'))
  expect(files).toEqual([{ path: 'client.sh' } as never])
  const script = join(folder, 'curl/client.sh')
  expect(readFileSync(script, 'utf8')).not.toContain(secret)
  const client = async (...args: string[]) => {
    const { stdout, stderr } = await run([script, ...args])
    expect(stderr).toBe('')
    return JSON.parse(stdout.trim() || '{}') as Record<string, unknown>
  }

  const child = Bun.spawn([script, 'sign-in'], {
    env: { PATH: process.env.PATH, CLIENT_SECRET: secret },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [, url = ''] = await readUntil(child.stderr, /(http\S+)\nPaste/)
  void child.stdin.write(`${(await answerTo(url)).href}\n`)
  await child.stdin.end()
  const tokens = JSON.parse(await new Response(child.stdout).text()) as Record<string, string>
  expect(tokens).toHaveProperty('id_token')
  expect(await client('userinfo', tokens.access_token!)).toHaveProperty('sub', 'user-alice')
  const renewed = await client('refresh', tokens.refresh_token!)
  expect(renewed).toHaveProperty('access_token')
  const service = await client('service')
  expect(await client('introspect', String(service.access_token))).toHaveProperty('active', true)
  expect(await client('revoke', String(service.access_token))).toEqual({})
  expect(await client('introspect', String(service.access_token))).toEqual({ active: false })

  const waiting = Bun.spawn([script, 'device'], {
    env: { PATH: process.env.PATH, CLIENT_SECRET: secret },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [, place = ''] = await readUntil(waiting.stderr, /Open (\S+) in/)
  const alice = person(provider.issuer, fetch)
  let { page } = await alice.open(place)
  for (let pages = 0; page && pages < 5; pages++) {
    const buttons = page.forms.flatMap((form) => form.buttons)
    const button = ['login', 'continue', 'allow'].find((each) => buttons.includes(each))
    if (button === undefined) break
    ;({ page } = await alice.press(
      page,
      button,
      button === 'login' ? { username: 'alice', password: 'alicepassword' } : {},
    ))
  }
  expect(JSON.parse(await new Response(waiting.stdout).text())).toHaveProperty('access_token')
  expect(existsSync(join(folder, 'pwned'))).toBe(false)
})

test('curl: an address with another state is refused, and no code is spent', async () => {
  const script = join(folder, 'curl/client.sh')
  const { code, stdout, stderr } = await run([script, 'sign-in'], {
    input: `${redirect}?code=lkc_x&state=of-an-attacker\n`,
  })
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain('the state is not that of this request')
})

async function readUntil(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<RegExpExecArray> {
  let text = ''
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    text += Buffer.from(value ?? []).toString()
    const found = pattern.exec(text)
    if (found) return found
    if (done) throw new Error(`ended before ${String(pattern)}:\n${text}`)
  }
}

test('.http: each request of the file, by httpYac', async () => {
  await kit('http', '--to', join(folder, 'http'), '--secret-file', join(folder, 'secret'))
  const path = join(folder, 'http/requests.http')
  const [, url = ''] = /^# (http\S+authorize\S+)$/m.exec(readFileSync(path, 'utf8'))!
  const code = (await answerTo(url)).searchParams.get('code')!
  await Bun.write(path, readFileSync(path, 'utf8').replace('@code =', `@code = ${code}`))
  const { stdout, stderr } = await run([
    'node',
    bin('httpyac'),
    'send',
    path,
    '--all',
    '--env',
    'kit',
    '--json',
    '--output',
    'response',
  ])
  expect(stderr).toBe('')
  const { requests } = JSON.parse(stdout) as {
    requests: { name: string; response: { statusCode: number; body: string } }[]
  }
  expect(requests.map(({ name, response }) => [name, response.statusCode])).toEqual([
    ['discovery', 200],
    ['public_keys', 200],
    ['tokens_for_the_code', 200],
    ['device_authorization', 200],
    ['tokens_for_the_device', 400], // before the sign-in on the device
    ['access_token_of_the_service', 200],
    ['userinfo', 200],
    ['refresh', 200],
    ['introspection', 200],
    ['revocation', 200],
  ])
  expect(existsSync(join(folder, 'pwned'))).toBe(false)
})

/** A code, and the verifier that belongs to it. */
async function codeOf(): Promise<{ code: string; code_verifier: string }> {
  const [file] = (await kit('http')).files
  const [, url = ''] = /^# (http\S+authorize\S+)$/m.exec(file!.text)!
  const [, code_verifier = ''] = /^@code_verifier = (\S+)$/m.exec(file!.text)!
  return { code: (await answerTo(url)).searchParams.get('code')!, code_verifier }
}

test('Postman: each request of the collection, by newman', async () => {
  await kit('postman', '--to', join(folder, 'postman'))
  const variables = { ...(await codeOf()), client_secret: secret }
  const report = join(folder, 'report.json')
  await run([
    process.execPath,
    join(import.meta.dir, '../../node_modules/newman/bin/newman.js'),
    ...[
      'run',
      join(folder, 'postman/collection.json'),
      '--reporters',
      'json',
      '--reporter-json-export',
      report,
    ],
    ...Object.entries(variables).flatMap(([name, value]) => ['--env-var', `${name}=${value}`]),
  ])
  const { run: ran } = JSON.parse(readFileSync(report, 'utf8')) as {
    run: { executions: { item: { name: string }; response: { code: number } }[] }
  }
  const codes = ran.executions.map(({ item, response }) => [item.name, response.code])
  expect(codes).toEqual([
    ['Sign in', 401], // newman opens no window
    ['Discovery', 200],
    ['Public keys', 200],
    ['Tokens for the code', 200],
    ['Device authorization', 200],
    ['Tokens for the device', 400],
    ['Access token of the service', 200],
    ['UserInfo', 200],
    ['Refresh', 200],
    ['Introspection', 200],
    ['Revocation', 200],
  ])
})

test('Bruno: each request of the collection, by its own command', async () => {
  const at = join(folder, 'bruno')
  await kit('bruno', '--to', at)
  const variables = await codeOf()
  const report = join(folder, 'bruno.json')
  rmSync(join(at, 'Sign in.bru')) // opens a window
  const { stdout, stderr } = await run([
    'sh',
    '-c',
    `cd bruno && exec node ${bin('bru')} run --env Latchkey -r --reporter-json ${report} ${Object.entries(
      variables,
    )
      .map(([name, value]) => `--env-var ${name}=${value}`)
      .join(' ')}`,
  ])
  if (!existsSync(report)) throw new Error(stdout + stderr)
  const [{ results }] = JSON.parse(readFileSync(report, 'utf8')) as [
    { results: { test: { filename: string }; response: { status: number } }[] },
  ]
  expect(results.map(({ test: { filename }, response }) => [filename, response.status])).toEqual([
    ['Discovery.bru', 200],
    ['Public keys.bru', 200],
    ['Tokens for the code.bru', 200],
    ['Device authorization.bru', 200],
    ['Tokens for the device.bru', 400],
    ['Access token of the service.bru', 200],
    ['UserInfo.bru', 200],
    ['Refresh.bru', 200],
    ['Introspection.bru', 200],
    ['Revocation.bru', 200],
  ])
})
