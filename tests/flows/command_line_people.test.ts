/** Commands about accounts: import and export, invitations, verified addresses, lost factors, sessions. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { pbkdf2Sync, scryptSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { authorizationUrl, formPost, type Json, type TestClient } from '../support/client.ts'
import { type CommandLine, commandLine } from '../support/command.ts'
import { until } from '../support/until.ts'
import { type Landing, person } from '../support/person.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'

const longEnough = 60_000
const password = 'correct horse battery'
let line: CommandLine
let op: SpawnedProvider
let database: string
let env: Record<string, string>

beforeAll(async () => {
  database = mkdtempSync(join(tmpdir(), 'latchkey-people-'))
  env = { STORE_URL: `sqlite:${join(database, 'latchkey.db')}`, ACCOUNT_REGISTRATION: 'invitation' }
  line = commandLine(env)
  op = await spawnProvider(env)
}, longEnough)
afterAll(async () => {
  await op.stop()
  line.remove()
  rmSync(database, { recursive: true, force: true })
})

const file = (name: string, content: string): string => {
  const path = join(line.folder, name)
  writeFileSync(path, content)
  return path
}
const at = (landing: Landing): string => new URL(landing.page!.url).pathname

async function signIn(username: string): Promise<{ path: string; browser: ReturnType<typeof person> }> {
  const browser = person(op.issuer, fetch)
  const { page } = await browser.open('/login')
  return { path: at(await browser.press(page!, 'login', { username, password })), browser }
}

/** A grant of eva that is not bound to her session; the result tells whether its refresh token works. */
async function offlineGrant(): Promise<() => Promise<boolean>> {
  const redirect_uri = 'https://app.example/callback'
  const made = await line.json<{ client_id: string; client_secret: string }>(
    ...['client', 'add', 'An application', '--redirect-uri', redirect_uri, '--json'],
  )
  const client: TestClient = { ...made, redirect_uri }
  const token = (fields: Record<string, string>) => fetch(`${op.issuer}/token`, formPost(client, fields))
  const { url, code_verifier } = authorizationUrl(op.issuer, client, { scope: 'openid offline_access' })
  const answer = await person(op.issuer, fetch).goThrough(url, { username: 'eva', password })
  const code = answer.searchParams.get('code') ?? ''
  const redeemed = await token({ grant_type: 'authorization_code', code, redirect_uri, code_verifier })
  let { refresh_token } = (await redeemed.json()) as { refresh_token: string }
  return async () => {
    const reply = await token({ grant_type: 'refresh_token', refresh_token })
    const refreshed = (await reply.json()) as { refresh_token?: string }
    refresh_token = refreshed.refresh_token ?? refresh_token
    return reply.ok
  }
}

