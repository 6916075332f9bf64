/** The streams of the audit trail under attack and outage: injected text, other servers, slow ones, SSRF, leaks, crashes. docs/audit.md, "Streams" */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, loadConfig } from '../../src/config.ts'
import { fileSink } from '../../src/features/audit/file.ts'
import { syslogSink } from '../../src/features/audit/syslog.ts'
import { webhookSink } from '../../src/features/audit/webhook.ts'
import { createLog } from '../../src/lib/log.ts'
import { note } from '../../src/models/audit/note.ts'
import { dropOld } from '../../src/models/audit/retention.ts'
import { batchKey } from '../../src/models/audit/stored.ts'
import { stateKey } from '../../src/models/audit/stream/state.ts'
import {
  cursorsOf,
  delayAfter,
  type Outgoing,
  runStream,
  type Sink,
  SinkFailure,
  stateOf,
} from '../../src/models/audit/stream/stream.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { featureEntries } from '../../src/table.ts'
import { auditKey, trail, type TestTrail } from '../support/audit_trail.ts'
import { type Certificate, makeCertificate } from '../support/certificate.ts'
import { turnableClock } from '../support/provider.ts'
import { readMessage, startSyslog, type SyslogServer } from '../support/syslog_server.ts'
import { until } from '../support/until.ts'

setDefaultTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), 'latchkey-streams-'))
let own: Certificate
let other: Certificate
beforeAll(() => {
  own = makeCertificate()
  other = makeCertificate()
})
afterAll(() => {
  own.remove()
  other.remove()
  rmSync(folder, { recursive: true, force: true })
})

const secret = 'a-webhook-secret-that-no-log-may-have'
const configOf = (env: Record<string, string>): Config =>
  loadConfig(
    { ISSUER_URL: 'http://id.example', AUDIT_SIGNING_KEY: auditKey, AUDIT_WEBHOOK_SECRET: secret, ...env },
    { featureEntries },
  )

const silent = createLog('silent', 'text', () => {})
const parts = ({ audit, store, clock, logged }: TestTrail) => ({
  audit,
  store,
  clock,
  log: createLog('debug', 'text', (line) => logged.push(line)),
})
const run = (one: TestTrail, sink: Sink) => runStream(parts(one), sink)

/** A sink in memory, which fails as long as it is told to. */
function basket(name = 'basket', limits = { entries: 1000, bytes: 1_000_000 }) {
  const got: Outgoing[] = []
  let failure: Error | undefined
  const sink: Sink = {
    name,
    limits,
    send(batch) {
      if (failure) return Promise.reject(failure)
      got.push(...batch)
      return Promise.resolve()
    },
  }
  return {
    sink,
    got,
    seqs: () => got.map(({ entry }) => entry.seq),
    fail: (error: Error | undefined) => void (failure = error),
  }
}

const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i)

