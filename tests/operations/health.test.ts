/** /health/live and /health/ready: what an orchestrator, a balancer and an operator are told. Issue 10, section 3. */
import { expect, test } from 'bun:test'
import { Outbox } from '../../src/models/outbox.ts'
import { deliverDue } from '../../src/people/mail_delivery.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { freePort } from '../support/free_port.ts'
import { failingStore } from '../support/odd_stores.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'
import { upstreamEnv } from '../support/upstream.ts'

interface Health {
  status: string
  checks: Record<string, string>
  details: Record<string, Record<string, unknown>>
}

const stranger = '192.0.2.7'
async function asked(op: Provider, path: string, peer?: string) {
  const answer = await op.fetch(path, {}, peer)
  return { status: answer.status, said: (await answer.json()) as Health }
}

test('a store that is down: not ready, and alive', async () => {
  const clock = turnableClock()
  const { store, failAfter, recover, used } = failingStore(memoryStore(clock))
  const op = await provider({ store, clock })
  for (const path of ['/health', '/health/ready']) expect((await asked(op, path)).status).toBe(200)
  failAfter(0)
  for (const path of ['/health', '/health/ready']) {
    const { status, said } = await asked(op, path)
    expect(status).toBe(503)
    expect(said).toMatchObject({
      status: 'unhealthy',
      checks: { store: 'unreachable', clock: 'ok', keys: 'ok' },
      details: { store: { kind: 'memory', problem: 'ping: the store is away' } },
    })
  }
  used()
  expect(await asked(op, '/health/live')).toMatchObject({ status: 200, said: { status: 'alive' } })
  expect(used()).toEqual([]) // liveness asks the store nothing
  recover()
  expect((await asked(op, '/health/ready')).status).toBe(200)
})

test('a store that answers and takes no write is read_only, not unreachable', async () => {
  const clock = turnableClock()
  const problem = 'redis: OOM: the memory of the server is full'
  const store = Object.assign(memoryStore(clock), {
    ping: () => Promise.reject(new StoreUnavailable(problem, { refusesWrites: true })),
  })
  expect(await asked(await provider({ store, clock }), '/health/ready')).toMatchObject({
    status: 503,
    said: { status: 'unhealthy', checks: { store: 'read_only' }, details: { store: { problem } } },
  })
})

test('a stranger learns whether it serves, an operator why', async () => {
  const op = await provider()
  const open = await asked(op, '/health/ready', stranger)
  expect(Object.keys(open.said)).toEqual(['status', 'checks', 'timestamp'])
  expect(open.said.checks).toEqual({ store: 'ok', clock: 'ok', keys: 'ok' })
  const { said } = await asked(op, '/health/ready')
  expect(said.checks).toEqual({ store: 'ok', clock: 'ok', keys: 'ok', memory: 'ok', disk: 'ok', mail: 'ok' })
  expect(said.details.store?.latency_ms).toBeNumber()
  expect(said.details.memory?.resident_bytes).toBeGreaterThan(1_000_000)
  expect(said.details.keys?.published).toContainEqual({
    kid: expect.any(String),
    alg: 'RS256',
    state: 'current',
    age_seconds: expect.any(Number),
  })
})

test('mails that the relay does not take are seen, and do not stop the instance', async () => {
  const op = await provider({
    env: { SMTP_URL: `smtp://localhost:${freePort()}`, MAIL_FROM: 'a@latchkey.example' },
  })
  const mail = { to: 'a@b.example', subject: 'x', text: 'x', html: 'x' }
  await Outbox.add(op.context, systemRandom, op.context.secrets.mail, mail)
  const first = await asked(op, '/health')
  expect(first.said.checks.mail).toBe('ok')
  expect(first.said.details.mail).toEqual({ waiting: 1, most_attempts: 0 })
  for (let attempt = 0; attempt < 2; attempt++) {
    await deliverDue(op.context)
    op.clock.advance(60_000)
  }
  const late = await asked(op, '/health')
  expect(late).toMatchObject({
    status: 200,
    said: {
      status: 'healthy',
      checks: { mail: 'late' },
      details: { mail: { waiting: 1, most_attempts: 2 } },
    },
  })
})

test('an upstream provider that did not answer is named, and the check itself asks none', async () => {
  const port = freePort()
  const member = { id: 'corp', provider: 'oidc', label: 'Corp', base_url: `http://localhost:${port}` }
  const op = await provider({ env: upstreamEnv([member], [{ hostPort: `localhost:${port}` }]) })
  expect((await asked(op, '/health')).said.details.upstream).toEqual({ corp: { status: 'not_asked_yet' } })
  const { metadataOf } = await import('../../src/features/upstream/discovery.ts')
  const { upstreamsOf } = await import('../../src/features/upstream/settings.ts')
  await metadataOf(op.context, upstreamsOf(op.context.config)[0]!).catch(() => {})
  const { status, said } = await asked(op, '/health')
  expect(status).toBe(200)
  expect(said.checks.upstream).toBe('unreachable')
  expect(said.details.upstream?.corp).toMatchObject({
    status: 'failed',
    problem: expect.stringMatching(/^down: /),
  })
})
