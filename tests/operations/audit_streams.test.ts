/** The streams of real servers: kill -9 while a collector is away, two instances, /health, /metrics, the trial of the settings, exports. */
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditKey } from '../support/audit_trail.ts'
import { makeCertificate } from '../support/certificate.ts'
import { commandLine } from '../support/command.ts'
import { freePort } from '../support/free_port.ts'
import { spawnProvider } from '../support/provider.ts'
import { readMessage, startSyslog, type SyslogServer } from '../support/syslog_server.ts'
import { until } from '../support/until.ts'

setDefaultTimeout(240_000)

const folder = mkdtempSync(join(tmpdir(), 'latchkey-streaming-'))
const certificate = makeCertificate()
const collectorPort = freePort()
const secret = 'a-webhook-secret-of-the-tests-that-is-long'
const posted: { body: string; headers: Headers }[] = []
const alerts: typeof posted = []
const receiver = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    const list = new URL(request.url).pathname === '/alerts' ? alerts : posted
    list.push({ body: await request.text(), headers: request.headers })
    return new Response()
  },
})
const ports = [freePort(), freePort()]
const envOf = (at: number): Record<string, string> => ({
  NODE_ENV: 'development',
  ISSUER_URL: `http://localhost:${ports[0]}`,
  PORT: `${ports[at]}`,
  STORE_URL: `sqlite:${join(folder, 'store.db')}`,
  AUDIT_SIGNING_KEY: auditKey,
  AUDIT_CHAIN: `id-${at + 1}`,
  AUDIT_CHECKPOINT_INTERVAL: '1',
  AUDIT_SYSLOG_URL: `tls://localhost:${collectorPort}`,
  AUDIT_SYSLOG_CA_PATH: certificate.certPath,
  AUDIT_WEBHOOK_URL: `http://localhost:${receiver.port}/hook`,
  AUDIT_WEBHOOK_SECRET: secret,
  AUDIT_WEBHOOK_FORMAT: 'ocsf',
  AUDIT_FILE: join(folder, 'stream.jsonl'),
  AUDIT_FILE_FORMAT: 'ecs',
  AUDIT_ALERT_WEBHOOK_URL: `http://localhost:${receiver.port}/alerts`,
  OUTBOUND_ALLOW_HOSTS: `localhost:${receiver.port}`,
  REGISTRATION: 'open',
})
const { latchkey, remove } = commandLine(envOf(0))
let collector: SyslogServer | undefined
afterAll(async () => {
  await collector?.stop()
  await receiver.stop(true)
  certificate.remove()
  remove()
  rmSync(folder, { recursive: true, force: true })
})

