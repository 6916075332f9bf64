/** The table of the administration API: one line for each resource. */
import { bulkRoute } from './bulk.ts'
import type { Route } from './route.ts'
import { clientRoutes } from './routes/clients.ts'
import { healthRoutes } from './routes/health.ts'
import { auditRoutes } from './routes/audit.ts'
import { accessRoutes } from './routes/access.ts'
import { administratorRoutes } from './routes/administrators.ts'
import { peopleRoutes } from './routes/people.ts'
import { personActivityRoutes } from './routes/person_activity.ts'
import { personChangeRoutes } from './routes/person_changes.ts'
import { personStateRoutes } from './routes/person_state.ts'
import { ownRoutes } from './routes/self.ts'
import { usageRoutes } from './routes/usage.ts'

const single: readonly Route[] = [
  ...Object.values(ownRoutes),
  ...Object.values(clientRoutes),
  ...Object.values(usageRoutes),
  ...Object.values(healthRoutes),
  ...Object.values(peopleRoutes),
  ...Object.values(personActivityRoutes),
  ...Object.values(auditRoutes),
  ...Object.values(personChangeRoutes),
  ...Object.values(personStateRoutes),
  ...Object.values(accessRoutes),
  ...Object.values(administratorRoutes),
]

export const routes: readonly Route[] = [...single, bulkRoute(single)]
