/** `latchkey monitor`: alerts after failures in a row, told once, and again when it is over. Issue 10, section 3. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask, extraCheck, type Outcome, standardChecks } from '../../src/cli/monitor/checks.ts'
import { keptFor, openHistory, readHistory } from '../../src/cli/monitor/history.ts'
import { type Channel, createTeller } from '../../src/cli/monitor/notify.ts'
import { makeReport, percent } from '../../src/cli/monitor/report.ts'
import { createWatch } from '../../src/cli/monitor/watch.ts'
import { freePort } from '../support/free_port.ts'
import { smtpRelay } from '../support/smtp_relay.ts'
import { type SpawnedProvider, spawnProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'
import { latchkeyCommand } from '../support/latchkey_command.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-monitor-'))
let op: SpawnedProvider
beforeAll(async () => void (op = await spawnProvider({ METRICS_TOKEN: 'a-token-of-the-monitor' })), 60_000)
afterAll(async () => {
  await op?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const asking = { timeoutMs: 30_000, now: Date.now }
const seen = (outcomes: readonly Partial<Outcome>[], thresholds = { inARow: 3, slowMs: 100 }) => {
  const watch = createWatch(thresholds)
  return outcomes.map((each, i) => watch.see({ check: 'token', at: i * 30_000, ms: 5, ...each })?.level)
}

describe('alerts', () => {
  const bad = { problem: 'no answer' }
  const slow = { ms: 101 }
  /** What each outcome tells: nothing, Warning, Critical, Resolved. */
  test.each<[string, Partial<Outcome>[], string]>([
    ['two failures are none', [bad, bad, {}, bad, bad, {}], '- - - - - -'],
    ['three are one, told once', [bad, bad, bad, bad, bad], '- - C - -'],
    ['the first good answer ends it', [bad, bad, bad, {}, {}], '- - C R -'],
    ['slow answers warn', [slow, slow, slow, slow, {}], '- - W - R'],
    ['a warning becomes critical', [slow, slow, slow, bad, bad, bad, {}], '- - W - - C R'],
    ['critical does not become less', [bad, bad, bad, slow, slow, slow, {}], '- - C - - - R'],
  ])('%s', (_, outcomes, told) =>
    expect(
      seen(outcomes)
        .map((level) => level?.[0] ?? '-')
        .join(' '),
    ).toBe(told),
  )
})

test('a provider that is well: all six; one that is not there: none, with the reason', async () => {
  const outcomes = await Promise.all(standardChecks(op.issuer).map((check) => ask(check, asking)))
  expect(outcomes.map(({ check, problem }) => [check, problem])).toEqual(
    ['health', 'discovery', 'jwks', 'authorization', 'token', 'userinfo'].map((name) => [name, undefined]),
  )
  const gone = standardChecks(`http://127.0.0.1:${freePort()}`)
  for (const { problem } of await Promise.all(gone.map((check) => ask(check, asking))))
    expect(problem).toStartWith('no answer: ')
})

test('content counts: another issuer, no keys, a private key, an error page in place of a token refusal', async () => {
  const answers: Record<string, [status: number, body: unknown]> = {
    '/health/ready': [200, { status: 'unhealthy' }],
    '/.well-known/openid-configuration': [200, { issuer: 'https://evil.example' }],
    '/jwks.json': [200, { keys: [{ kty: 'EC', d: 'x' }] }],
    '/authorize': [400, { error: 'x' }],
    '/token': [401, { error: 'server_error' }],
    '/userinfo': [401, {}],
  }
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch({ url }) {
      const [status, body] = answers[new URL(url).pathname] ?? [404, {}]
      return Response.json(body, { status })
    },
  })
  const issuer = `http://127.0.0.1:${server.port}`
  const found = await Promise.all(standardChecks(issuer).map((check) => ask(check, asking)))
  expect(found.map(({ problem }) => problem)).toEqual([
    'its status is not healthy',
    `expected the issuer ${issuer}, got https://evil.example`,
    'a private key is published',
    'expected a page that says what is missing',
    'expected the error invalid_client',
    'expected a challenge in WWW-Authenticate',
  ])
  answers['/jwks.json'] = [200, { keys: [] }]
  const [jwks] = standardChecks(issuer).filter(({ name }) => name === 'jwks')
  expect((await ask(jwks!, asking)).problem).toBe('there is no key')
  expect((await ask(extraCheck('page', `${issuer}/nothing`), asking)).problem).toBe(
    'expected status 200, got 404',
  )
  await server.stop(true)
})

