/** The pages of /admin, one line each. The first request of one loads all; pages.ts has their heads. */
import type { Endpoint } from '../../../contracts/endpoint.ts'
import { auditPage, auditVerificationPage } from './audit.ts'
import { clientPage } from './client.ts'
import { clientKitPage, clientKitsPage, clientKitZip } from './client_kits.ts'
import { clientsPage, newClientPage } from './clients.ts'
import { failedRequestPage } from './failed_request.ts'
import { adminFiles, auditExportPage } from './files.ts'
import { initialTokensPage } from './initial_tokens.ts'
import { invitationsPage } from './invitations.ts'
import { jobsPage } from './jobs.ts'
import { keysPage } from './keys.ts'
import { livePage } from './live.ts'
import { mailPage } from './mails.ts'
import { overviewPage } from './overview.ts'
import { ownHostEntry, ownHostPages } from './own_host.ts'
import { newPersonPage, peoplePage } from './people.ts'
import { personPage } from './person.ts'
import { realmPage } from './realm.ts'
import { realmsPage } from './realms.ts'
import { scopesPage } from './scopes.ts'
import { sessionsPage } from './sessions.ts'
import { settingsPage } from './settings.ts'
import { upstreamsPage } from './upstreams.ts'

export const wholeAdminPages: readonly Endpoint[] = [
  overviewPage,
  livePage,
  peoplePage,
  newPersonPage,
  personPage,
  clientsPage,
  newClientPage,
  clientPage,
  clientKitsPage,
  clientKitPage,
  clientKitZip,
  sessionsPage,
  invitationsPage,
  initialTokensPage,
  keysPage,
  mailPage,
  settingsPage,
  scopesPage,
  jobsPage,
  upstreamsPage,
  realmsPage,
  realmPage,
  auditPage,
  auditVerificationPage,
  failedRequestPage,
  auditExportPage,
  ...adminFiles,
  ...ownHostPages,
  ownHostEntry,
]
