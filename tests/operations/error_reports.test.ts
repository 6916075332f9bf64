/** Faults reported to Sentry: what a report has, what it never has, and a Sentry that is down. Issue 10, section 3. */
import { afterAll, describe, expect, test } from 'bun:test'
import { openErrorReports } from '../../src/cli/open_error_reports.ts'
import { loadConfig } from '../../src/config.ts'
import { reportingLog } from '../../src/lib/error_reports.ts'
import { createLog } from '../../src/lib/log.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { featureEntries } from '../../src/table.ts'
import { demo } from '../support/client.ts'
import { read } from '../support/flow.ts'
import { provider, spawnProvider, turnableClock } from '../support/provider.ts'
import { startRedis } from '../support/redis.ts'
import { type Sentry, startSentry } from '../support/sentry.ts'
import { until } from '../support/until.ts'

const servers: Sentry[] = []
const newSentry = (): Sentry => {
  const made = startSentry()
  servers.push(made)
  return made
}
afterAll(() => servers.forEach((each) => each.stop()))

function scene(env: Record<string, string> = {}) {
  const sentry = newSentry()
  const clock = turnableClock()
  const lines: string[] = []
  const log = createLog('debug', 'json', (line) => lines.push(line))
  const config = loadConfig({ SENTRY_DSN: sentry.dsn, ...env }, { featureEntries })
  const reports = openErrorReports(config, sentry.dsn, { clock, log })
  return { sentry, clock, lines, log, reports }
}

/** A store of which every verb fails with `error`, once there is one. */
const failing = (store: Store, error: () => Error | undefined): Store =>
  new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return error() ? () => Promise.reject(error()!) : (value.bind(target) as unknown)
    },
  })

test('a fault of a request: its class, where in our code, the request id, release and environment', async () => {
  const { sentry, clock, reports } = scene({ SENTRY_ENVIRONMENT: 'staging' })
  let broken: Error | undefined
  const store = failing(memoryStore(clock), () => broken)
  const op = await provider({ clock, store, observe: (log) => reportingLog(log, reports) })
  broken = new RangeError('a message of the library')
  const answer = await op.fetch('/userinfo', { headers: { authorization: 'Bearer lka_unknown' } })
  expect(answer.status).toBe(500)
  await reports.close()
  const [event, ...others] = sentry.events()
  expect(others).toEqual([])
  expect(event).toMatchObject({
    level: 'error',
    environment: 'staging',
    release: expect.stringMatching(/^latchkey@\d+\.\d+\.\d+\+\w+$/),
    tags: { event: 'unexpected', request_id: answer.headers.get('x-request-id')! },
    exception: { values: [{ type: 'RangeError', value: 'unexpected' }] },
  })
  expect(Object.keys(event!).toSorted()).toEqual(
    [
      ...['environment', 'event_id', 'exception', 'fingerprint', 'level', 'logger', 'platform'],
      ...['release', 'tags', 'timestamp'],
    ].toSorted(),
  )
})

test('an error of our own code has frames of it, and none of the machine', async () => {
  const { sentry, reports, log } = scene()
  const error = await Promise.resolve()
    .then(() => loadConfig({ PORT: 'none' }))
    .catch((thrown: Error) => thrown)
  const { message, stack } = error as Error
  reportingLog({ ...log }, reports).error('job_failed', { job: 'mail', problem: message, stack })
  await reports.close()
  const [{ exception, tags }] = sentry.events() as [ReturnType<Sentry['events']>[number]]
  expect(tags).toMatchObject({ event: 'job_failed', job: 'mail' })
  const frames = exception.values[0]!.stacktrace!.frames
  expect(frames.at(-1)).toMatchObject({ filename: 'src/config.ts', function: 'loadConfig', in_app: true })
  for (const { filename } of frames) expect(filename).toMatch(/^(src|node_modules)\//)
})

describe('nothing of people or secrets leaves', () => {
  const canary = (name: string) => `canary${name}7f3a`
  const places = [
    'Path',
    'Query',
    'Header',
    'Cookie',
    'Body',
    'Agent',
    'Secret',
    'Message',
    'Stack',
    'Address',
  ]

  test('in the parts of a request, and in the message of an error', async () => {
    const { sentry, clock, reports } = scene()
    const message = [
      `duplicate key ${canary('Message')}@example.com`,
      `    at ${canary('Stack')} (/app/src/config.ts:1:1)`,
      `    at login (/app/src/${canary('Stack')}.ts:1:1)`,
    ].join('\n')
    let broken: Error | undefined
    const store = failing(memoryStore(clock), () => broken)
    const op = await provider({ clock, store, observe: (log) => reportingLog(log, reports) })
    broken = new TypeError(message)
    const headers = {
      cookie: `latchkey_session=${canary('Cookie')}`,
      'user-agent': canary('Agent'),
      'x-forwarded-for': canary('Address'),
      referer: `https://app.example/${canary('Header')}`,
      authorization: `Basic ${btoa(`${demo.client_id}:${canary('Secret')}`)}`,
      'content-type': 'application/x-www-form-urlencoded',
    }
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: canary('Body'),
    }).toString()
    const { authorization: _, ...plain } = headers
    const asked = [
      op.fetch('/token', { method: 'POST', headers, body }),
      op.fetch(`/userinfo?x=${canary('Query')}`, {
        headers: { ...plain, authorization: `Bearer ${canary('Secret')}` },
      }),
      op.fetch(`/authorize?client_id=${canary('Query')}`, { headers: plain }),
      op.fetch(`/register/${canary('Path')}`, {
        headers: { ...plain, authorization: `Bearer ${canary('Secret')}` },
      }),
      op.fetch('/account', { headers: plain }),
    ]
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 500).length).toBeGreaterThan(2)
    await reports.close()
    expect(sentry.events().length).toBeGreaterThan(0)
    for (const place of places) expect(sentry.text()).not.toContain(canary(place))
  })

  test('in any field that a line of the log may have, and in no header of the report', async () => {
    const { sentry, reports } = scene()
    const source = await Array.fromAsync(new Bun.Glob('src/**/*.ts').scan('.'), (path) =>
      Bun.file(path).text(),
    )
    const words = source.join('\n').matchAll(/log\.(?:error|warn|info)\([^)]*?\{([^}]*)\}/g)
    const names = new Set([...words].flatMap(([, inner]) => inner!.match(/\b[a-z_]+\b(?=[,:\s}])/g) ?? []))
    const allowed = ['request_id', 'trace_id', 'job']
    const fields = [...names, 'sub', 'email', 'username', 'ip', 'address', 'token', 'password'].filter(
      (name) => !allowed.includes(name),
    )
    expect(fields.length).toBeGreaterThan(30)
    for (const [i, name] of fields.entries())
      reports.take(`event_${String.fromCharCode(97 + (i % 26))}${i}`, {
        [name]: canary('Field'),
        problem: canary('Field'),
      })
    // A tag of another form is left out too.
    for (const name of allowed) reports.take(`odd_${name}`, { [name]: `${canary('Field')} ann@example.com` })
    await reports.close()
    expect(sentry.events().length).toBeGreaterThan(20)
    expect(sentry.text()).not.toContain(canary('Field'))
    expect(sentry.text()).not.toContain('ann@example.com')
    expect(sentry.text()).not.toContain(Bun.env.HOSTNAME ?? 'no name of the machine')
  })
})

