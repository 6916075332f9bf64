/** GET /admin/v1/health: what /health/ready tells an operator, for administrators. */
import * as v from 'valibot'
import { findings } from '../../../endpoints/health_checks.ts'
import { version } from '../../../version.ts'
import { defineRoute } from '../route.ts'

export const healthRoutes = {
  show: defineRoute({
    method: 'GET',
    path: '/health',
    summary: 'What the checks of this instance found',
    scope: 'admin:statistics.read',
    answer: v.object({
      version: v.string(),
      checks: v.array(
        v.object({
          name: v.string(),
          ok: v.boolean(),
          essential: v.pipe(v.boolean(), v.description('This instance gets no requests while it is not ok')),
          trouble: v.pipe(v.nullable(v.string()), v.description('One word for what is not ok')),
          details: v.record(v.string(), v.unknown()),
        }),
      ),
    }),
    async run(_call, context) {
      const found = await findings(context.table.operation.healthChecks, context)
      return {
        answer: {
          version,
          checks: found.map(({ check, ok, trouble = check.trouble, details }) => ({
            name: check.name,
            ok,
            essential: check.essential ?? false,
            trouble: ok ? null : trouble,
            details: details ?? {},
          })),
        },
      }
    },
  }),
}
