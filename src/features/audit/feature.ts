/** The audit trail: what happened, in chains whose integrity anyone can verify with the public key. docs/audit.md https://owasp.org/www-project-application-security-verification-standard/ */
import { SettingFault } from '../../config/setting_fault.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { publicJson } from '../../http/reply.ts'
import { jsonReply, ref } from '../../openapi/parts.ts'
import { isLoopbackHost } from '../../lib/address.ts'
import { realClock } from '../../lib/clock.ts'
import { alertCheck, alertJob } from './alert_state.ts'
import { env, settings } from './settings.ts'
import { holdingStreams, streamChecks, streamJobs } from './streams.ts'

/** Of their own: a key that signs checkpoints signs no token. */
const keys = defineEndpoint({
  name: 'audit_keys',
  path: '/audit/jwks.json',
  cors: 'any',
  advertised: false,
  api: () => ({
    GET: {
      summary: 'Public keys that sign the checkpoints of the audit trail',
      responses: { 200: jsonReply('JWK set', ref('Jwks'), 'application/jwk-set+json') },
    },
  }),
  get: (_call, { audit, config }) =>
    publicJson(audit?.ring.jwks().body ?? '{"keys":[]}', config.jwksMaxAge, 'application/jwk-set+json'),
})

/** Seconds between looks at whether a checkpoint is due. */
const every = 5

/** Milliseconds between two turns of the retention. */
const turnMs = 3_000_000

export const auditFeature = defineFeature({
  name: 'audit',
  when: (config) => config.auditSigningKey !== undefined,
  env,
  problems: ({ auditSyslogUrl: server, auditSyslogPlaintext }) =>
    server && !server.secure && !auditSyslogPlaintext && !isLoopbackHost(server.host)
      ? [
          `AUDIT_SYSLOG_URL: expected tls://${server.host}, got tcp://, by which each machine on the way reads the entries. Use TLS, or allow it: AUDIT_SYSLOG_PLAINTEXT=true`,
        ]
      : [],
  trials: ({ config }) =>
    config.auditSyslogUrl === undefined
      ? []
      : [
          {
            name: 'AUDIT_SYSLOG_URL',
            async run() {
              const { trySyslog } = await import('./syslog.ts')
              return trySyslog(config).then(
                () => undefined,
                // A file that cannot be read has a trial of its own.
                (error: Error) => (error instanceof SettingFault ? undefined : error.message),
              )
            },
          },
        ],
  endpoints: [keys],
  jobs: [
    {
      name: 'audit',
      every,
      async run({ audit, config }) {
        await audit?.tick(config.auditCheckpointInterval)
      },
    },
    {
      name: 'audit_retention',
      every: 600,
      async run(context) {
        const { audit, store, clock } = context
        // Of all instances one has this turn.
        if (!audit || !(await store.create('audit_retention_turn', audit.chain, turnMs))) return
        const { dropOld } = await import('../../models/audit/retention.ts')
        const { cursorsOf } = await import('../../models/audit/stream/stream.ts')
        await dropOld({
          store,
          audit,
          now: realClock(clock).now(), // the clock of the lab drops no entry
          retention: settings(context).auditRetention,
          streams: await cursorsOf(store, holdingStreams(context), audit.keys),
          hold: context.config.auditStreamHold,
        })
      },
    },
    ...streamJobs,
    alertJob,
  ],
  operation: {
    healthChecks: [
      {
        name: 'audit',
        trouble: 'damaged',
        run({ audit }) {
          if (!audit) return undefined
          const problem = audit.checkpoints.problem()
          const lost = audit.lost()
          return {
            ok: problem === undefined && lost === 0,
            details: { ...(problem !== undefined && { problem }), lost },
          }
        },
      },
      ...streamChecks,
      alertCheck,
    ],
  },
})
