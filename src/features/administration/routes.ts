/** The table of the administration API: one line for each resource. */
import { bulkRoute } from './bulk.ts'
import type { Route } from './route.ts'
import { clientRoutes } from './routes/clients.ts'
import { healthRoutes } from './routes/health.ts'
import { auditRoutes } from './routes/audit.ts'
import { auditFileRoutes } from './routes/audit_files.ts'
import { accessRoutes } from './routes/access.ts'
import { administratorRoutes } from './routes/administrators.ts'
import { initialTokenRoutes } from './routes/initial_access_tokens.ts'
import { invitationRoutes } from './routes/invitations.ts'
import { jobRoutes } from './routes/jobs.ts'
import { keyRoutes } from './routes/keys.ts'
import { mailRoutes } from './routes/mails.ts'
import { peopleRoutes } from './routes/people.ts'
import { personActivityRoutes } from './routes/person_activity.ts'
import { personChangeRoutes } from './routes/person_changes.ts'
import { personStateRoutes } from './routes/person_state.ts'
import { realmRoutes } from './routes/realms.ts'
import { scopeRoutes } from './routes/scopes.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { responseTimeRoutes } from './routes/response_times.ts'
import { settingRoutes } from './routes/settings.ts'
import { upstreamRoutes } from './routes/upstreams.ts'
import { ownRoutes } from './routes/self.ts'
import { usageRoutes } from './routes/usage.ts'

const single: readonly Route[] = [
  ...Object.values(ownRoutes),
  ...Object.values(clientRoutes),
  ...Object.values(usageRoutes),
  ...Object.values(healthRoutes),
  ...Object.values(responseTimeRoutes),
  ...Object.values(peopleRoutes),
  ...Object.values(personActivityRoutes),
  ...Object.values(auditRoutes),
  ...Object.values(auditFileRoutes),
  ...Object.values(personChangeRoutes),
  ...Object.values(personStateRoutes),
  ...Object.values(accessRoutes),
  ...Object.values(sessionRoutes),
  ...Object.values(administratorRoutes),
  ...Object.values(keyRoutes),
  ...Object.values(mailRoutes),
  ...Object.values(settingRoutes),
  ...Object.values(scopeRoutes),
  ...Object.values(jobRoutes),
  ...Object.values(upstreamRoutes),
  ...Object.values(realmRoutes),
  ...Object.values(invitationRoutes),
  ...Object.values(initialTokenRoutes),
]

export const routes: readonly Route[] = [
  ...single,
  bulkRoute(single.filter(({ file }) => file === undefined)),
]