describe('at least once', () => {
  test('everything is sent in the order of its chain, in batches, and once when all is calm', async () => {
    const one = await trail()
    await one.write(...numbers(25))
    const { sink, seqs } = basket('basket', { entries: 10, bytes: 1_000_000 })
    await run(one, sink)
    expect(seqs()).toEqual(numbers(25))
    await run(one, sink)
    expect(seqs()).toHaveLength(25)
    await one.write(26)
    await run(one, sink)
    expect(seqs()).toEqual(numbers(26))
  })

  test('an outage loses nothing, is one line of the log, and delays no other stream', async () => {
    const one = await trail()
    const [down, up] = [basket('down'), basket('up')]
    down.fail(new SinkFailure('the host is away'))
    for (let i = 1; i <= 20; i += 1) {
      await one.write(i)
      await run(one, down.sink)
      await run(one, up.sink)
      one.clock.advance(400_000)
    }
    expect(up.seqs()).toEqual(numbers(20))
    const told = () => one.logged.filter((line) => line.includes('audit_stream_'))
    expect(told()).toHaveLength(1)
    expect(told()[0]).toContain('the host is away')
    expect(await stateOf(one.store, 'down', one.audit.keys)).toMatchObject({
      lag: 20,
      problem: 'the host is away',
    })
    down.fail(undefined)
    await run(one, down.sink)
    expect(down.seqs()).toEqual(numbers(20))
    expect(told()).toHaveLength(2)
    expect(await stateOf(one.store, 'down', one.audit.keys)).toMatchObject({ lag: 0, problem: undefined })
  })

  test('attempts back off, for five minutes at most; Retry-After counts for an hour at most', async () => {
    expect([1, 2, 3, 30].map((failures) => delayAfter(failures, () => 1))).toEqual([
      1000, 2000, 4000, 300_000,
    ])
    const one = await trail()
    let attempts = 0
    const sink: Sink = {
      ...basket().sink,
      send: () => {
        attempts += 1
        return Promise.reject(new SinkFailure('busy', 86_400_000))
      },
    }
    await one.write(1)
    await run(one, sink)
    await run(one, sink)
    expect(attempts).toBe(1)
    one.clock.advance(3_599_000)
    await run(one, sink)
    expect(attempts).toBe(1)
    one.clock.advance(2_000)
    await run(one, sink)
    expect(attempts).toBe(2)
  })

  test('a process that dies after it sent, and before it moved the cursor, sends again', async () => {
    const one = await trail()
    await one.write(...numbers(5))
    const { sink, seqs } = basket()
    const dies = () => Promise.reject(new StoreUnavailable('the process dies here'))
    const store = new Proxy(one.store, {
      get(target, name) {
        if (name === 'replace' && seqs().length > 0) return dies
        const verb = Reflect.get(target, name) as (...args: unknown[]) => unknown
        return typeof verb === 'function' ? verb.bind(target) : verb
      },
    })
    await expect(run({ ...one, store }, sink)).rejects.toThrow('dies here')
    await until(() => seqs().length === 5, 'the batch')
    // Another instance waits for the lease, and then sends all of it.
    const two = await trail({ store: one.store, clock: one.clock, chain: 'two' })
    await run(two, sink)
    expect(seqs()).toHaveLength(5)
    one.clock.advance(61_000)
    await run(two, sink)
    expect(seqs()).toEqual([...numbers(5), ...numbers(5)])
  })

  test('of two instances one sends at a time', async () => {
    const one = await trail()
    const two = await trail({ store: one.store, clock: one.clock, chain: 'two' })
    await one.write(...numbers(30))
    await two.write(...numbers(30))
    const { sink, got } = basket('basket', { entries: 7, bytes: 1_000_000 })
    for (let i = 0; i < 10; i += 1) await Promise.all([run(one, sink), run(two, sink)])
    const names = got.map(({ entry: { chain, seq } }) => `${chain} ${seq}`)
    expect(names).toHaveLength(60)
    expect(new Set(names).size).toBe(60)
  })

  test('a lease of the far future, from a clock that was wrong, stops nothing for good', async () => {
    const ahead = turnableClock(Date.now() + 10 * 86_400_000)
    const one = await trail()
    await one.write(1)
    const { sink, seqs } = basket()
    const stuck: Sink = { ...sink, send: () => new Promise(() => {}) }
    void run({ ...one, clock: ahead }, stuck)
    await until(async () => (await one.store.get(stateKey('basket'))) !== undefined, 'the lease')
    const two = await trail({ store: one.store, clock: one.clock, chain: 'two' })
    await run(two, sink)
    expect(seqs()).toEqual([1])
  })
})

