/** Metrics for Prometheus: for callers with METRICS_TOKEN, or for this machine when none is set. */
import { HttpError } from '../auth/errors.ts'
import { mayReadMetrics } from '../http/metrics_access.ts'
import { jsonReply, ref } from '../openapi/parts.ts'
import type { Context } from '../contracts/context.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { seconds } from '../lib/clock.ts'
import type { Sample } from '../lib/metrics.ts'
import type { KeyRing } from '../models/key_ring.ts'
import { aliveSessions } from '../models/usage/stored.ts'
import { StoreUnavailable } from '../store/store.ts'
import { commit, version } from '../version.ts'
import { findings } from './health_checks.ts'

export const metrics = defineEndpoint({
  name: 'metrics',
  path: '/metrics',
  whateverTheClock: true,
  advertised: false,
  exists: (_call, { realm }) => realm === undefined, // it counts the process
  api: () => ({
    GET: {
      summary: 'Counters for Prometheus',
      description: 'With METRICS_TOKEN where it is set; otherwise only from this machine.',
      security: [{ metrics_token: [] }, {}],
      responses: {
        200: { description: 'Metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
        404: jsonReply('Not for this caller', ref('Error')),
      },
    },
  }),
  async get(call, context) {
    if (!mayReadMetrics(call, context.config))
      throw new HttpError('not_found', {
        expected: 'metrics are read with METRICS_TOKEN, or from this machine',
      })
    const paths = new Map(context.table.endpoints.map(({ name, path }) => [name, path]))
    const [sessions, checks] = await Promise.all([ofSessions(context), ofChecks(context)])
    return {
      status: 200,
      body: context.metrics.render([...ofInstance(context), ...sessions, ...checks], paths),
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
    }
  },
})

/** Seconds since the epoch. */
const started = performance.timeOrigin / 1000

function ofInstance({ clock, clockGuard, config, keys, signInQueue }: Context): Sample[] {
  const offset = clockGuard.offset()
  const { user, system } = process.cpuUsage()
  const resident = process.memoryUsage.rss()
  const signing = keys.list().filter(({ state }) => state === 'current')
  return [
    { name: 'latchkey_build_info', value: 1, labels: { version, commit } },
    { name: 'latchkey_sign_in_queue_waiting', value: signInQueue.waiting() },
    { name: 'latchkey_sign_in_queue_limit', value: config.signInQueue },
    ...(offset === undefined
      ? []
      : [{ name: 'latchkey_clock_offset_seconds' as const, value: offset / 1000 }]),
    ...signing.map(({ alg, created_at }) => ({
      name: 'latchkey_signing_key_age_seconds' as const,
      value: seconds(clock) - created_at,
      labels: { alg },
    })),
    ...keys.services().flatMap(ofService),
    { name: 'process_resident_memory_bytes', value: resident },
    { name: 'process_cpu_seconds_total', value: (user + system) / 1e6 },
    { name: 'process_start_time_seconds', value: started },
    { name: 'latchkey_process_resident_memory_bytes', value: resident },
  ]
}

/** Absent while the store does not answer, and with USAGE_CLIENTS=0, which counts none. */
async function ofSessions(context: Context): Promise<Sample[]> {
  if (context.config.usageClients === 0) return []
  try {
    const value = await aliveSessions(context)
    return [
      { name: 'latchkey_active_sessions', value },
      { name: 'oidc_active_sessions', value },
    ]
  } catch (error) {
    if (error instanceof StoreUnavailable) return []
    throw error
  }
}

function ofService({
  alg,
  seconds: value,
  waiting,
  ...counts
}: ReturnType<KeyRing['services']>[number]): Sample[] {
  const results = ['made', 'failed', 'refused'] as const
  return [
    ...results.map((result) => ({
      name: 'latchkey_remote_signatures_total' as const,
      value: counts[result],
      labels: { alg, result },
    })),
    { name: 'latchkey_remote_signature_seconds_total', value, labels: { alg } },
    { name: 'latchkey_remote_signatures_waiting', value: waiting, labels: { alg } },
  ]
}

async function ofChecks(context: Context): Promise<Sample[]> {
  const found = await findings(context.table.operation.healthChecks, context)
  return found.flatMap(({ check: { name: check, essential = false }, ok, seconds: value, samples = [] }) => [
    {
      name: 'latchkey_health_check',
      value: ok ? 1 : 0,
      labels: { check, essential: `${essential}` },
    },
    { name: 'latchkey_health_check_duration_seconds', value, labels: { check } },
    ...samples,
  ])
}
