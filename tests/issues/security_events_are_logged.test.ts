/** What an operator must be able to reconstruct is in the log: lock-outs, limits, replays, tokens, refusals of scope, and what operators did. The owner of an account is told of what an operator changed. OWASP ASVS 5.0 V16.3 */
import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { Event } from '../../src/models/event.ts'
import { User } from '../../src/models/user.ts'
import type { Json } from '../support/client.ts'
import { commandLine } from '../support/command.ts'
import { authorize, bearer, browser, demo, open, redeem, stage, tokensOf } from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import { type Provider, provider } from '../support/provider.ts'
import { openContext } from '../support/opened.ts'
import { until } from '../support/until.ts'

const json = { LOG_FORMAT: 'json', LOG_LEVEL: 'info' }
const linesOf = (op: Pick<Provider, 'lines'>, event: string): Json[] =>
  op.lines.map((each) => JSON.parse(each) as Json).filter((each) => each.event === event)
const subOf = async (op: Provider) => (await User.findByUsername(op.context, 'alice'))!.sub

describe('the text format', () => {
  const written = (fields: Json): string => {
    const lines: string[] = []
    createLog('debug', 'text', (each) => lines.push(each)).info('event', fields)
    return lines[0]!
  }

  test('begins with the time', () => {
    expect(written({ n: 1 })).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info event n=1$/)
  })

  test('quotes a value that could be taken for more than one, or for none', () => {
    const forged = ['a sub=admin', 'a=b', '', '"', "it's", 'tab\there', 'back\\slash', 'no\u00a0break']
    for (const value of forged) {
      const [, , , ...rest] = written({ value }).split(' ')
      const text = rest.join(' ')
      expect(text.startsWith('value="')).toBeTrue()
      expect(JSON.parse(text.slice('value='.length).replaceAll('\\u{', '\\u'))).toBeString()
    }
    expect(written({ value: 'plain-1.2:3/4' })).toEndWith(' value=plain-1.2:3/4')
  })
})

test('a wrong password names the account by sub, and its lock is one warning a window and an event', async () => {
  const op = await provider({ env: { ...json, SIGN_IN_ATTEMPTS_PER_ACCOUNT: '3' } })
  for (let i = 0; i < 6; i++) await browserTry(op, 'alice')
  const sub = await subOf(op)
  expect(linesOf(op, 'sign_in_failed')).toEqual(Array(3).fill(expect.objectContaining({ sub, known: true })))
  expect(linesOf(op, 'limit_reached')).toMatchObject([{ level: 'warn', what: 'account', sub, limit: 3 }])
  await until(
    async () => (await Event.listOfUser(op.context, sub)).some(({ kind }) => kind === 'sign_in_locked'),
    'the event of the lock',
  )
  for (let i = 0; i < 6; i++) await browserTry(op, 'nobody-here')
  expect(linesOf(op, 'limit_reached')).toHaveLength(2)
  expect(linesOf(op, 'limit_reached')[1]).not.toHaveProperty('sub')
})

async function browserTry(op: Provider, username: string): Promise<void> {
  const who = browser(op)
  const { page } = await open(op, who)
  await who.press(page!, 'login', { username, password: 'wrong' })
}

test('a limit of an address is one warning, and each refusal is one line', async () => {
  const env = { ...json, RATE_LIMITING_ENABLED: 'true', RATE_LIMIT_PER_MINUTE: '5' }
  const op = await provider({ env })
  for (let i = 0; i < 9; i++) await op.fetch('/userinfo')
  expect(linesOf(op, 'limit_reached')).toMatchObject([{ what: 'requests', address: '127.0.0.1', limit: 5 }])
  const refused = linesOf(op, 'refused').filter(({ code }) => code === 'too_many_requests')
  expect(refused).toHaveLength(4)
  expect(refused[0]).toMatchObject({
    path: '/userinfo',
    address: '127.0.0.1',
    request_id: expect.any(String),
  })
})