describe('what was dropped, cut or made up', () => {
  const day = 86_400_000
  const drop = async (one: TestTrail, hold: number) =>
    dropOld({
      store: one.store,
      audit: one.audit,
      now: one.clock.now(),
      retention: { other: 10, kinds: {} },
      streams: await cursorsOf(one.store, ['basket'], one.audit.keys),
      hold,
    })
  const entriesOf = async (one: TestTrail, kind: string) =>
    (await one.lines())
      .filter((line) => line.includes(`"kind":"${kind}"`))
      .map((line) => (JSON.parse(line) as { details: Record<string, unknown> }).details)

  test('the retention waits for a stream, and no longer than AUDIT_STREAM_HOLD', async () => {
    const one = await trail()
    const { sink, seqs } = basket()
    await one.write(1, 2, 3)
    await one.sign()
    one.clock.advance(15 * day)
    expect(await drop(one, 20)).toBe(0)
    one.clock.advance(16 * day)
    expect(await drop(one, 20)).toBe(3)
    expect(await entriesOf(one, 'entries_dropped')).toEqual([
      expect.objectContaining({ ranges: '1-3', count: 3, unsent: ['basket'] }),
    ])
    // The stream says which it did not send, and goes on with the rest.
    await one.write(5)
    await run(one, sink)
    expect(seqs()).not.toContain(1)
    expect(seqs()).toContain(5)
    expect(await entriesOf(one, 'stream_gap')).toEqual([
      { stream: 'basket', chain: 'one', ranges: '1-3', count: 3 },
    ])
  })

  test('what a stream has sent is dropped in time', async () => {
    const one = await trail()
    const { sink } = basket()
    await one.write(1, 2)
    await one.sign()
    await run(one, sink)
    one.clock.advance(11 * day)
    expect(await drop(one, 20)).toBe(2)
    expect(await entriesOf(one, 'entries_dropped')).toEqual([
      expect.not.objectContaining({ unsent: expect.anything() }),
    ])
  })

  test('batches that are missing are said, and what follows them is sent', async () => {
    const one = await trail()
    await one.write(...numbers(6))
    for (const batch of [2, 3]) await one.store.take(batchKey('one', batch))
    const { sink, seqs } = basket()
    await run(one, sink)
    expect(seqs()).toEqual([1, 4, 5, 6])
    expect(await entriesOf(one, 'stream_gap')).toEqual([expect.objectContaining({ ranges: '2-3' })])
  })

  test('a number that was made up hides no entry after it; a line that is no entry is not sent', async () => {
    const one = await trail()
    await one.write(1)
    const line = (await one.store.get(batchKey('one', 1)))!
    const forged = line.replace('"seq":1', '"seq":9000000000000')
    await one.store.put(batchKey('one', 1), [line, forged, 'no entry', '{"kind":"__proto__"}'].join('\n'))
    await one.write(2, 3)
    const { sink, seqs } = basket()
    await run(one, sink)
    expect(seqs()).toEqual([1, 2, 3])
  })

  test('after the store was put back to an older state, what is new is sent, although its numbers were sent before', async () => {
    const one = await trail()
    await one.write(...numbers(4))
    const older = await Promise.all(numbers(4).map((batch) => one.store.get(batchKey('one', batch))))
    await one.write(...numbers(6, 5))
    const { sink, seqs, got } = basket()
    await run(one, sink)
    expect(seqs()).toEqual(numbers(10))
    for (const batch of numbers(10)) await one.store.take(batchKey('one', batch))
    for (const [i, text] of older.entries()) await one.store.put(batchKey('one', i + 1), text!)
    await one.store.link('audit_chains', 'one', 4)
    const restored = await trail({ store: one.store, clock: one.clock })
    await restored.write(77)
    got.length = 0
    await run(restored, sink)
    expect(got.map(({ entry }) => entry.client_id)).toContain('client 77')
  })

  test.each(['', '{', '[]', '{"chains":{"one":{"batch":-1,"seq":1}}}'])(
    'a damaged cursor %p sends again, and loses nothing',
    async (text) => {
      const one = await trail()
      await one.write(1, 2)
      const { sink, seqs } = basket()
      await one.store.put(stateKey('basket'), text)
      await run(one, sink)
      expect(seqs()).toEqual([1, 2])
    },
  )
})

describe('a stranger with access to the store', () => {
  test('moves no cursor: what was not sent is sent', async () => {
    const one = await trail()
    const { sink, seqs } = basket()
    await one.write(1)
    await run(one, sink)
    const text = (await one.store.get(stateKey('basket')))!
    await one.write(2, 3)
    expect(text).toContain('{"batch":1,"seq":1}')
    for (const forged of [
      text.replace('{"batch":1,"seq":1}', '{"batch":3,"seq":3}'),
      text.slice(43).replace('{"batch":1,"seq":1}', '{"batch":3,"seq":3}'),
    ]) {
      await one.store.put(stateKey('basket'), forged)
      await run(one, sink)
      // From the beginning, because nothing says what was sent.
      expect(seqs().slice(-3)).toEqual([1, 2, 3])
    }
    // The cursor of another stream is none of this one.
    const other = basket('other')
    await one.store.put(stateKey('other'), (await one.store.get(stateKey('basket')))!)
    await run(one, other.sink)
    expect(other.seqs()).toEqual([1, 2, 3])
  })

  test('an older cursor, and one that a former value of AUDIT_SIGNING_KEY signed, go on', async () => {
    const one = await trail()
    const { sink, seqs } = basket()
    await one.write(1)
    await run(one, sink)
    const fresh = 'another-audit-signing-key-of-the-tests'
    const two = await trail({ store: one.store, clock: one.clock, signingKeys: [fresh, auditKey] })
    await two.write(2)
    await run(two, sink)
    expect(seqs()).toEqual([1, 2])
  })
})

