/** The command line, as processes beside a running server: commands take effect on the server's accounts and clients. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { generateKeyPairSync } from 'node:crypto'
import {
  authorizationUrl,
  claimsOf,
  formPost,
  headerOf,
  type Json,
  type TestClient,
} from '../support/client.ts'
import { type CommandLine, commandLine } from '../support/command.ts'
import { person } from '../support/person.ts'
import { freePort } from '../support/free_port.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const longEnough = 60_000
const cleanup: (() => unknown)[] = []
afterAll(async () => {
  for (const undo of cleanup.reverse()) await undo()
})

function shell(env: Record<string, string> = {}): CommandLine {
  const made = commandLine(env)
  cleanup.push(made.remove)
  return made
}
async function server(env: Record<string, string>): Promise<SpawnedProvider> {
  const started = await spawnProvider(env)
  cleanup.push(started.stop)
  return started
}
const sqliteOf = (folder: string) => ({ STORE_URL: `sqlite:${join(folder, 'latchkey.db')}` })

async function addClient(line: CommandLine, ...args: string[]): Promise<TestClient> {
  const redirect_uri = 'https://app.example/callback'
  const made = await line.json<{ client_id: string; client_secret?: string }>(
    ...['client', 'add', 'Test application', '--redirect-uri', redirect_uri, '--json', ...args],
  )
  return { ...made, redirect_uri }
}

/** An End-User signs in at `issuer` and the client redeems the code. */
async function signIn(
  issuer: string,
  client: TestClient,
  who: { username: string; password: string },
  scope?: string,
) {
  const browser = person(issuer, fetch)
  const { url, code_verifier } = authorizationUrl(issuer, client, scope === undefined ? {} : { scope })
  const location = await browser.goThrough(url, who)
  const answer = await fetch(
    `${issuer}/token`,
    formPost(client, {
      grant_type: 'authorization_code',
      code: location.searchParams.get('code') ?? '',
      redirect_uri: client.redirect_uri,
      code_verifier,
    }),
  )
  expect(answer.status).toBe(200)
  return { browser, tokens: (await answer.json()) as Record<string, string> }
}

const carol = { username: 'carol', password: 'correct horse battery' }
const userinfo = (issuer: string, token = ''): Promise<Response> =>
  fetch(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } })
const refresh = (issuer: string, client: TestClient, token = ''): Promise<Response> =>
  fetch(`${issuer}/token`, formPost(client, { grant_type: 'refresh_token', refresh_token: token }))
const isActive = async (issuer: string, client: TestClient, token = ''): Promise<unknown> =>
  ((await (await fetch(`${issuer}/introspect`, formPost(client, { token }))).json()) as Json).active

describe('help and usage', () => {
  const line = shell()

  test.each([[['help']], [['--help']], [['-h']]])('%p lists every command', async (args) => {
    const { code, stdout } = await line.latchkey(args)
    expect(code).toBe(0)
    for (const name of ['serve', 'keys rotate', 'jwks', 'pkce', 'user add', 'client remove', 'config check'])
      expect(stdout).toContain(`\n  ${name} `)
  })

  test('help for one, for a group, and at the end of a command', async () => {
    const rotate = 'latchkey keys rotate [--alg ALG …] [--json]'
    expect((await line.latchkey(['help', 'keys', 'rotate'])).stdout).toStartWith(rotate)
    expect((await line.latchkey(['keys', 'rotate', '--help'])).stdout).toStartWith(rotate)
    for (const args of [
      ['help', 'keys'],
      ['keys', 'help'],
      ['keys', '--help'],
      ['keys', '-h'],
    ])
      expect((await line.latchkey(args)).stdout, args.join(' ')).toContain('latchkey keys generate')
  })

  test('version', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dir, '../../package.json'), 'utf8')) as Json
    expect((await line.latchkey(['version'])).stdout).toBe(`latchkey ${version} (source)\n`)
    expect((await line.latchkey(['--version'])).stdout).toBe(`latchkey ${version} (source)\n`)
  })

  test.each([
    [['users'], 'expected one of'],
    [['user'], 'user passwd'],
    [['help', 'nothing'], 'unknown command "nothing"'],
    [['keys', 'rotat'], 'keys rotate'],
    [['serve', '--port', '80'], '--port is no option: settings are variables'],
    [['serve', 'now'], 'takes no arguments'],
    [['user', 'add'], 'takes 1 argument and got none'],
    [['user', 'add', 'carol', 'hunter2'], 'takes 1 argument and got 2'],
    [['keys', 'rotate', '--alg', 'none'], 'expected one of RS256'],
    [['user', 'add', 'carol', '--claim', 'sub=user-alice'], 'is set by the provider'],
  ])('%p prints what was expected, with exit code 2', async (args, words) => {
    const { code, stdout, stderr } = await line.latchkey(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(words)
    expect(stderr).not.toContain('hunter2')
    expect(stderr).not.toContain('.ts:') // words for people, no stack
  })

  test('pkce: challenge and verifier belong together', async () => {
    const made = await line.json<Record<string, string>>('pkce', '--json')
    const hash = new Bun.CryptoHasher('sha256').update(made.code_verifier!).digest('base64url')
    expect(made).toEqual({
      code_verifier: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge: hash,
      code_challenge_method: 'S256',
    })
    const { stdout } = await line.script('generate_pkce.ts')
    const verifier = /code_verifier +(\S+)/.exec(stdout)![1]!
    expect(stdout).toContain(
      `&code_challenge=${new Bun.CryptoHasher('sha256').update(verifier).digest('base64url')}&code_challenge_method=S256`,
    )
  })
})

