/** Spans of what belongs to no request: jobs, mails that leave, secrets that are read again. Issue 10, section 3. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collector } from '../support/collector.ts'
import { commandLine } from '../support/command.ts'
import { spawnProvider } from '../support/provider.ts'
import { smtpRelay } from '../support/smtp_relay.ts'
import { until } from '../support/until.ts'
import { startVault } from '../support/vault.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-jobs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a job has a trace of its own, with its round trips, the relay and the places of secrets below it', async () => {
  const [sink, relay, vault] = [collector(), await smtpRelay(), startVault()]
  vault.secrets['secret/latchkey'] = { metrics: 'the-metrics-token-0123' }
  const env = {
    STORE_URL: `sqlite:${join(folder, 'jobs.db')}`,
    SMTP_URL: `smtp://127.0.0.1:${relay.port}`,
    MAIL_FROM: 'accounts@example.com',
  }
  const op = await spawnProvider({
    ...env,
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint,
    ...{ VAULT_ADDR: vault.address, VAULT_ROLE_ID: 'our-role', VAULT_SECRET_ID: 'our-secret-id' },
    ...{ METRICS_TOKEN: 'vault:secret/latchkey#metrics', SECRETS_REFRESH: '1' },
  })
  try {
    const line = commandLine(env)
    await line.json('user', 'reset', 'alice', '--json')
    line.remove()
    await until(() => relay.taken.length > 0, 'the mail')
    const before = vault.asked.length
    await until(() => vault.asked.length > before + 2, 'the secrets to be read again')
  } finally {
    await op.stop()
    sink.stop()
    vault.stop()
    await relay.stop()
  }
  const spans = sink.spans()
  const jobOf = (name: string) => {
    const below = spans.find((span) => span.name === name)!
    const job = spans.find(({ spanId }) => spanId === below.parentSpanId)!
    return { below, job }
  }
  const sent = jobOf('SMTP send')
  expect(sent.below).toMatchObject({ kind: 3, status: 0, attributes: { 'server.address': '127.0.0.1' } })
  expect(sent.job).toMatchObject({ name: 'job mail', attributes: { 'latchkey.job': 'mail' }, links: [] })
  expect(sent.job.parentSpanId).toBeUndefined()
  const inJob = spans.filter(({ traceId }) => traceId === sent.job.traceId)
  expect(inJob.some(({ name }) => name.startsWith('store '))).toBe(true)

  const read = jobOf('secret vault')
  expect(read.job.name).toBe('job secrets')
  expect(read.below.attributes).toEqual({ 'latchkey.variable': 'METRICS_TOKEN' })

  const said = sink.text()
  for (const private_ of [
    'alice',
    'example.com',
    'the-metrics-token-0123',
    'our-secret-id',
    'secret/latchkey',
  ])
    expect(said).not.toContain(private_)
}, 240_000)