describe('syslog', () => {
  let server: SyslogServer
  const started: SyslogServer[] = []
  const start = async (...args: Parameters<typeof startSyslog>) => {
    server = await startSyslog(...args)
    started.push(server)
    return server
  }
  afterAll(async () => void (await Promise.all(started.map((each) => each.stop()))))
  const sinkOf = (url: string, ca = own.certPath, within?: number) =>
    syslogSink(configOf({ AUDIT_SYSLOG_URL: url, AUDIT_SYSLOG_CA_PATH: ca }), within)
  const problemOf = async (one: TestTrail) => (await stateOf(one.store, 'syslog', one.audit.keys)).problem

  test('frames and messages are those of RFC 5425 and RFC 5424', async () => {
    const { url, messages, problems } = await start(own)
    const one = await trail()
    await one.write(...numbers(3))
    await run(one, sinkOf(url))
    expect(problems).toEqual([])
    expect(messages.map(readMessage)).toEqual(
      numbers(3).map((seq) =>
        expect.objectContaining({
          priority: 13 * 8 + 6,
          host: 'id.example',
          app: 'latchkey',
          process: 'one',
          id: 'client_registered',
          content: expect.objectContaining({ seq, client_id: `client ${seq}` }),
        }),
      ),
    )
    const [first] = messages.map(readMessage)
    expect(first!.time).toBe(first!.content.time as string)
    // The line is the entry itself.
    expect((await one.lines()).some((line) => JSON.stringify(first!.content) === line)).toBeTrue()
  })

  test('no text of a request ends a frame, begins another message or has a control character', async () => {
    const { url, messages, problems } = await start(own)
    const one = await trail()
    const evil = [
      'a\n<108>1 2026-01-01T00:00:00Z host latchkey one signed_in - {}',
      '12 <108>1 - - - - - - forged',
      'line\u2028separator\u0085next \u0000\u001b[2J\u202e',
      '"}\r\n',
      '\ud800 half, 𝟙 whole, ü',
    ]
    for (const text of evil)
      await note(undefined, { log: silent, audit: one.audit }, 'client_registered', {
        client_id: text,
        client_name: text,
      })
    await run(one, sinkOf(url))
    expect(problems).toEqual([])
    expect(messages).toHaveLength(evil.length)
    for (const message of messages) expect(message).toMatch(/^[\x20-\x7e]+$/)
    expect(messages.map((message) => readMessage(message).content.client_id)).toEqual(
      evil.map((text) => JSON.parse(JSON.stringify(text)) as string),
    )
  })

  test('a certificate of another authority, or of another name, takes nothing', async () => {
    const { url, port, messages } = await start(own)
    const one = await trail()
    await one.write(1)
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      for (const sink of [sinkOf(url, other.certPath), sinkOf(`tls://127.0.0.2:${port}`)]) {
        await run(one, sink)
        expect(await problemOf(one)).toBeDefined()
        one.clock.advance(400_000)
      }
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    }
    expect(messages).toEqual([])
    await run(one, sinkOf(url))
    expect(messages).toHaveLength(1)
  })

  test('TLS before 1.2, or none at all, takes nothing', async () => {
    const old = await start(own, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })
    let plain = ''
    const without = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: {
        data: (socket, data) => void ((plain += data.toString('latin1')), socket.write('220 hello\r\n')),
      },
    })
    const one = await trail()
    await one.write(1)
    for (const url of [old.url, `tls://localhost:${without.port}`]) {
      await run(one, sinkOf(url))
      expect(await problemOf(one)).toBeDefined()
      one.clock.advance(400_000)
    }
    without.stop(true)
    expect(old.messages).toEqual([])
    expect(plain).not.toContain('client_registered')
  })

  test.each(['reads_nothing', 'never_ends', 'cuts', 'floods'] as const)(
    'a collector that %s has not taken the batch, and gets it again',
    async (manner) => {
      const { url, messages, behave } = await start(own)
      const one = await trail()
      // More than the buffers of both sides, so that a collector that reads nothing has not got it by chance.
      const device = 'x'.repeat(450)
      for (let i = 0; i < 900; i += 1)
        one.audit.later({ kind: 'signed_out', outcome: 'success', actor: 'person', device, reason: device })
      await one.audit.flush()
      behave(manner)
      await run(one, sinkOf(url, own.certPath, 300))
      expect(await stateOf(one.store, 'syslog', one.audit.keys)).toMatchObject({ lag: 900 })
      expect(await problemOf(one)).toContain('localhost')
      behave('well')
      messages.length = 0
      one.clock.advance(400_000)
      await run(one, sinkOf(url))
      expect(new Set(messages).size).toBe(900)
      expect(await stateOf(one.store, 'syslog', one.audit.keys)).toMatchObject({ lag: 0, problem: undefined })
    },
  )

  test('a collector that asks for a certificate gets that of the settings', async () => {
    const asking = await start(own, {
      requestCert: true,
      rejectUnauthorized: true,
      ca: readFileSync(other.certPath),
    })
    const one = await trail()
    await one.write(1)
    const { certPath, keyPath } = other
    const env = { AUDIT_SYSLOG_URL: asking.url, AUDIT_SYSLOG_CA_PATH: own.certPath }
    await run(one, syslogSink(configOf(env)))
    expect(asking.messages).toHaveLength(0)
    one.clock.advance(400_000)
    const proven = { ...env, AUDIT_SYSLOG_CERT_PATH: certPath, AUDIT_SYSLOG_KEY_PATH: keyPath }
    await run(one, syslogSink(configOf(proven)))
    expect(asking.messages).toHaveLength(1)
  })

  test('tcp:// is for this machine, udp:// for none', () => {
    const problem = (url: string, more = {}) => {
      try {
        configOf({ AUDIT_SYSLOG_URL: url, ...more })
        return undefined
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(problem('udp://127.0.0.1:514')).toContain('udp:// has no acknowledgement')
    expect(problem('tls://user:secret@host')).toContain('AUDIT_SYSLOG_URL: expected')
    expect(problem('tls://host\nx')).toContain('AUDIT_SYSLOG_URL: expected')
    expect(configOf({ AUDIT_SYSLOG_URL: 'tls://[::1]' }).auditSyslogUrl).toEqual({
      secure: true,
      host: '::1',
      port: 6514,
    })
  })
})

