/** What is said of alerts that are raised: their end, the check of /health, the gauge of /metrics. */
import type { HealthCheck, Job } from '../../contracts/protocol_sockets.ts'
import { settings } from './settings.ts'

/** Seconds. */
const every = 15
const turnMs = 14_000
/** Alerts that /health names. */
const mostNamed = 200

/** Also without rules: those that were raised before end. */
export const alertJob: Job = {
  name: 'audit_alerts_over',
  every,
  async run({ audit, store, clock, log }) {
    // Of all instances one has this turn.
    if (!audit || !(await store.create('audit_alerts_turn', audit.chain, turnMs))) return
    const { endQuiet } = await import('../../models/audit/alerts/judge.ts')
    await endQuiet({ audit, store, clock, log })
  },
}

export const alertCheck: HealthCheck = {
  name: 'alerts',
  trouble: 'raised',
  async run({ audit, config, store }) {
    if (!audit || settings({ config }).auditAlerts.length === 0) return undefined
    const { activeAlerts } = await import('../../models/audit/alerts/active.ts')
    const active = await activeAlerts(store, mostNamed)
    const levels = ['critical', 'warning'] as const
    return {
      ok: active.every(({ level }) => level !== 'critical'),
      details: { active: active.map(({ rule, level, of, count }) => ({ rule, level, of, count })) },
      samples: levels.map((level) => ({
        name: 'latchkey_audit_alerts_active' as const,
        value: active.filter((each) => each.level === level).length,
        labels: { level },
      })),
    }
  },
}
