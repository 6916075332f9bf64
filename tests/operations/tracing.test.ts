/** Traces over OTLP: which spans there are, what they say and what they never say, and a collector that is down. Issue 10, section 3. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { latchkeyBinary } from '../support/latchkey_command.ts'
import { openTracing } from '../../src/cli/open_tracing.ts'
import { loadConfig } from '../../src/config.ts'
import { createLog } from '../../src/lib/log.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { ServerSpanStart } from '../../src/lib/tracing.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { featureEntries } from '../../src/table.ts'
import { authorizationUrl, demo } from '../support/client.ts'
import { type Collector, collector } from '../support/collector.ts'
import { root } from '../support/document.ts'
import { clientCredentials, good } from '../support/journey.ts'
import { listener } from '../support/listener.ts'
import { alice, person } from '../support/person.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'

setDefaultTimeout(240_000)

const [callersTrace, callersSpan] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
const traceparent = (sampled: boolean) => `00-${callersTrace}-${callersSpan}-${sampled ? '01' : '00'}`

const collectors: Collector[] = []
const newCollector = (): Collector => {
  const made = collector()
  collectors.push(made)
  return made
}
afterAll(() => collectors.forEach((each) => each.stop()))

/** A provider that ran, and all its spans: its end sends what waits. */
async function trace(
  env: Record<string, string>,
  use: (op: SpawnedProvider) => Promise<unknown>,
  command?: string[],
) {
  const sink = newCollector()
  const op = await spawnProvider({ OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint, ...env }, command)
  try {
    await use(op)
  } finally {
    await op.stop()
  }
  return { sink, spans: sink.spans(), output: op.output() }
}

const askedAs = (op: SpawnedProvider, sampled: boolean) =>
  fetch(`${op.issuer}/nothing`, {
    headers: { traceparent: traceparent(sampled), tracestate: 'vendor=theirs' },
  })

describe('spans of a request', () => {
  test('a token request has one for itself, its round trips and its signature, and its log lines name the trace', async () => {
    const headers = 'x-team=a%20b,authorization=Bearer%20of-the-collector'
    const env = {
      OTEL_EXPORTER_OTLP_HEADERS: headers,
      OTEL_SERVICE_NAME: 'sign-in',
      LOG_FORMAT: 'json',
      ACCESS_TOKEN_FORMAT: 'jwt',
    }
    const { sink, spans, output } = await trace(env, (op) =>
      good(clientCredentials({ issuer: op.issuer, fetch })),
    )
    const request = spans.find(({ name }) => name === 'POST /token')!
    expect(request).toMatchObject({ kind: 2, status: 0, links: [] })
    expect(request.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/token',
      'latchkey.endpoint': 'token',
      'http.response.status_code': 200,
      'latchkey.request_id': expect.stringMatching(/^\S+-\w+$/),
    })
    const below = spans.filter(({ parentSpanId }) => parentSpanId === request.spanId)
    expect(below.map(({ name }) => name)).toEqual(expect.arrayContaining(['store get', 'sign']))
    for (const { traceId } of below) expect(traceId).toBe(request.traceId)
    expect(below.find(({ name }) => name === 'store get')?.attributes).toEqual({
      'db.system.name': 'memory',
      'db.operation.name': 'get',
      'db.collection.name': 'client',
    })
    const lines = output.split('\n').filter((line) => line.startsWith('{"time"'))
    const line = lines.map((text) => JSON.parse(text) as Record<string, unknown>)
    expect(line.find(({ event }) => event === 'tokens_issued')).toMatchObject({
      trace_id: request.traceId,
      request_id: request.attributes['latchkey.request_id'],
    })
    expect(line.find(({ event }) => event === 'started')).not.toHaveProperty('trace_id')
    expect(sink.resource()).toMatchObject({
      'service.name': 'sign-in',
      'service.version': expect.any(String),
    })
    expect(sink.headers[0]?.get('authorization')).toBe('Bearer of-the-collector')
    expect(sink.headers[0]?.get('x-team')).toBe('a b')
    expect(output).not.toContain('of-the-collector')
  })

  test('nothing of an End-User, of a query or of a secret is in a span', async () => {
    const canary = 'canary-of-a-query'
    const { sink, spans } = await trace({}, async (op) => {
      const visitor = person(op.issuer, fetch)
      const { url } = authorizationUrl(op.issuer, demo, { state: canary, login_hint: canary })
      const back = await visitor.goThrough(url)
      expect(back.searchParams.get('code')).toBeTruthy()
      await visitor.open(`${op.issuer}/account?${canary}`)
      await fetch(`${op.issuer}/${canary}/${canary}`, { headers: { 'user-agent': canary } })
      await fetch(`${op.issuer}/token`, { method: canary.toUpperCase() })
    })
    expect(spans.length).toBeGreaterThan(30)
    const said = sink.text().toLowerCase()
    for (const secret of [canary, alice.username, alice.password, demo.client_id, String(demo.client_secret)])
      expect(said).not.toContain(secret.toLowerCase())
    for (const address of ['127.0.0.1', '::1', '?']) expect(said).not.toContain(address)
  })
})

