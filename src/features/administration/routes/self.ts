/** GET /admin/v1: who calls, and what the caller may do at this moment. */
import * as v from 'valibot'
import { adminRoleNames, adminScopes } from '../../../auth/admin_roles.ts'
import { defineRoute } from '../route.ts'

export const ownRoutes = {
  show: defineRoute({
    method: 'GET',
    path: '/self',
    summary: 'Who calls, and what the caller may do',
    scope: undefined,
    answer: v.object({
      sub: v.nullable(v.string()),
      client_id: v.nullable(v.string()),
      role: v.nullable(v.picklist(adminRoleNames)),
      scopes: v.array(v.picklist(adminScopes)),
    }),
    async run(_call, _context, { actor }) {
      return {
        answer: {
          sub: actor.sub ?? null,
          client_id: actor.clientId ?? null,
          role: actor.role ?? null,
          scopes: [...actor.scopes],
        },
      }
    },
  }),
}