test('a port in use is reported', async () => {
  const taken = Bun.serve({ hostname: 'localhost', port: 0, fetch: () => new Response() })
  const port = `${taken.port}`
  const { code, stderr } = await shell({ PORT: port }).latchkey(['serve'])
  await taken.stop(true)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(port) as string })
  expect(stderr).not.toContain('.ts:')
})

describe('config check', () => {
  test('prints ok and all settings, but no secret', async () => {
    const secrets = { SECRET_KEY: 'q8vN2kP5xW9zR4tY7uB1mC6dF3gH0jLs', METRICS_TOKEN: 'scrape-me-0123456789' }
    const line = shell({
      ...secrets,
      PORT: '5050',
      REDIS_URL: 'redis://:s3cr3t@localhost:6379/2',
      SCOPES: 'orders',
    })
    const { code, stdout, stderr } = await line.latchkey(['config', 'check'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/\bok\n$/)
    expect(stdout).toMatch(/^PORT +5050 +environment$/m)
    expect(stdout).toMatch(/^ISSUER_URL +http:\/\/localhost:5050 +default$/m)
    expect(stdout).toMatch(/^STORE_URL +redis:\/\/…@localhost:6379\/2 +default$/m)
    expect(stdout).toMatch(/^SECRET_KEY +hidden +environment$/m)
    expect(stdout).toMatch(/^SCOPES +orders +environment$/m)
    for (const secret of [...Object.values(secrets), 's3cr3t']) expect(stdout + stderr).not.toContain(secret)
  })

  test('warns of settings that are allowed but often a mistake', async () => {
    const line = shell({ HOST: '0.0.0.0' })
    const { code, stderr } = await line.latchkey(['config', 'check'])
    expect(code).toBe(0)
    expect(stderr).toStartWith('warning: HOST lets other machines reach a development provider')
    const { ok, warnings } = await line.json<{ ok: boolean; warnings: string[] }>('config', 'check', '--json')
    expect({ ok, warnings }).toEqual({ ok: true, warnings: [expect.stringContaining('HOST') as string] })
  })

  test('notes which algorithm costs less, once in text and once in JSON', async () => {
    const { code, stdout, stderr } = await shell({}).latchkey(['config', 'check'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^note: ACCESS_TOKEN_ALG is RS256: .*ES256 or EdDSA/m)
    const { notes } = await shell({}).json<{ notes: string[] }>('config', 'check', '--json')
    expect(notes).toEqual([expect.stringContaining('ACCESS_TOKEN_ALG is RS256') as string])
    expect((await shell({ ACCESS_TOKEN_ALG: 'ES256' }).latchkey(['config', 'check'])).stdout).not.toContain(
      'note:',
    )
  })

  test('lists the registered clients that would not work under each profile', async () => {
    const line = shell({ STORE_URL: 'sqlite:latchkey.db' })
    await line.latchkey(['config', 'check'])
    expect(existsSync(join(line.folder, 'latchkey.db'))).toBe(false) // looking makes no database
    await line.latchkey([
      'client',
      'add',
      'Old',
      '--client-id',
      'old',
      '--redirect-uri',
      'https://old.example/',
    ])
    const { code, stdout } = await line.latchkey(['config', 'check'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/\bok\n$/)
    expect(stdout).toContain('PROFILE=fapi2, which is not in use, would refuse a client as registered now:')
    expect(stdout).toContain(
      '  old: token_endpoint_auth_method client_secret_basic is not among those accepted',
    )
    expect(stdout).not.toContain('PROFILE=classic')
    expect(stdout).not.toContain('must use PKCE') // it must already
    interface Checked {
      profiles: { profile: string; clients: { client_id: string; demands: string[] }[] }[]
    }
    const { profiles } = await line.json<Checked>('config', 'check', '--json')
    expect(profiles.map(({ profile }) => profile)).toEqual(['oauth21', 'classic', 'fapi2', 'mcp'])
    expect(profiles[0]!.clients).toEqual([{ client_id: 'old', demands: ['must use PKCE'] }])
  })

  test('--changed: what is set, and what the profile changes, without the look at other profiles', async () => {
    const line = shell({ PROFILE: 'mcp', PORT: '5005', SECRET_KEY: 'k'.repeat(40), STORE_URL: 'sqlite:c.db' })
    const { code, stdout } = await line.latchkey(['config', 'check', '--changed'])
    expect(code).toBe(0)
    const rows = stdout
      .split('\n\n')[0]!
      .split('\n')
      .map((row) => row.split(/ {2,}/))
    expect(rows[0]).toEqual(['VARIABLE', 'VALUE', 'FROM'])
    expect(rows).toContainEqual(['PORT', '5005', 'environment'])
    expect(rows).toContainEqual(['REGISTRATION', 'open', 'PROFILE'])
    expect(rows).toContainEqual(['SECRET_KEY', 'hidden', 'environment'])
    expect(rows.flat()).not.toContain('HOST')
    expect(stdout).not.toContain('PROFILE=')
    const { settings } = await line.json<{ settings: object }>('config', 'check', '--changed', '--json')
    expect(Object.keys(settings)).toEqual(rows.slice(1).map(([name]) => name!))
    const nothing = await shell({}).latchkey(['config', 'check', '--changed'])
    expect(nothing.stdout).toStartWith('All settings have their defaults')
  })

  test('an unreachable store is a warning: the configuration itself is correct', async () => {
    const line = shell({ REDIS_URL: 'redis://:s3cr3t@127.0.0.1:1/2', STORE_TIMEOUT_MS: '300' })
    const { code, stdout, stderr } = await line.latchkey(['config', 'check'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/\bok\n$/)
    expect(stderr).toContain('warning: the clients of redis://…@127.0.0.1:1/2 could not be read')
    expect(stdout + stderr).not.toContain('s3cr3t')
  })

  test('lists every problem at once and exits with 2; so do all other commands', async () => {
    const line = shell({
      NODE_ENV: 'production',
      STORE_URL: 'memory:',
      PORT: 'x',
      ISSUER_URL: 'http://id.example',
    })
    const names = ['PORT', 'STORE_URL', 'ISSUER_URL', 'SECRET_KEY']
    for (const args of [['config', 'check'], ['serve'], ['keys', 'list'], ['user', 'list']]) {
      const { code, stdout, stderr } = await line.latchkey(args)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      for (const name of names) expect(stderr).toMatch(new RegExp(`^${name}: `, 'm'))
    }
    const { code, stdout } = await line.latchkey(['config', 'check', '--json'])
    expect(code).toBe(2)
    expect((JSON.parse(stdout) as { problems: string[] }).problems).toHaveLength(names.length)
  })

  test('files in variables must exist', async () => {
    const line = shell({ TLS_CERT_PATH: 'missing.pem', TLS_KEY_PATH: 'missing.key' })
    const { code, stderr } = await line.latchkey(['config', 'check'])
    expect(code).toBe(2)
    expect(stderr).toContain('TLS_CERT_PATH: expected a readable file, got missing.pem')
    expect(stderr).toContain('TLS_KEY_PATH: expected a readable file')
  })
})

describe('keys with the memory store', () => {
  test('are made once, readable by their owner alone, and printed without their private half', async () => {
    const line = shell()
    const first = await line.script('generate_keys.ts')
    expect(first.code).toBe(0)
    expect(first.stdout).toContain('kept in the folder keys')
    expect(statSync(join(line.folder, 'keys/private.pem')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(line.folder, 'keys/public.pem'), 'utf8')).toStartWith(
      '-----BEGIN PUBLIC KEY-----',
    )
    expect((await line.latchkey(['keys', 'generate'])).stdout).toBe(first.stdout)

    const { keys } = JSON.parse((await line.script('generate_jwks.ts')).stdout) as { keys: Json[] }
    const names = keys.map(({ use, alg, crv }) => `${use} ${alg ?? crv}`)
    expect(names).toEqual(['RS256', 'PS256', 'ES256', 'EdDSA'].map((alg) => `sig ${alg}`))
    for (const key of keys) for (const member of ['d', 'p', 'q', 'k']) expect(key).not.toHaveProperty(member)
    expect(await line.json('jwks')).toEqual({ keys })
  })

  test('rotate: published at once, signing later, and twice is once', async () => {
    const line = shell()
    const rotated = await line.latchkey(['keys', 'rotate', '--alg', 'ES256'])
    const kid = /^ES256 (\S+) is published, starts signing at \S+Z, in \d+ seconds$/m.exec(rotated.stdout)![1]
    const states = await line.json<Json[]>('keys', 'list', '--json')
    expect(states.filter(({ alg }) => alg === 'ES256').map(({ state }) => state)).toEqual(['current', 'next'])
    expect(states.filter(({ alg }) => alg === 'RS256').map(({ state }) => state)).toEqual(['current'])
    const again = await line.latchkey(['keys', 'rotate', '--alg', 'ES256'])
    expect(again.stdout).toStartWith(`ES256 ${kid} was published by an earlier rotation`)
    expect((await line.json<{ keys: Json[] }>('jwks')).keys.map((key) => key.kid)).toContain(kid)
  })

  test('another SECRET_KEY is refused with what to do', async () => {
    const line = shell()
    await line.latchkey(['keys', 'generate'])
    const other = commandLine({
      SECRET_KEY: 'q8vN2kP5xW9zR4tY7uB1mC6dF3gH0jLs',
      KEYS_PATH: join(line.folder, 'keys'),
    })
    cleanup.push(other.remove)
    const { code, stderr } = await other.latchkey(['keys', 'list'])
    expect(code).toBe(2)
    expect(stderr).toContain('not sealed with this SECRET_KEY')
  })

  test(
    'a running server adopts a rotation without a restart, and old tokens stay valid',
    async () => {
      const line = shell({ KEY_ACTIVATION_DELAY: '6', JWKS_MAX_AGE: '1' })
      const env = { KEY_ACTIVATION_DELAY: '6', JWKS_MAX_AGE: '1', KEYS_PATH: join(line.folder, 'keys') }
      const { issuer } = await server(env)
      const client = { client_id: 'client123', client_secret: 'secret456', redirect_uri: '' }
      const token = async (): Promise<string> => {
        const answer = await fetch(`${issuer}/token`, formPost(client, { grant_type: 'client_credentials' }))
        return ((await answer.json()) as Record<string, string>).access_token!
      }
      const before = await token()
      const [next] = await line.json<{ kid: string; alg: string }[]>(
        'keys',
        'rotate',
        '--alg',
        'RS256',
        '--json',
      )
      await until(async () => headerOf(await token()).kid === next!.kid, 'tokens signed with the next key')
      const after = await token()
      const { keys } = (await (await fetch(`${issuer}/jwks.json`)).json()) as { keys: Json[] }
      expect(keys.map(({ kid }) => kid)).toContain(headerOf(before).kid)
      expect(await isActive(issuer, client, before)).toBe(true)
      expect(await isActive(issuer, client, after)).toBe(true)
    },
    longEnough,
  )
})

test('commands cannot access accounts and clients of a memory store, and the error says what to set', async () => {
  const line = shell()
  for (const args of [
    ['user', 'list'],
    ['user', 'add', 'carol', '--password-stdin'],
    ['user', 'disable', 'alice'],
    ['client', 'add', 'App', '--redirect-uri', 'https://app.example/cb'],
    ['client', 'remove', 'client123'],
  ]) {
    const { code, stdout, stderr } = await line.latchkey(args, carol.password)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('STORE_URL=sqlite:latchkey.db')
    expect(stderr).toContain('redis://…')
  }
})

describe('passwords', () => {
  const line = shell({ STORE_URL: 'sqlite:latchkey.db' })

  test('at a terminal: asked twice, and never shown', async () => {
    const { code, stdout } = await line.atTerminal(
      ['user', 'add', 'dora'],
      [
        ['Password: ', 'correct hors\x7fse pferd\r'],
        ['Once more: ', 'correct horse pferd\n'],
      ],
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('dora') as string })
    expect(stdout).not.toContain('pferd')
    expect(stdout).not.toContain('correct')
  })

  test('two that differ, one too short, Ctrl-C and Ctrl-D change nothing', async () => {
    const dialogues: [code: number, ...[string, string][]][] = [
      [1, ['Password: ', 'correct horse\r'], ['Once more: ', 'correct house\r']],
      [1, ['Password: ', 'short\r']],
      [130, ['Password: ', 'correct ho\x03']],
      [1, ['Password: ', 'correct ho\x04']],
    ]
    for (const [code, ...dialogue] of dialogues) {
      const ran = await line.atTerminal(['user', 'add', 'erik'], dialogue)
      expect({ ...ran, stderr: '' }).toMatchObject({ code })
    }
    const users = await line.json<Json[]>('user', 'list', '--json')
    expect(users.map(({ username }) => username)).not.toContain('erik')
  })

  test.each([
    ['seven c', 1, '8 to 128 characters. This one has 7'],
    ['🔑🔑🔑🔑', 1, 'This one has 4'],
    ['correct horse '.repeat(10), 1, 'This one has 140'],
    ['first line\nsecond line\n', 1, 'line breaks'],
    ['', 1, 'This one has 0'],
  ])('%j by stdin is refused and not repeated', async (input, code, words) => {
    const ran = await line.latchkey(['user', 'add', 'frida', '--password-stdin'], input)
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toContain(words)
    if (input) expect(ran.stderr).not.toContain(input.split('\n')[0]!)
  })

  test('without a terminal and without --password-stdin the command is refused', async () => {
    const { code, stderr } = await line.latchkey(['user', 'add', 'frida'], `${carol.password}\n`)
    expect(code).toBe(2)
    expect(stderr).toContain('--password-stdin')
  })
})

/** Commands that act on a running server, for each store that processes share. */
function besideAServer(store: () => Record<string, string>) {
  let line: CommandLine
  let op: SpawnedProvider
  let client: TestClient
  beforeAll(async () => {
    line = shell(store())
    op = await server(store())
    client = await addClient(line, '--client-id', 'app')
  }, longEnough)

  test(
    'user add: a new End-User can sign in at once, with the given claims',
    async () => {
      const add = [
        'user',
        'add',
        'carol',
        '--email',
        'carol@example.com',
        '--name',
        'Carol C.',
        '--password-stdin',
      ]
      const { code } = await line.latchkey([...add, '--claim', 'email_verified=true'], `${carol.password}\n`)
      expect(code).toBe(0)
      const { tokens } = await signIn(op.issuer, client, carol)
      expect(await (await userinfo(op.issuer, tokens.access_token)).json()).toMatchObject({
        name: 'Carol C.',
        email: 'carol@example.com',
        email_verified: true,
        preferred_username: 'carol',
      })

      const users = await line.json<Json[]>('user', 'list', '--json')
      expect(users.find(({ username }) => username === 'carol')).toMatchObject({ disabled: false })
      expect(JSON.stringify(users)).not.toContain('argon2')
      expect((await line.latchkey(['user', 'list'])).stdout).toMatch(
        /^carol +active +\S+ +carol@example\.com /m,
      )
      const found = async (...options: string[]) =>
        (await line.json<Json[]>('user', 'list', ...options, '--json')).map(({ username }) => username)
      expect(await found('--search', 'caro', '--sort', 'username', '--limit', '1')).toEqual(['carol'])
      expect(await found('--search', 'carol c')).toEqual(['carol'])
      expect(await found('--search', 'carol', '--state', 'disabled')).toEqual([])
      for (const wrong of [
        ['--sort', 'age'],
        ['--state', 'tall'],
        ['--limit', '0'],
      ])
        expect(await line.latchkey(['user', 'list', ...wrong])).toMatchObject({ code: 2 })
      expect((await line.latchkey(['user', 'list', '--role', 'none'])).stdout).toStartWith('no account has')
    },
    longEnough,
  )

  test(
    'a name is taken in all its spellings',
    async () => {
      for (const name of ['carol', 'CAROL', ' carol ', 'ca\u200brol', 'ｃａｒｏｌ']) {
        const { code, stderr } = await line.latchkey(
          ['user', 'add', name, '--password-stdin'],
          'another password',
        )
        expect(code).toBe(1)
        expect(stderr).toMatch(/there is a user|visible characters/)
      }
      const users = await line.json<Json[]>('user', 'list', '--json')
      expect(users.filter(({ claims }) => (claims as Json).name === 'Carol C.')).toHaveLength(1)
    },
    longEnough,
  )

  test(
    'user disable ends sessions and tokens and prevents sign-in; user enable allows it again',
    async () => {
      const first = await signIn(op.issuer, client, carol)
      const offline = await signIn(op.issuer, client, carol, 'openid offline_access')
      const { code, stdout } = await line.latchkey(['user', 'disable', 'carol'])
      expect(code).toBe(0)
      expect(stdout).toMatch(/^carol is disabled; ended \d+ sessions and \d+ grants/)

      for (const { tokens } of [first, offline]) {
        expect((await userinfo(op.issuer, tokens.access_token)).status).toBe(401)
        expect(await isActive(op.issuer, client, tokens.access_token)).toBe(false)
        expect(await isActive(op.issuer, client, tokens.refresh_token)).toBe(false)
        expect((await refresh(op.issuer, client, tokens.refresh_token)).status).toBe(400)
      }
      // The browser with the old session is asked to sign in, and cannot.
      const { page } = await first.browser.open(authorizationUrl(op.issuer, client).url)
      expect(page?.forms.flatMap(({ buttons }) => buttons)).toContain('login')
      expect((await first.browser.press(page!, 'login', carol)).page?.status).toBe(401)
      expect((await line.latchkey(['user', 'list'])).stdout).toMatch(/^carol +disabled /m)

      expect((await line.latchkey(['user', 'enable', 'Carol'])).code).toBe(0)
      const again = await signIn(op.issuer, client, carol)
      expect((await userinfo(op.issuer, again.tokens.access_token)).status).toBe(200)
      expect((await userinfo(op.issuer, first.tokens.access_token)).status).toBe(401)
    },
    longEnough,
  )

  test(
    'user passwd: the old password is refused, and its sessions end',
    async () => {
      const thief = await signIn(op.issuer, client, carol, 'openid offline_access')
      const fresh = { username: 'carol', password: 'another good password' }
      const { code, stdout } = await line.latchkey(
        ['user', 'passwd', 'carol', '--password-stdin'],
        fresh.password,
      )
      expect({ code, stdout }).toEqual({
        code: 0,
        stdout: expect.stringContaining('has a new password') as string,
      })
      expect((await refresh(op.issuer, client, thief.tokens.refresh_token)).status).toBe(400)
      const { page } = await thief.browser.open(authorizationUrl(op.issuer, client).url)
      expect((await thief.browser.press(page!, 'login', carol)).page?.status).toBe(401)
      await signIn(op.issuer, client, fresh)
    },
    longEnough,
  )

  test(
    'user passwd lets a locked out End-User sign in at once',
    async () => {
      const fresh = { username: 'alice', password: 'remembered at last' }
      const browser = person(op.issuer, fetch)
      let { page } = await browser.open(authorizationUrl(op.issuer, client).url)
      for (let tries = 0; page?.status !== 429 && tries < 15; tries++)
        ({ page } = await browser.press(page!, 'login', { username: 'alice', password: 'forgotten' }))
      expect(page?.status).toBe(429)
      await line.latchkey(['user', 'passwd', 'alice', '--password-stdin'], fresh.password)
      await signIn(op.issuer, client, fresh)
    },
    longEnough,
  )

  test('no such account', async () => {
    for (const command of ['disable', 'enable', 'passwd']) {
      const { code, stderr } = await line.latchkey(['user', command, 'nobody'])
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining('there is no user nobody') as string,
      })
    }
  })

  test(
    'client add: a service with its own keys, a resource server, and members that registration refuses',
    async () => {
      const service = await line.json<Record<string, string>>(
        ...[
          'client',
          'add',
          'Job',
          '--grant-type',
          'client_credentials',
          '--json',
          '--access-token-format',
          'opaque',
        ],
      )
      const answer = await fetch(
        `${op.issuer}/token`,
        formPost(
          { client_id: service.client_id!, client_secret: service.client_secret!, redirect_uri: '' },
          {
            grant_type: 'client_credentials',
          },
        ),
      )
      const { access_token } = (await answer.json()) as Record<string, string>
      expect(access_token).toStartWith('lka_')

      const api = await line.json<Record<string, string>>(
        ...['client', 'add', 'API', '--grant-type', 'client_credentials', '--resource-server', '--json'],
      )
      const asApi = { client_id: api.client_id!, client_secret: api.client_secret!, redirect_uri: '' }
      expect(await isActive(op.issuer, asApi, access_token)).toBe(true)
      expect(await isActive(op.issuer, client, access_token)).toBe(false)

      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      writeFileSync(
        join(line.folder, 'jwks.json'),
        JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }),
      )
      const signed = await line.json<Json>(
        ...[
          'client',
          'add',
          'Signed',
          '--redirect-uri',
          'https://b.example/cb',
          '--jwks',
          'jwks.json',
          '--json',
        ],
      )
      expect(signed).toMatchObject({ token_endpoint_auth_method: 'private_key_jwt' })
      expect(signed).not.toHaveProperty('client_secret')

      const own = await line.json<Json>(
        ...[
          'client',
          'add',
          'Own',
          '--redirect-uri',
          'https://c.example/cb',
          '--first-party',
          '--no-pkce',
          '--json',
        ],
      )
      expect(own).toMatchObject({ first_party: true, require_pkce: false })
    },
    longEnough,
  )

  test(
    'client add: --first-party shows no consent page, --no-pkce does not require PKCE',
    async () => {
      const own = await addClient(line, '--first-party', '--no-pkce', '--id-token-alg', 'ES256')
      const browser = person(op.issuer, fetch)
      const without = { code_challenge: undefined, code_challenge_method: undefined }
      const { page } = await browser.open(authorizationUrl(op.issuer, own, without).url)
      const { location } = await browser.press(page!, 'login', { username: 'bob', password: 'bobpassword' })
      const answer = await fetch(
        `${op.issuer}/token`,
        formPost(own, {
          grant_type: 'authorization_code',
          code: location!.searchParams.get('code')!,
          redirect_uri: own.redirect_uri,
        }),
      )
      const { id_token } = (await answer.json()) as Json
      expect(headerOf(id_token).alg).toBe('ES256')
      expect(claimsOf(id_token).aud).toBe(own.client_id)
    },
    longEnough,
  )

  test(
    'the secret is shown only once; show and list print all other members',
    async () => {
      const made = await line.latchkey(['client', 'add', 'Once', '--redirect-uri', 'https://d.example/cb'])
      const [, secret] = /^client_secret +(\S+)$/m.exec(made.stdout)!
      const [, id] = /^client_id +(\S+)$/m.exec(made.stdout)!
      const shown = await Promise.all([
        line.latchkey(['client', 'show', id!]),
        line.latchkey(['client', 'show', id!, '--json']),
        line.latchkey(['client', 'list']),
        line.latchkey(['client', 'list', '--json']),
      ])
      for (const { code, stdout } of shown) {
        expect(code).toBe(0)
        expect(stdout).toContain(id!)
        expect(stdout).not.toContain(secret!)
        expect(stdout).not.toMatch(/sealed_secret|secret_mac/)
      }
    },
    longEnough,
  )

  test(
    'the name of a self-registered client cannot move the cursor of the operator’s terminal',
    async () => {
      const evil = 'Bank\u001b[2J\u001b[31m\u202e'
      const body = JSON.stringify({ client_name: evil, redirect_uris: ['https://evil.example/cb'] })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${op.issuer}/register`, { method: 'POST', headers, body })
      if (answer.status !== 201) return expect(answer.status).toBe(400) // refused where it would come in
      const { client_id } = (await answer.json()) as Record<string, string>
      for (const args of [
        ['client', 'list'],
        ['client', 'show', client_id!],
        ['client', 'list', '--json'],
      ])
        expect((await line.latchkey(args)).stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
    },
    longEnough,
  )

  test.each([
    [['--redirect-uri', 'http://app.example/cb'], 'http off loopback'],
    [['--redirect-uri', 'https://app.example/cb#x'], 'fragment'],
    [[], 'expected --redirect-uri URI'],
    [['--redirect-uri', 'https://a.example/cb', '--grant-type', 'password'], 'grant_types'],
    [['--redirect-uri', 'https://a.example/cb', '--scope', 'everything'], 'everything'],
    [['--redirect-uri', 'https://a.example/cb', '--id-token-alg', 'none'], 'id_token_signed_response_alg'],
    [['--redirect-uri', 'https://a.example/cb', '--client-id', 'app'], 'there is a client app already'],
    [['--redirect-uri', 'https://a.example/cb', '--jwks', 'absent.json'], 'absent.json'],
  ])('client add %p is refused', async (args, words) => {
    const { code, stdout, stderr } = await line.latchkey(['client', 'add', 'Wrong', ...args])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(words)
    expect(stderr).not.toContain('.ts:')
  })

  test(
    'client remove: its tokens and grants end, and a new client with the same client_id has none of them',
    async () => {
      const args = ['--client-id', 'short-lived', '--public']
      const gone = await addClient(line, ...args)
      const who = { username: 'bob', password: 'bobpassword' }
      const { tokens } = await signIn(op.issuer, gone, who, 'openid offline_access')
      const { stdout } = await line.latchkey(['client', 'remove', 'short-lived'])
      expect(stdout).toContain('short-lived is removed; ended 1 grant')
      await Bun.sleep(1_100) // as long as a server believes what it last read of a client
      const api = await line.json<TestClient>(
        ...['client', 'add', 'Watcher', '--grant-type', 'client_credentials', '--resource-server', '--json'],
      )
      expect(await isActive(op.issuer, api, tokens.access_token)).toBe(false)
      expect((await userinfo(op.issuer, tokens.access_token)).status).toBe(401)
      expect((await refresh(op.issuer, gone, tokens.refresh_token)).status).toBe(401)

      await addClient(line, ...args)
      expect(await isActive(op.issuer, api, tokens.access_token)).toBe(false)
      expect((await refresh(op.issuer, gone, tokens.refresh_token)).status).toBe(400)
      expect((await line.latchkey(['client', 'remove', 'nothing'])).code).toBe(1)
    },
    longEnough,
  )

  test(
    'client remove: a client_credentials token is no longer valid',
    async () => {
      const args = ['--grant-type', 'client_credentials', '--json']
      const service = await line.json<TestClient>('client', 'add', 'Service', ...args)
      const api = await line.json<TestClient>('client', 'add', 'API', '--resource-server', ...args)
      const answer = await fetch(
        `${op.issuer}/token`,
        formPost(service, { grant_type: 'client_credentials' }),
      )
      const { access_token } = (await answer.json()) as Record<string, string>
      expect(await isActive(op.issuer, api, access_token)).toBe(true)
      expect((await line.latchkey(['client', 'remove', service.client_id])).code).toBe(0)
      await Bun.sleep(1_100)
      expect(await isActive(op.issuer, api, access_token)).toBe(false)
    },
    longEnough,
  )

  test(
    'keys rotate reaches the server through their common store',
    async () => {
      const [next] = await line.json<{ kid: string }[]>('keys', 'rotate', '--alg', 'EdDSA', '--json')
      const published = async () => {
        const { keys } = (await (await fetch(`${op.issuer}/jwks.json`)).json()) as { keys: Json[] }
        return keys.some(({ kid }) => kid === next!.kid)
      }
      await until(published, 'the next key to be published')
    },
    longEnough,
  )
}

describe('beside a server on SQLite', () => {
  const { folder } = shell()
  besideAServer(() => sqliteOf(folder))
})

describe('beside a server on Redis', () => {
  let url = ''
  beforeAll(async () => {
    const redis = await startRedis({ password: 'p@ss word' })
    cleanup.push(redis.stop)
    url = redis.url
  })
  besideAServer(() => ({ REDIS_URL: url, STORE_TIMEOUT_MS: '30000' }))

  test('an unreachable Redis is reported, without its password', async () => {
    const line = shell({ REDIS_URL: `redis://:hunter2@127.0.0.1:${freePort()}` })
    const { code, stderr } = await line.latchkey(['user', 'list'])
    expect(code).toBe(1)
    expect(stderr).not.toContain('hunter2')
    expect(stderr).not.toContain('.ts:')
  })
})
