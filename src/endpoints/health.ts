/**
 * Health for load balancers and operators. `/health/live`: the process answers. `/health/ready`, also `/health`: 200 when
 * this instance can serve, 503 when an essential check fails or the instance is stopping. docs/deployment.md
 */
import { mayReadMetrics } from '../http/metrics_access.ts'
import { json } from '../http/reply.ts'
import { jsonReply, ref } from '../openapi/parts.ts'
import type { Context } from '../contracts/context.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { version } from '../version.ts'
import { findings } from './health_checks.ts'

const timestamp = ({ clock }: Context) => new Date(clock.now()).toISOString()

export const health = defineEndpoint({
  name: 'health',
  path: '/health',
  aliases: ['/health/ready'],
  plainHttp: true,
  whateverTheClock: true,
  advertised: false,
  api: () => ({
    GET: {
      summary: 'Whether this instance can serve',
      description:
        'Also at /health/ready. A caller that may read /metrics is told more: every check, and what each found.',
      responses: {
        200: jsonReply('It can', ref('Health')),
        503: jsonReply(
          'The store does not answer or takes no write, the clock is off, a signing key is missing, or the instance is stopping',
          ref('Health'),
        ),
      },
    },
  }),
  async get(call, context) {
    const { config, table, closing } = context
    const isOperator = mayReadMetrics(call, config)
    const checks = table.operation.healthChecks.filter(({ essential }) => essential ?? isOperator)
    const found = await findings(checks, context)
    const isFit = found.every(({ ok, check }) => ok || !check.essential)
    const status = closing() ? 'stopping' : isFit ? 'healthy' : 'unhealthy'
    const answer = {
      status,
      checks: Object.fromEntries(
        found.map(({ check, ok, trouble = check.trouble }) => [check.name, ok ? 'ok' : trouble]),
      ),
      ...(isOperator && {
        details: Object.fromEntries(found.map(({ check, details = {} }) => [check.name, details])),
        version,
      }),
      timestamp: timestamp(context),
    }
    return status === 'healthy' ? json(200, answer) : json(503, answer, { 'retry-after': '2' })
  },
})

/** Asks nothing of the store or the clock: a process that answers must not be restarted because its store is down. */
export const healthLive = defineEndpoint({
  name: 'health_live',
  path: '/health/live',
  plainHttp: true,
  whateverTheClock: true,
  advertised: false,
  api: () => ({
    GET: {
      summary: 'Whether this process answers',
      description:
        'Whatever the state of the store: an orchestrator restarts a process that does not answer here.',
      responses: { 200: jsonReply('It does', ref('Liveness')) },
    },
  }),
  get: (_, context) => json(200, { status: 'alive', timestamp: timestamp(context) }),
})