test('a server that never ends its answer is given up', async () => {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => new Response(new ReadableStream({ start: (stream) => stream.enqueue('{') })),
  })
  const outcome = await ask(extraCheck('slow', `http://127.0.0.1:${server.port}/`), {
    ...asking,
    timeoutMs: 50,
  })
  expect(outcome.problem).toBe('no answer within 50 ms')
  await server.stop(true)
})

describe('a provider that attacks its monitor', () => {
  const csi = '\u009b2J\u001b]0;owned\u0007\u202e'
  const hostile = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => Response.json({ issuer: `${csi}\n${'x'.repeat(900_000)}` }),
  })
  afterAll(() => hostile.stop(true))
  const issuer = `http://127.0.0.1:${hostile.port}`
  const discovery = standardChecks(issuer).find(({ name }) => name === 'discovery')!

  test('controls no terminal, in lines and in JSON, and fills no disk', async () => {
    const { problem = '' } = await ask(discovery, asking)
    expect(problem).toContain('\\u009b2J')
    expect(problem.length).toBeLessThan(1_000)
    for (const more of [[], ['--json']]) {
      const once = command(['--once', '--issuer', issuer, '--check', `n${csi}=${issuer}/`, ...more])
      await once.ended()
      expect(once.out()).toContain('2J')
      expect(once.out().trimEnd().replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
    }
    const line = command([
      '--history',
      'hostile.jsonl',
      '--issuer',
      issuer,
      '--every',
      '1s',
      '--in-a-row',
      '1',
      '--json',
      '--check',
      `n${csi}=${issuer}/`,
    ])
    await until(() => line.out().includes('CRITICAL'), 'an alert')
    line.child.kill('SIGTERM')
    await line.ended()
    expect(line.out().replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
    for (const each of line.out().trim().split('\n')) JSON.parse(each)
  }, 60_000)
})

test('the history follows no link beside it', () => {
  const path = join(folder, 'linked.jsonl')
  const other = join(folder, 'authorized_keys')
  writeFileSync(other, 'a key of another account')
  for (const link of [path, `${path}.new`]) symlinkSync(other, link)
  openHistory(path, Date.now).add([{ check: 'token', at: Date.now(), ms: 1 }])
  expect(readFileSync(other, 'utf8')).toBe('a key of another account')
  expect(readHistory(path, Date.now())).toHaveLength(1)
})

test('a channel that is down delays no other, and is told later, in order and once', async () => {
  const [taken, complaints]: [string[], string[]] = [[], []]
  let isDown = true
  const broken: Channel = async ({ message }) => {
    if (isDown) throw new Error('down')
    taken.push(`webhook ${message}`)
  }
  const mail: Channel = async ({ message }) => void taken.push(`mail ${message}`)
  const teller = createTeller({ webhook: broken, mail }, (name, problem) =>
    complaints.push(`${name} ${problem}`),
  )
  await teller.tell({ level: 'CRITICAL', check: 'token', message: '1', at: 0 })
  await teller.tell({ level: 'RESOLVED', check: 'token', message: '2', at: 0 })
  expect(taken).toEqual(['mail 1', 'mail 2'])
  expect(complaints).toEqual(['webhook down', 'webhook down'])
  isDown = false
  await teller.retry()
  await teller.retry()
  expect(taken).toEqual(['mail 1', 'mail 2', 'webhook 1', 'webhook 2'])
})

test('the history keeps a day, and a line that a crash cut off costs no other', () => {
  const path = join(folder, 'history.jsonl')
  let now = 10 * keptFor
  const history = openHistory(path, () => now)
  const at = (time: number): Outcome => ({ check: 'token', at: time, ms: 1 })
  history.add([at(now - keptFor + 1_000), at(now)])
  writeFileSync(path, `${readFileSync(path, 'utf8')}{"check":"tok`)
  expect(readHistory(path, now)).toHaveLength(2)
  now += 2_000
  expect(readHistory(path, now)).toHaveLength(1)
  openHistory(path, () => now) // a start drops what is old
  expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(1)
  for (let day = 0; day < 3; day++) {
    now += 2 * keptFor
    history.add(Array.from({ length: 6_000 }, () => at(now)))
  }
  expect(readFileSync(path, 'utf8').trim().split('\n').length).toBeLessThan(13_000)
  expect(() => openHistory(join(folder, 'nowhere', 'x'), () => now)).toThrow('cannot be written (ENOENT)')
})