describe('webhook', () => {
  interface Got {
    body: string
    headers: Headers
  }
  const got: Got[] = []
  let answer: (request: Request) => Response | Promise<Response> = () => new Response()
  let server: ReturnType<typeof Bun.serve>
  beforeAll(() => {
    server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      async fetch(request) {
        got.push({ body: await request.text(), headers: request.headers })
        return answer(request)
      },
    })
  })
  afterAll(() => void server.stop(true))
  const logged: string[] = []
  const sinkOf = (env: Record<string, string> = {}, path = '/hook?token=hidden-in-the-url') => {
    const clock = turnableClock()
    const config = configOf({
      AUDIT_WEBHOOK_URL: `http://localhost:${server.port}${path}`,
      OUTBOUND_ALLOW_HOSTS: `localhost:${server.port}`,
      OUTBOUND_TIMEOUT_MS: '30000',
      ...env,
    })
    const log = createLog('debug', 'json', (line) => logged.push(line))
    return webhookSink({ config, clock, outbound: createOutbound({ config, clock, log }) })
  }
  const fresh = () => {
    got.length = 0
    answer = () => new Response()
  }

  test('a batch is signed with each secret, over its id, its time and its content', async () => {
    fresh()
    const one = await trail()
    await one.write(1, 2)
    const whsec = `whsec_${Buffer.from('another secret of thirty-two bytes').toString('base64')}`
    await run(one, sinkOf({ AUDIT_WEBHOOK_SECRET: `${secret} ${whsec}` }))
    expect(got).toHaveLength(1)
    const [{ body, headers }] = got as [Got]
    const [id, time] = [headers.get('webhook-id'), headers.get('webhook-timestamp')]
    const sign = (key: string) =>
      `v1,${createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64')}`
    expect(headers.get('webhook-signature')).toBe(
      `${sign(secret)} ${sign('another secret of thirty-two bytes')}`,
    )
    expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(120)
    const content = JSON.parse(body) as { issuer: string; format: string; entries: { seq: number }[] }
    expect(content).toMatchObject({ issuer: 'http://id.example', format: 'json' })
    expect(content.entries.map(({ seq }) => seq)).toEqual([1, 2])
  })

  test('a batch that comes again has the same id', async () => {
    fresh()
    const one = await trail()
    await one.write(1)
    answer = () => new Response(null, { status: 503 })
    const sink = sinkOf()
    await run(one, sink)
    one.clock.advance(400_000)
    answer = () => new Response()
    await run(one, sink)
    expect(got.map(({ headers }) => headers.get('webhook-id'))).toEqual(
      Array.from({ length: 2 }, () => got[0]!.headers.get('webhook-id')),
    )
    expect((await stateOf(one.store, 'webhook', one.audit.keys)).lag).toBe(0)
  })

  const refusals: Record<string, () => Response | Promise<Response>> = {
    'redirects to another place': () => Response.redirect(`http://localhost:${server.port}/elsewhere`, 307),
    'answers 404': () => new Response(null, { status: 404 }),
    'answers without end': () => new Response('x'.repeat(200_000)),
    'never answers': () => new Promise(() => {}),
  }
  test.each(Object.entries(refusals))('a server that %s has not taken it', async (_, refuse) => {
    fresh()
    const one = await trail()
    await one.write(1)
    answer = refuse
    // Whoever answers at all does so in any time; the last one never does.
    await run(one, sinkOf(refuse === refusals['never answers'] ? { OUTBOUND_TIMEOUT_MS: '300' } : {}))
    expect(got).toHaveLength(1)
    const { problem, lag } = await stateOf(one.store, 'webhook', one.audit.keys)
    expect(problem).toContain('localhost')
    expect(lag).toBe(1)
  })

  test('an address of this machine that OUTBOUND_ALLOW_HOSTS does not name is not requested', async () => {
    fresh()
    const one = await trail()
    await one.write(1)
    const urls = [
      `https://localhost:${server.port}/`,
      `https://127.0.0.1:${server.port}/`,
      'https://169.254.169.254/latest/meta-data/',
      'https://[::ffff:10.0.0.1]/',
    ]
    for (const url of urls)
      expect(() => configOf({ AUDIT_WEBHOOK_URL: url }), url).toThrow('AUDIT_WEBHOOK_URL')
    // A name that leads inside is found when it is resolved.
    const config = configOf({ AUDIT_WEBHOOK_URL: 'https://inside.example/' })
    const resolve = () => Promise.resolve(['10.0.0.7'])
    const outbound = createOutbound({ config, clock: one.clock, log: silent, resolve })
    await run(one, webhookSink({ config, clock: one.clock, outbound }))
    expect((await stateOf(one.store, 'webhook', one.audit.keys)).problem).toContain('public address')
    expect(got).toHaveLength(0)
  })

  test('neither the secret nor the path of the URL is in a log line, a state or an entry', async () => {
    fresh()
    logged.length = 0
    const one = await trail()
    await one.write(1)
    const sink = sinkOf()
    for (const status of [500, 200]) {
      answer = () => new Response(null, { status })
      await run(one, sink)
      one.clock.advance(400_000)
    }
    answer = () => new Response()
    const said = [
      ...logged,
      ...one.logged,
      ...(await one.lines()),
      (await one.store.get(stateKey('webhook')))!,
      ...got.map(({ body, headers }) => body + JSON.stringify([...headers])),
    ].join('\n')
    expect(said).not.toContain(secret)
    expect(said).not.toContain('hidden-in-the-url')
  })
})