describe('the traceparent of a caller', () => {
  const request = (spans: Awaited<ReturnType<typeof trace>>['spans']) =>
    spans.filter(({ name, attributes }) => name === 'GET' && attributes['http.response.status_code'] === 404)

  test('is a link for a stranger, who decides nothing: not the trace, not whether it is recorded', async () => {
    const { spans } = await trace({}, async (op) => {
      await askedAs(op, true)
      await askedAs(op, false)
    })
    const found = request(spans)
    expect(found).toHaveLength(2)
    for (const { traceId, parentSpanId, links } of found) {
      expect(traceId).not.toBe(callersTrace)
      expect(parentSpanId).toBeUndefined()
      expect(links).toMatchObject([{ traceId: callersTrace, spanId: callersSpan }])
    }
    const none = await trace({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, (op) => askedAs(op, true))
    expect(none.spans).toEqual([])
  })

  test('is the parent from an address of TRACE_PARENT_FROM, with its sampling', async () => {
    const { sink, spans } = await trace({ TRACE_PARENT_FROM: 'loopback' }, async (op) => {
      await askedAs(op, true)
      await askedAs(op, false)
    })
    expect(request(spans)).toMatchObject([{ traceId: callersTrace, parentSpanId: callersSpan, links: [] }])
    expect(sink.text()).not.toContain('vendor=theirs')
  })
})

describe('in this process', () => {
  const lines: string[] = []
  const log = createLog('debug', 'json', (line) => lines.push(line))
  const started: ServerSpanStart = { name: 'GET /x', attributes: {}, caller: undefined }
  const tracingTo = (endpoint: string) =>
    openTracing(
      loadConfig(
        { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TIMEOUT: '200' },
        { featureEntries },
      ),
      endpoint,
      log,
    )

  test('an outbound request carries the trace, and its span has the host alone', async () => {
    const sink = newCollector()
    const other = listener()
    const tracing = tracingTo(sink.endpoint)
    const config = loadConfig({ OUTBOUND_ALLOW_HOSTS: other.hostPort }, { featureEntries })
    const outbound = createOutbound({ config, clock: systemClock, log, tracing })
    const options = { purpose: 'keys' as const, headers: { 'x-own': 'kept' } }
    await tracing.request(started, () => outbound.fetch(`${other.origin}/keys?token=hidden`, options))
    await outbound.fetch(`${other.origin}/in-a-job`, options)
    const failed = tracing.request(started, () => outbound.fetch('https://10.0.0.1/', options))
    expect(await failed.catch((error: Error) => error.name)).toBe('OutboundError')
    await tracing.close()
    other.stop()
    const [sent, refused] = sink.spans().filter(({ kind }) => kind === 3)
    expect(other.heard[0]?.headers.get('traceparent')).toBe(`00-${sent!.traceId}-${sent!.spanId}-01`)
    expect(other.heard[0]?.headers.get('x-own')).toBe('kept')
    expect(other.heard[1]?.headers.has('traceparent')).toBeFalse()
    expect(sent!.attributes).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'server.address': other.hostPort,
      'latchkey.purpose': 'keys',
    })
    expect(refused).toMatchObject({ status: 2, attributes: { 'error.type': 'OutboundError' } })
    expect(sink.text()).not.toContain('hidden')
  })

  test('spans for a collector that is down are bounded, said once in the log, and said again when it is back', async () => {
    const sink = newCollector()
    sink.answerWith('hang')
    const tracing = tracingTo(sink.endpoint)
    const spans = 20_000
    for (let i = 0; i < spans; i++) tracing.request(started, () => undefined)
    await until(() => tracing.problem() !== undefined, 'the collector to be missed')
    for (let i = 0; i < spans; i++) tracing.request(started, () => undefined)
    sink.answerWith(200)
    await until(() => {
      tracing.request(started, () => undefined) // a batch is sent when there are spans
      return tracing.problem() === undefined
    }, 'the collector to be back')
    await tracing.close()
    expect(sink.spans().length).toBeLessThan(spans / 2)
    expect(sink.spans().length).toBeGreaterThan(0)
    const said = lines.filter((line) => line.includes('"traces_'))
    expect(said.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
      'traces_not_sent',
      'traces_sent_again',
    ])
  })
})

describe('a collector that is not there', () => {
  let op: SpawnedProvider
  beforeAll(async () => {
    op = await spawnProvider({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:1',
      OTEL_EXPORTER_OTLP_TIMEOUT: '100',
    })
  })
  afterAll(() => op?.stop())

  test('delays no request and is seen by operators: the provider stays ready', async () => {
    await good(clientCredentials({ issuer: op.issuer, fetch }))
    const health = async () =>
      (await (await fetch(`${op.issuer}/health`)).json()) as {
        status: string
        checks: Record<string, string>
      }
    await until(async () => (await health()).checks.traces === 'not_sent', 'the check to fail')
    expect((await health()).status).toBe('healthy')
    expect(await (await fetch(`${op.issuer}/metrics`)).text()).toContain(
      'latchkey_health_check{check="traces",essential="false"} 0',
    )
    expect(op.output().match(/ traces_not_sent /g)).toHaveLength(1)
  })
})

test('the packages are imported by one file, which is loaded only when traces are on', () => {
  const importing = [...new Bun.Glob('src/**/*.ts').scanSync(root)].filter((path) =>
    readFileSync(join(root, path), 'utf8').includes("from '@opentelemetry/"),
  )
  expect(importing).toEqual(['src/cli/open_tracing.ts'])
  const naming = [...new Bun.Glob('src/**/*.ts').scanSync(root)].filter((path) =>
    /from '.*open_tracing\.ts'/.test(readFileSync(join(root, path), 'utf8')),
  )
  expect(naming).toEqual([])
})

test('the binary sends traces, too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-traced-'))
  try {
    const binary = await latchkeyBinary(folder)
    const { spans } = await trace({ NODE_ENV: 'development' }, (op) => askedAs(op, true), [binary, 'serve'])
    expect(spans.some(({ name }) => name === 'GET /health')).toBeTrue()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
