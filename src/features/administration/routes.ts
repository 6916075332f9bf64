/** The table of the administration API: one line for each resource. */
import type { Route } from './route.ts'
import { healthRoutes } from './routes/health.ts'
import { auditRoutes } from './routes/audit.ts'
import { administratorRoutes } from './routes/administrators.ts'
import { peopleRoutes } from './routes/people.ts'
import { personActivityRoutes } from './routes/person_activity.ts'
import { personStateRoutes } from './routes/person_state.ts'
import { ownRoutes } from './routes/self.ts'

export const routes: readonly Route[] = [
  ...Object.values(ownRoutes),
  ...Object.values(healthRoutes),
  ...Object.values(peopleRoutes),
  ...Object.values(personActivityRoutes),
  ...Object.values(auditRoutes),
  ...Object.values(personStateRoutes),
  ...Object.values(administratorRoutes),
]