async function register(at: number): Promise<string> {
  const answer = await fetch(`http://localhost:${ports[at]}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['https://app.example/cb'] }),
  })
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { client_id: string }).client_id
}

const bySyslog = () =>
  (collector?.messages ?? []).map(
    (message) => readMessage(message).content as { seq: number; chain: string; client_id?: string },
  )
const byWebhook = () =>
  posted.flatMap(({ body }) => (JSON.parse(body) as { entries: { metadata: { uid: string } }[] }).entries)
const byFile = () =>
  existsSync(join(folder, 'stream.jsonl'))
    ? readFileSync(join(folder, 'stream.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { event: { id: string; action: string } })
    : []

test('kill -9 while the collector is away, two instances, and nothing is missing', async () => {
  const first = await spawnProvider(envOf(0))
  const clients = [await register(0)]
  await until(() => byWebhook().length > 0 && byFile().length > 0, 'the streams that are up')
  clients.push(await register(0))
  first.signal('SIGKILL')
  await first.exited

  const [again, second] = [await spawnProvider(envOf(0)), await spawnProvider(envOf(1))]
  clients.push(await register(0), await register(1))
  interface Health {
    details: Record<string, { lag_entries?: number; problem?: string }>
  }
  const checkOf = async () => {
    const health = (await (await fetch(`${envOf(0).ISSUER_URL}/health`)).json()) as Health
    return health.details.audit_syslog
  }
  await until(async () => (await checkOf())?.problem !== undefined, 'a problem of the syslog stream')
  expect((await checkOf())!.lag_entries).toBeGreaterThan(3)

  collector = await startSyslog(certificate, { port: collectorPort })
  await until(() => clients.every((id) => bySyslog().some((each) => each.client_id === id)), 'all clients')
  await until(async () => (await checkOf())?.lag_entries === 0, 'no lag')
  const metrics = await (await fetch(`${envOf(0).ISSUER_URL}/metrics`)).text()
  expect(metrics).toContain('latchkey_audit_stream_lag_entries{stream="syslog"} 0')
  expect(metrics).toMatch(/latchkey_audit_entries_sent_total\{stream="(syslog|file|webhook)"\} \d/)

  // An export of all accounts by a command is an alert, once for both instances.
  expect((await latchkey(['user', 'export'])).code).toBe(0)
  await until(() => alerts.length > 0, 'an alert')
  const list = await latchkey(['audit', 'list', '--kind', 'alert_raised', '--json'])
  const raised = JSON.parse(list.stdout) as { entries: { details: { rule: string } }[] }
  expect(raised.entries.map(({ details }) => details.rule)).toEqual(['mass_export'])

  // The other streams send the same, each at its own pace.
  const ids = new Set(bySyslog().map(({ chain, seq }) => `${chain}:${seq}`))
  await until(() => {
    const [posts, lines] = [
      byWebhook().map(({ metadata }) => metadata.uid),
      byFile().map(({ event }) => event.id),
    ]
    return ids.isSubsetOf(new Set(posts)) && ids.isSubsetOf(new Set(lines))
  }, 'what syslog has, at the webhook and in the file')

  await Promise.all([again.stop(), second.stop()])
  expect(alerts.map(({ body }) => (JSON.parse(body) as { entries: { details: unknown }[] }).entries)).toEqual(
    [[expect.objectContaining({ kind: 'alert_raised', details: raised.entries[0]!.details })]],
  )
  expect(collector.problems).toEqual([])
  // Of each chain every number from the first on, in order.
  for (const chain of ['id-1', 'id-2']) {
    const seqs = [
      ...new Set(
        bySyslog()
          .filter((each) => each.chain === chain)
          .map(({ seq }) => seq),
      ),
    ]
    expect(seqs).toEqual(seqs.map((_, i) => i + 1))
  }
  const { body, headers } = posted.at(-1)!
  const signed = `${headers.get('webhook-id')}.${headers.get('webhook-timestamp')}.${body}`
  expect(headers.get('webhook-signature')).toBe(
    `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`,
  )
})

test('the trial of the settings, and exports in other formats', async () => {
  const good = await latchkey(['config', 'check', '--deep'])
  expect([good.code, good.stderr]).toEqual([0, ''])
  await collector?.stop()
  const bad = await latchkey(['config', 'check', '--deep'])
  expect(bad.stderr).toContain('AUDIT_SYSLOG_URL: localhost cannot be reached')
  collector = undefined
  for (const format of ['ocsf', 'ecs']) {
    const path = join(folder, `trail.${format}`)
    expect((await latchkey(['audit', 'export', path, '--format', format])).code).toBe(0)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    const actions = lines.map((line) => {
      const { activity_name: ocsf, event } = JSON.parse(line) as {
        activity_name?: string
        event?: { action: string }
      }
      return ocsf ?? event?.action
    })
    expect(actions).toEqual(expect.arrayContaining(['started', 'client_registered', 'audit_gap']))
  }
  const wrong = await latchkey(['audit', 'export', 'x', '--format', 'xml'])
  expect(wrong.code).toBe(2)
  expect(wrong.stderr).toContain('expected one of jsonl, csv, ocsf, ecs, got xml')
})