test('a report counts availability down, latency of right answers, and incidents', () => {
  const outcomes = Array.from({ length: 10_001 }, (_, i): Outcome => ({ check: 'token', at: i, ms: i % 100 }))
  outcomes[5] = { ...outcomes[5]!, problem: 'no answer' }
  outcomes[6] = { ...outcomes[6]!, problem: 'no answer' }
  const { checks, incidents } = makeReport(outcomes)
  expect(checks).toEqual([
    { check: 'token', requests: 10_001, availability: 9_999 / 10_001, p50: 50, p95: 95, p99: 99 },
  ])
  expect(incidents).toEqual([{ check: 'token', from: 5, to: 6, failures: 2, problem: 'no answer' }])
  expect([percent(9_999 / 10_000), percent(0.999_999), percent(1)]).toEqual([
    '99.99 %',
    '99.99 %',
    '100.00 %',
  ])
})

const command = (args: string[], env: Record<string, string> = {}) => {
  const child = Bun.spawn([...latchkeyCommand, 'monitor', ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let out = ''
  const read = (async () => {
    for await (const chunk of child.stdout) out += Buffer.from(chunk).toString()
  })()
  return {
    child,
    out: () => out,
    ended: () => Promise.all([child.exited, read, new Response(child.stderr).text()]),
  }
}

test('once: a table and exit code 0, or which endpoint is not well and exit code 1', async () => {
  const good = command(['--once', '--issuer', op.issuer])
  expect((await good.ended())[0]).toBe(0)
  expect(good.out()).toMatch(/^userinfo +\d+ ms +ok$/m)
  const bad = command(['--once', '--issuer', op.issuer, '--check', `page=${op.issuer}/nothing`])
  const [code, , error] = await bad.ended()
  expect(code).toBe(1)
  expect(error).toContain('page: not well')
  const wrong = command(['--issuer', 'nonsense'])
  expect((await wrong.ended())[2]).toContain('--issuer: expected an http or https URL, got nonsense')
}, 60_000)

test('an outage from begin to end: console, webhook, mail, history, report', async () => {
  const told: Record<string, unknown>[] = []
  let isDown = false
  const site = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      if (request.method === 'POST') told.push((await request.json()) as Record<string, unknown>)
      return new Response('', { status: isDown ? 500 : 200 })
    },
  })
  const hook = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      told.push((await request.json()) as Record<string, unknown>)
      return new Response('')
    },
  })
  const relay = await smtpRelay({ plain: true })
  const page = `http://127.0.0.1:${site.port}/`
  const watching = command(
    [
      '--issuer',
      op.issuer,
      '--every',
      '1s',
      '--check',
      `page=${page}`,
      '--webhook',
      `http://127.0.0.1:${hook.port}/`,
      '--mail',
      'ops@example.com',
    ],
    {
      SMTP_URL: `smtp://localhost:${relay.port}`,
      MAIL_FROM: 'latchkey@example.com',
      SMTP_TIMEOUT_MS: '30000',
      ISSUER_URL: 'http://localhost:1',
    },
  )
  await until(() => readHistory(join(folder, 'latchkey-monitor.jsonl'), Date.now()).length >= 7, 'a round')
  isDown = true
  await until(() => told.some(({ level }) => level === 'CRITICAL'), 'the alert')
  isDown = false
  await until(() => told.some(({ level }) => level === 'RESOLVED'), 'the end of the alert')
  await until(() => relay.taken.length >= 2, 'two mails')
  // ISSUER_URL is that of nothing that is watched.
  expect(relay.taken[0]!.raw).toContain(op.issuer)
  expect(relay.taken[0]!.raw).toContain(`CRITICAL: page of ${new URL(op.issuer).host}`)
  watching.child.kill('SIGTERM')
  const [code] = await watching.ended()
  expect(code).toBe(0)
  expect(told.map(({ level, check, issuer }) => [level, check, issuer])).toEqual([
    ['CRITICAL', 'page', op.issuer],
    ['RESOLVED', 'page', op.issuer],
  ])
  expect(watching.out()).toMatch(/CRITICAL page: 3 times in a row: expected status 200, got 500/)
  const report = command(['report', '--issuer', op.issuer, '--html', 'report.html'])
  await report.ended()
  expect(report.out()).toMatch(/^userinfo +100\.00 %/m)
  expect(report.out()).toMatch(/^page .* expected status 200, got 500$/m)
  const html = readFileSync(join(folder, 'report.html'), 'utf8')
  expect(html).toContain('<h2>token</h2>')
  expect(html).not.toMatch(/<script|https?:\/\/(?!localhost|127)/)
  expect(statSync(join(folder, 'latchkey-monitor.jsonl')).size).toBeGreaterThan(100)
  await Promise.all([site.stop(true), hook.stop(true), relay.stop()])
}, 120_000)