test('tokens, replays and missing scopes leave a line; replays and refusals a metric', async () => {
  const { op, alice: who } = await stage({ env: json })
  const sub = await subOf(op)
  const authorized = await authorize(op, who, demo, { scope: 'openid' })
  const { body } = await redeem(op, demo, authorized)
  expect(linesOf(op, 'tokens_issued').at(-1)).toMatchObject({
    client_id: demo.client_id,
    sub,
    grant_type: 'authorization_code',
    scope: 'openid',
    address: '127.0.0.1',
  })
  expect(op.lines.join('\n')).not.toContain(String(body.access_token))
  const narrow = await redeem(op, demo, await authorize(op, who, demo, { scope: 'profile' }))
  await op.fetch('/userinfo', bearer(String(narrow.body.access_token)))
  expect(linesOf(op, 'refused').at(-1)).toMatchObject({
    code: 'insufficient_scope',
    client_id: demo.client_id,
    came: 'profile',
  })
  await redeem(op, demo, authorized)
  expect(linesOf(op, 'authorization_code_reused')).toMatchObject([
    { level: 'warn', client_id: demo.client_id, sub },
  ])
  const metrics = op.context.metrics.render([], new Map())
  expect(metrics).toContain('latchkey_authorization_code_reuse_total 1')
  expect(metrics).toContain('latchkey_refusals_total{code="invalid_grant"} 1')
  await tokensOf(op, who)
  expect(createMetrics().render([], new Map())).toContain('latchkey_refresh_token_reuse_total 0')
})

test('a record that cannot be read is named, and its value is not', async () => {
  const op = await provider({ env: json })
  const sub = await subOf(op)
  await op.context.store.put(`user:${sub}`, JSON.stringify({ sub, username: ['S3CRET-VALUE'] }))
  expect(await User.find(op.context, sub)).toBeUndefined()
  expect(linesOf(op, 'record_unreadable')).toMatchObject([{ kind: 'user', path: expect.any(String) }])
  expect(op.lines.join('\n')).not.toContain('S3CRET')
})

describe('what an operator does', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-audit-'))
  const env = { STORE_URL: `sqlite:${join(folder, 'latchkey.db')}`, LOG_FORMAT: 'json' }
  const line = commandLine(env)
  afterAll(() => {
    line.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  async function run(args: readonly string[], input?: string): Promise<Json[]> {
    const { code, stdout, stderr } = await line.latchkey(args, input)
    if (code !== 0) throw new Error(stdout + stderr)
    return stderr
      .split('\n')
      .filter((each) => each.startsWith('{'))
      .map((each) => JSON.parse(each) as Json)
  }

  test('is a line of the log, an event of the account and a mail to its owner', async () => {
    const first = 'correct horse battery'
    expect(
      await run(['user', 'add', 'carol', '--email', 'carol@example.com', '--password-stdin'], first),
    ).toMatchObject([{ event: 'changed_by_operator', change: 'account_added', sub: expect.any(String) }])
    const steps: [string[], string, string?][] = [
      [['user', 'passwd', 'carol', '--password-stdin'], 'password_set', 'another horse battery'],
      [['user', 'set', 'carol', '--role', 'admin'], 'roles_set'],
      [['user', 'set', 'carol', '--claim', 'nickname=c'], 'profile_set'],
      [['user', 'disable', 'carol'], 'account_disabled'],
      [['user', 'enable', 'carol'], 'account_enabled'],
      [['verify', 'carol', '--email', 'new@example.com'], 'email_set'],
      [['sessions', 'end', 'carol'], 'sessions_ended'],
      [['reset-factors', 'carol'], 'factors_reset'],
    ]
    for (const [args, change, input] of steps)
      expect([args.join(' '), await run(args, input)]).toEqual([
        args.join(' '),
        [expect.objectContaining({ event: 'changed_by_operator', change, sub: expect.any(String) })],
      ])
    const people = join(folder, 'people.json')
    writeFileSync(people, JSON.stringify([{ username: 'dave' }, { username: 'erin' }]))
    expect(await run(['user', 'import', people])).toMatchObject([
      // Before it begins, so that an import that is killed is no secret.
      { event: 'changed_by_operator', change: 'accounts_import_begun', given: 2 },
      { event: 'changed_by_operator', change: 'accounts_imported', imported: 2 },
    ])
    const opened = await openContext(env)
    try {
      const carol = (await User.findByUsername(opened.context, 'carol'))!
      const kinds = (await Event.listOfUser(opened.context, carol.sub)).map(({ kind }) => kind)
      expect(kinds.toReversed()).toEqual([
        'account_added',
        'password_set',
        'roles_set',
        'profile_set',
        'account_disabled',
        'account_enabled',
        'email_set',
        'signed_out_by_operator',
        'factors_reset',
      ])
      const mails = await mailsOf(opened)
      const about = (text: string) => mails.filter((each) => each.text.includes(text)).map(({ to }) => to)
      expect(about('set a new password')).toEqual(['carol@example.com'])
      expect(about('changed the roles')).toEqual(['carol@example.com'])
      expect(about('disabled your account')).toEqual(['carol@example.com'])
      expect(about('set the email address').toSorted()).toEqual(['carol@example.com', 'new@example.com'])
    } finally {
      await opened.close()
    }
  }, 60_000)
})