test('one fault that repeats is one report a minute, which counts', async () => {
  const { sentry, clock, reports } = scene()
  for (let i = 0; i < 500; i++)
    reports.take('store_unavailable', { problem: 'no answer', request_id: `r-${i}` })
  clock.advance(61_000)
  reports.take('store_unavailable', { problem: 'no answer', request_id: 'later' })
  await reports.close()
  expect(sentry.events().map(({ tags }) => [tags.request_id, tags.repeated])).toEqual([
    ['r-0', undefined],
    ['later', expect.anything()],
  ])
  expect(Number(sentry.events()[1]!.tags.repeated)).toBe(499)
})

describe('a Sentry that is down', () => {
  test('delays nothing, is one line, and is told when it is back', async () => {
    const { sentry, lines, reports } = scene()
    const said = () => lines.filter((line) => line.includes('error_reports_'))
    sentry.answerWith(500)
    reports.take('one', {})
    reports.take('two', {})
    await until(() => said().length > 0 && sentry.asked() >= 2, 'the refusals')
    expect(reports.problem()).toBe('it answered 500')
    sentry.answerWith(200)
    reports.take('three', {})
    await until(() => reports.problem() === undefined, 'the report')
    expect(said().map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
      'error_reports_not_sent',
      'error_reports_sent_again',
    ])
  })

  test('one that never answers holds neither a request nor the end of the process, and few reports', async () => {
    const sentry = newSentry()
    sentry.answerWith('hang')
    const redis = await startRedis()
    const op = await spawnProvider({
      ...{ SENTRY_DSN: sentry.dsn, STORE_URL: redis.url, STORE_TIMEOUT_MS: '2000', LOG_LEVEL: 'error' },
      METRICS_TOKEN: 'of-the-monitor-0123456789',
    })
    await redis.kill()
    const form = { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials' }) }
    const headers = { authorization: `Basic ${btoa('client123:secret456')}` }
    const statuses = await Promise.all(
      Array.from(
        { length: 20 },
        async () => (await fetch(`${op.issuer}/token`, { ...form, headers })).status,
      ),
    )
    expect(new Set(statuses)).toEqual(new Set([503]))
    await until(() => sentry.asked() > 0, 'a report')
    expect(sentry.asked()).toBeLessThan(20)
    await op.stop()
    await redis.stop()
  }, 120_000)
})

test('a server whose store is down reports it, /health says whether reports are sent, and the DSN is in no line', async () => {
  const sentry = newSentry()
  const redis = await startRedis()
  const token = 'of-the-monitor-0123456789'
  const op = await spawnProvider({
    ...{ SENTRY_DSN: sentry.dsn, STORE_URL: redis.url, STORE_TIMEOUT_MS: '2000', METRICS_TOKEN: token },
  })
  const health = async () =>
    read(await fetch(`${op.issuer}/health/ready`, { headers: { authorization: `Bearer ${token}` } }))
  expect((await health()).text).toContain('"error_reports"')
  await redis.kill()
  await fetch(`${op.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
    headers: { authorization: `Basic ${btoa('client123:secret456')}` },
  })
  await until(() => sentry.events().length > 0, 'the report')
  expect(sentry.events().map(({ tags }) => tags.event)).toContain('store_unavailable')
  expect(op.output()).not.toContain('0123456789abcdef')
  await op.stop()
  await redis.stop()
}, 120_000)

test('what is no DSN is refused with its form, and the value is not repeated', () => {
  for (const dsn of [
    'sentry',
    'https://sentry.io/42',
    'https://key:secret@sentry.io/42',
    'https://key@sentry.io/',
  ])
    expect(() => loadConfig({ SENTRY_DSN: dsn })).toThrow(/SENTRY_DSN: expected the DSN of a project/)
  expect(() => loadConfig({ SENTRY_ENVIRONMENT: 'x' })).toThrow('SENTRY_DSN')
})