describe('file', () => {
  let made = 0
  const fileOf = (env: Record<string, string> = {}) => {
    const path = join(folder, `file-${++made}.jsonl`)
    const config = configOf({ AUDIT_FILE: path, AUDIT_FILE_AGE: '0', ...env })
    return { path, config }
  }

  test('rotates by size and age; all lines are in its files', async () => {
    const one = await trail()
    const { path, config } = fileOf({ AUDIT_FILE_AGE: '3600' })
    for (let i = 1; i <= 4; i += 1) {
      await one.write(i)
      await run(one, fileSink(config, one.clock))
      one.clock.advance(3_601_000)
    }
    const files = readdirSync(folder).filter((name) => path.endsWith(name.replace(/\.\d$/, '')))
    expect(files.length).toBeGreaterThan(1)
    const lines = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
    const seqs = lines.map((line) => (JSON.parse(line) as { seq: number }).seq)
    expect(seqs.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4])
  })

  test('half a line that a crash left has a line of its own', async () => {
    const one = await trail()
    const { path, config } = fileOf()
    await one.write(1)
    await run(one, fileSink(config, one.clock))
    appendFileSync(path, '{"v":1,"chain":"one","se')
    await one.write(2)
    await run(one, fileSink(config, one.clock))
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => /"seq":(\d+)/.exec(line)?.[1])).toEqual(['1', undefined, '2'])
  })

  test('a path that cannot be written delays this stream, and says so', async () => {
    const one = await trail()
    await one.write(1)
    await run(one, fileSink({ ...fileOf().config, auditFile: join(folder, 'none', 'x') }, one.clock))
    expect((await stateOf(one.store, 'file', one.audit.keys)).problem).toContain('cannot be written: ENOENT')
  })
})
