/** What an operator sees: /health and /metrics. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { clientCredentials, good } from '../support/journey.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'

const token = 'a-metrics-token-of-some-length'
let closed: SpawnedProvider
let open: SpawnedProvider

beforeAll(async () => {
  ;[closed, open] = await Promise.all([spawnProvider({ METRICS_TOKEN: token }), spawnProvider()])
}, 60_000)
afterAll(async () => {
  await Promise.all([closed?.stop(), open?.stop()])
})

test('health says what was checked and which version answers, and is never cached', async () => {
  const answer = await fetch(`${open.issuer}/health`)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(await good(answer)).toEqual({
    status: 'healthy',
    checks: { store: 'ok', clock: 'ok', keys: 'ok', memory: 'ok', disk: 'ok', mail: 'ok' },
    details: expect.any(Object),
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
  })
})

test('a start names version, commit and issuer, on the screen and in the log', () => {
  const output = open.output()
  expect(output).toMatch(/^Latchkey \d+\.\d+\.\d+ \(source\) · /)
  const line = output.split('\n').find((each) => each.includes(' started '))
  for (const field of [/version=\d+\.\d+\.\d+/, /commit=source/, `issuer=${open.issuer}`])
    expect(line).toMatch(field)
})

const metricsOf = async (issuer: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${issuer}/metrics`, { headers })
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
}

test('metrics count requests by endpoint and status, in the Prometheus text format', async () => {
  const before = await metricsOf(open.issuer)
  const count = (text: string) =>
    Number(/^latchkey_requests_total\{endpoint="token",status="200"\} (\d+)$/m.exec(text)?.[1] ?? 0)
  for (let i = 0; i < 3; i++) await good(clientCredentials({ issuer: open.issuer, fetch }))
  const after = await metricsOf(open.issuer)
  expect(after.type).toStartWith('text/plain; version=0.0.4')
  expect(count(after.text) - count(before.text)).toBe(3)
  expect(after.text).toMatch(/^latchkey_response_time_seconds_bucket\{endpoint="token",le="\+Inf"\} 3$/m)
  expect(after.text).toMatch(/^latchkey_process_resident_memory_bytes \d{7,}$/m)
  expect(after.text).toMatch(/^latchkey_sign_in_queue_waiting 0$/m)
  for (const line of after.text.trimEnd().split('\n'))
    expect(line).toMatch(
      /^(?:# (?:TYPE|HELP) [a-z_]+ .+|(?:latchkey|process|oidc)_[a-z_]+(?:\{[^}]*\})? [\d.e+-]+)$/,
    )
})

test('paths that strangers make up add no series', async () => {
  for (let i = 0; i < 20; i++) await fetch(`${open.issuer}/made-up-${i}?x=${i}`)
  expect((await metricsOf(open.issuer)).text).not.toContain('made-up')
})

test('with METRICS_TOKEN its bearer reads them, and nobody else on this machine or through a proxy', async () => {
  expect((await metricsOf(closed.issuer, { authorization: `Bearer ${token}` })).status).toBe(200)
  for (const headers of [
    {},
    { authorization: `Bearer ${token}x` },
    { authorization: `Bearer ${token.slice(0, -1)}` },
    { authorization: `Basic ${btoa(`x:${token}`)}` },
    { authorization: 'Bearer ' },
  ] as Record<string, string>[]) {
    const { status, text } = await metricsOf(closed.issuer, headers)
    expect(status).toBe(404)
    expect(text).not.toContain('latchkey_requests_total')
  }
})

test('without METRICS_TOKEN only this machine itself reads them: what a proxy forwards is somebody else', async () => {
  expect((await metricsOf(open.issuer)).status).toBe(200)
  expect((await metricsOf(open.issuer, { 'x-forwarded-for': '127.0.0.1' })).status).toBe(404)
  expect((await metricsOf(open.issuer, { forwarded: 'for=127.0.0.1' })).status).toBe(404)
})