interface Imported {
  imported: number
  problems: { at: string; problem: string }[]
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const salt = 'saltsaltsaltsalt'
const people = () => [
  {
    username: 'pat',
    sub: 'legacy|1',
    password_hash: `pbkdf2_sha256$100000$${salt}$${base64(pbkdf2Sync(password, salt, 100_000, 32, 'sha256'))}`,
    claims: {
      name: '=HYPERLINK("https://evil.example","x")',
      email: 'pat@legacy.example',
      email_verified: true,
      phone_number: '+351210000000',
      address: { locality: 'Porto', street_address: '1, "Rua"\nA' },
    },
    attributes: {
      organization: 'Example Corp',
      permissions: ['read', 'write'],
      level: 7,
      code: '007',
      flag: 'true',
    },
    roles: ['editor', 'author'],
    language: 'pt',
    created_at: 1_500_000_000,
  },
  {
    username: 'sam',
    password_hash: `scrypt:16384:8:1$${salt}$${scryptSync(password, salt, 64, { N: 16_384, r: 8, p: 1 }).toString('hex')}`,
  },
]

describe('import and export', () => {
  test(
    'accounts are imported with their hashes, can sign in, and are exported unchanged',
    async () => {
      const path = file('people.json', JSON.stringify(people()))
      const dry = await line.json<Imported>('user', 'import', path, '--dry-run', '--json')
      expect(dry).toMatchObject({ people: 2, imported: 0, dry_run: true, problems: [] })
      expect(
        (await line.json<Json[]>('user', 'list', '--json')).map(({ username }) => username),
      ).not.toContain('pat')
      expect((await line.json<Imported>('user', 'import', path, '--json')).imported).toBe(2)
      expect((await signIn('pat')).path).toBe('/account')
      expect((await signIn('pat@legacy.example')).path).toBe('/account')
      expect((await signIn('sam')).path).toBe('/account')

      const plain = await line.json<Json[]>('user', 'export')
      expect(JSON.stringify(plain)).not.toContain('password_hash')
      expect(JSON.stringify(plain)).not.toContain('argon2')
      const { password_hash: _, ...pat } = people()[0] as Json
      expect(plain.find(({ username }) => username === 'pat')).toMatchObject(pat)

      const whole = await line.json<Json[]>('user', 'export', '--with-hashes', '--json')
      const hash = whole.find(({ username }) => username === 'pat')!.password_hash
      expect(hash).toStartWith('$argon2id$v=19$m=19456,t=2,p=1$') // upgraded as they signed in

      const { stdout: csv } = await line.latchkey(['user', 'export', '--format', 'csv', '--with-hashes'])
      for (const cell of csv.split(/[,\r\n]/)) expect(cell).not.toMatch(/^"?[=+@\t]/)
      const other = commandLine({ STORE_URL: 'sqlite:other.db' })
      try {
        const copy = join(other.folder, 'people.csv')
        writeFileSync(copy, csv)
        const { problems } = await other.json<Imported>('user', 'import', copy, '--json')
        expect(problems).toEqual([])
        const again = await other.json<Json[]>('user', 'export', '--with-hashes')
        const without = (rows: Json[]) =>
          rows.map(({ updated_at: __, ...row }) => row).sort((a, b) => `${a.sub}`.localeCompare(`${b.sub}`))
        expect(without(again)).toEqual(without(whole))
      } finally {
        other.remove()
      }
    },
    longEnough,
  )

  test(
    'each problem is printed with its line, and nothing is imported',
    async () => {
      const secret = 'my-plain-password'
      const rows = [
        'username,email,email_verified,password_hash,password,roles,created_at',
        'good,good@x.example,true,,,editor,',
        'bad1,nowhere,,,,,',
        `bad2,,,${secret},,,`,
        `bad3,,,,${secret},,`,
        'bad4,,maybe,,,,',
        'GOOD,,,,,,',
        'bad5,Good@X.example,true,,,,',
        'alice,,,,,,',
        ',x@x.example,,,,,',
        'bad6,,,$2b$31$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,,,',
        'bad7,,,,,,yesterday',
      ]
      const path = file('bad.csv', rows.join('\n'))
      const ran = await line.latchkey(['user', 'import', path])
      expect(ran.code).toBe(1)
      expect(ran.stderr).toContain('nothing was imported')
      const said = ran.stdout.split('\n')
      for (const [number, words] of [
        [3, 'email looks like'],
        [4, 'password_hash: is none of'],
        [5, 'password: is not imported'],
        [6, 'true or false'],
        [7, 'is the same as in line 2'],
        [8, 'email: is the same as in line 2'],
        [9, 'username: another account has it'],
        [10, 'username: is missing'],
        [11, 'password_hash: is none of'],
        [12, 'created_at: '],
      ] as const)
        expect(said.find((each) => each.startsWith(`line ${number}: `))).toContain(words)
      expect(ran.stdout + ran.stderr).not.toContain(secret)
      const names = async () =>
        (await line.json<Json[]>('user', 'list', '--json')).map(({ username }) => username)
      expect(await names()).not.toContain('good')
      const partial = await line.json<Imported>('user', 'import', path, '--partial', '--json')
      expect(partial.imported).toBe(1)
      expect(partial.problems).toHaveLength(10)
      expect(await names()).toContain('good')
    },
    longEnough,
  )

  test.each([
    ['no.json', '{"username":"x"}', 'expected a JSON array'],
    ['torn.json', '[{"username":', 'expected JSON'],
    ['torn.csv', 'a,b\n"x', 'expected CSV'],
  ])('%s is not a file of accounts', async (name, content, words) => {
    const { code, stderr } = await line.latchkey(['user', 'import', file(name, content)])
    expect(code).toBe(1)
    expect(stderr).toContain(words)
  })
})

test(
  'invite: the link creates one account with the given data, and can be revoked',
  async () => {
    const made = await line.json<{ id: string; link: string }>(
      ...['invite', 'ina@new.example', '--role', 'editor', '--attribute', 'permissions=["read"]', '--json'],
    )
    const second = await line.json<{ id: string; link: string }>(
      'invite',
      'ivo@new.example',
      '--expires',
      '2h',
      '--json',
    )
    const listed = await line.json<Json[]>('invite', 'list', '--json')
    expect(listed.map(({ email }) => email).sort()).toEqual(['ina@new.example', 'ivo@new.example'])
    expect(JSON.stringify(listed)).not.toContain('secret')
    await line.json('invite', 'revoke', second.id, '--json')
    expect((await line.latchkey(['invite', 'revoke', second.id])).code).toBe(1)

    const open = async ({ link }: { link: string }) =>
      (await person(op.issuer, fetch).open(op.issuer + link.slice(new URL(link).origin.length))).page!
    expect((await open(second)).status).toBe(400)
    const browser = person(op.issuer, fetch)
    const { page } = await browser.open(op.issuer + made.link.slice(new URL(made.link).origin.length))
    expect(at(await browser.press(page!, 'create', { username: 'ina', password, repeat: password }))).toBe(
      '/account',
    )
    const people = await line.json<Json[]>('user', 'list', '--json')
    expect(people.find(({ username }) => username === 'ina')).toMatchObject({
      roles: ['editor'],
      attributes: { permissions: ['read'] },
      claims: { email: 'ina@new.example', email_verified: true },
    })
    const again = await line.latchkey(['invite', 'INA@new.example'])
    expect(again.code).toBe(1)
    expect(again.stderr).toContain('there is an account')
  },
  longEnough,
)

test(
  'user set: attributes, roles and claims; not the email address, which must be verified',
  async () => {
    const set = (...args: string[]) => line.json<Json>('user', 'set', 'bob', '--json', ...args)
    expect(
      await set('--attribute', 'org="Corp"', '--attribute', 'n=7', '--role', 'a', '--role', 'b'),
    ).toMatchObject({
      attributes: { org: 'Corp', n: 7 },
      roles: ['a', 'b'],
    })
    const after = await set(
      '--unset',
      'n',
      '--attribute',
      'team=blue',
      '--no-roles',
      '--claim',
      'nickname=bobby',
    )
    expect(after).toMatchObject({
      attributes: { org: 'Corp', team: 'blue' },
      roles: [],
      claims: { nickname: 'bobby' },
    })
    for (const args of [
      ['--claim', 'email=eve@x.example'],
      ['--unset', 'email_verified'],
      ['--attribute', '__proto__=1'],
      [],
    ])
      expect((await line.latchkey(['user', 'set', 'bob', ...args])).code).toBe(2)
  },
  longEnough,
)

test(
  'verify: marks an address as verified, unless it belongs to another account',
  async () => {
    const verified = await line.json<Json>('verify', 'bob', '--email', 'bob@new.example', '--json')
    expect(verified).toMatchObject({ email: 'bob@new.example', email_verified: true })
    const taken = await line.latchkey(['verify', 'bob', '--email', 'ALICE@example.com'])
    expect(taken.code).toBe(1)
    expect(taken.stderr).toContain('is the verified address of the account alice')
    expect((await line.latchkey(['verify', 'bob', '--email', 'nowhere'])).code).toBe(2)
  },
  longEnough,
)

test(
  'user reset: only the End-User gets the link; the operator sees neither link nor password',
  async () => {
    const address = ['--email', 'rita@new.example', '--claim', 'email_verified=true']
    await line.latchkey(['user', 'add', 'rita', ...address, '--password-stdin'], password)
    const { browser: before } = await signIn('rita')
    const { code, stdout, stderr } = await line.latchkey(['user', 'reset', 'rita', '--json'])
    expect(code).toBe(0)
    // The line of the log alone, which names the account.
    expect(stderr).toMatch(/^\S+ warn changed_by_operator change=password_asked sub=\S+\n$/)
    expect(JSON.parse(stdout)).toEqual({
      username: 'rita',
      sub: expect.any(String) as string,
      email: 'rita@new.example',
      expires_in: 1_800,
    })
    const mail = /Mail to rita@new\.example[^]*?\/reset_password(\?token=\S+)[^]*?As HTML:/
    await until(() => mail.test(op.output()), 'the mail to rita')
    const [text, query = ''] = mail.exec(op.output())!
    expect(text).toContain('Your administrator sent you this link')
    expect(text).not.toContain('IP address')
    expect((await signIn('rita')).path).toBe('/account')

    const browser = person(op.issuer, fetch)
    const page = (await browser.open(`/reset_password${query}`)).page!
    const better = 'four bricks under moonlight'
    await browser.press(page, 'reset', { password: better, repeat: better })
    expect(at(await before.open('/account'))).toBe('/login')
    expect((await signIn('rita')).path).toBe('/login')
    const login = (await browser.open('/login')).page!
    expect(at(await browser.press(login, 'login', { username: 'rita', password: better }))).toBe('/account')
  },
  longEnough,
)

test(
  'user reset says why it is refused: no verified address, disabled, no such user, recovery switched off',
  async () => {
    const refused = async (name: string, from = line) => {
      const { code, stderr } = await from.latchkey(['user', 'reset', name])
      expect(code).toBe(1)
      return stderr
    }
    await line.latchkey(['user', 'add', 'ned', '--email', 'ned@new.example', '--password-stdin'], password)
    expect(await refused('ned')).toContain('no verified email address')
    await line.latchkey(['verify', 'ned'])
    await line.latchkey(['user', 'disable', 'ned'])
    expect(await refused('ned')).toContain('is disabled')
    expect(await refused('nobody')).toContain('there is no user nobody')
    const other = commandLine({ ...env, PASSWORD_RECOVERY: 'false' })
    expect(await refused('ned', other)).toContain('no link can be emailed here')
    other.remove()
  },
  longEnough,
)

test(
  'sessions: listed and ended, one or all; reset-factors ends them too and says what it erased',
  async () => {
    await line.latchkey(['user', 'add', 'sid', '--password-stdin'], password)
    const [first, second] = [await signIn('sid'), await signIn('sid')]
    const list = () => line.json<{ sid: string }[]>('sessions', 'list', 'sid', '--json')
    const [one] = await list()
    expect(await list()).toHaveLength(2)
    expect(JSON.stringify(await list())).not.toContain('secret')
    const all = await line.json<Json[]>('sessions', 'list', '--everybody', '--json')
    expect(all.filter(({ username }) => username === 'sid')).toHaveLength(2)
    const last = await line.json<Json[]>('sessions', 'list', '--everybody', '--limit', '1', '--json')
    expect(last).toEqual(all.slice(0, 1))
    expect((await line.latchkey(['sessions', 'end', 'alice', '--sid', one!.sid])).code).toBe(1)
    expect(await line.json<Json>('sessions', 'end', 'sid', '--sid', one!.sid, '--json')).toMatchObject({
      ended: 1,
    })
    const paths = await Promise.all(
      [first, second].map(async ({ browser }) => at(await browser.open('/account'))),
    )
    expect(paths.sort()).toEqual(['/account', '/login'])
    const reset = await line.json<{ erased: string[] }>('reset-factors', 'sid', '--json')
    expect(reset.erased).toContain('passkeys')
    expect(await list()).toEqual([])
    await signIn('sid')
    expect(await line.json<Json>('sessions', 'end', 'sid', '--json')).toMatchObject({ ended: 1 })
    expect(await list()).toEqual([])
  },
  longEnough,
)

test(
  'sessions end --everybody: ends the sessions of all accounts, counts accounts without a session, and requires --yes',
  async () => {
    await line.latchkey(['user', 'add', 'eva', '--password-stdin'], password)
    await line.latchkey(['user', 'add', 'eli', '--password-stdin'], password)
    const people = [await signIn('eva'), await signIn('eva'), await signIn('eli')]
    const paths = () => Promise.all(people.map(async ({ browser }) => at(await browser.open('/account'))))
    for (const [args, words] of [
      [['--everybody'], '--yes'],
      [['eva', '--everybody', '--yes'], 'takes no arguments and got 1'],
      [['--everybody', '--yes', '--sid', 'x'], 'one of them'],
      [['eva', '--yes'], 'goes with --everybody'],
      [['--yes'], 'NAME|--everybody'],
    ] as const) {
      const { code, stdout, stderr } = await line.latchkey(['sessions', 'end', ...args])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(words)
    }
    expect(await paths()).toEqual(['/account', '/account', '/account'])
    const everybody = await line.json<Json[]>('user', 'list', '--json')
    const isGood = await offlineGrant()
    expect(await isGood()).toBe(true)
    const ended = await line.json<Record<string, number>>('sessions', 'end', '--everybody', '--yes', '--json')
    expect(ended.people).toBe(everybody.length)
    expect(ended.sessions).toBeGreaterThanOrEqual(4)
    expect(ended.grants).toBeGreaterThanOrEqual(1)
    expect(await paths()).toEqual(['/login', '/login', '/login'])
    expect(await isGood()).toBe(false)
    const { stdout } = await line.latchkey(['sessions', 'end', '--everybody', '--yes'])
    expect(stdout).toBe(`ended 0 sessions and 0 grants of ${everybody.length} accounts with all tokens\n`)
    expect((await signIn('eva')).path).toBe('/account')
  },
  longEnough,
)
