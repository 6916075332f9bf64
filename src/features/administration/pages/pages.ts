/** The pages of /admin: one line each. */
import type { Endpoint } from '../../../contracts/endpoint.ts'
import { auditPage, auditVerificationPage } from './audit.ts'
import { clientPage } from './client.ts'
import { clientsPage, newClientPage } from './clients.ts'
import { livePage } from './live.ts'
import { overviewPage } from './overview.ts'
import { newPersonPage, peoplePage } from './people.ts'
import { personPage } from './person.ts'

export const adminPages: readonly Endpoint[] = [
  overviewPage,
  livePage,
  peoplePage,
  newPersonPage,
  personPage,
  clientsPage,
  newClientPage,
  clientPage,
  auditPage,
  auditVerificationPage,
]
