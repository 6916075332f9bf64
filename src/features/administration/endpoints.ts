/** The endpoints of the administration API, as a start knows them: one line for each path. routes/ has what they do, which the first request of one loads. */
import type { Context } from '../../contracts/context.ts'
import { deferEndpoint } from '../../contracts/deferred_endpoint.ts'
import type { HttpMethod } from '../../lib/http_method.ts'
import { lazy } from '../../lib/lazy.ts'
import { apiHead } from './api_head.ts'
import { isOfServer, realmsExist } from './existence.ts'

type Row = readonly [path: string, methods: readonly HttpMethod[], exists?: (context: Context) => boolean]

const rows: readonly Row[] = [
  ['/self', ['GET']],
  ['/clients', ['GET', 'POST']],
  ['/clients/{client_id}', ['GET', 'PATCH', 'DELETE']],
  ['/clients/{client_id}/disable', ['POST']],
  ['/clients/{client_id}/enable', ['POST']],
  ['/clients/{client_id}/secret', ['POST']],
  ['/clients/{client_id}/secret/former', ['DELETE']],
  ['/usage', ['GET']],
  ['/usage/export', ['GET']],
  ['/health', ['GET']],
  ['/response_times', ['GET']],
  ['/people', ['GET', 'POST']],
  ['/people/{sub}', ['GET', 'PATCH', 'DELETE']],
  ['/people/{sub}/factors', ['GET']],
  ['/people/{sub}/connections', ['GET']],
  ['/people/{sub}/connections/{id}', ['DELETE']],
  ['/people/{sub}/sessions', ['GET', 'DELETE']],
  ['/people/{sub}/consents', ['GET']],
  ['/people/{sub}/events', ['GET']],
  ['/audit/entries', ['GET']],
  ['/audit/alerts', ['GET']],
  ['/audit/checkpoints', ['GET']],
  ['/audit/verification', ['GET']],
  ['/audit/export', ['GET']],
  ['/audit/report', ['GET']],
  ['/people/{sub}/email', ['PUT']],
  ['/people/{sub}/password', ['PUT']],
  ['/people/{sub}/send_reset', ['POST']],
  ['/people/{sub}/export', ['POST']],
  ['/people/{sub}/disable', ['POST']],
  ['/people/{sub}/enable', ['POST']],
  ['/people/{sub}/reset_factors', ['POST']],
  ['/sessions/{sid}', ['GET', 'DELETE']],
  ['/people/{sub}/grants', ['GET']],
  ['/people/{sub}/grants/{grant_id}', ['DELETE']],
  ['/people/{sub}/consents/{client_id}', ['DELETE']],
  ['/clients/{client_id}/grants', ['DELETE']],
  ['/sessions', ['GET', 'DELETE']],
  ['/clients/{client_id}/sessions', ['DELETE']],
  ['/administrators', ['GET']],
  ['/people/{sub}/administration_role', ['GET', 'PUT', 'DELETE']],
  ['/keys', ['GET']],
  ['/keys/rotate', ['POST']],
  ['/mails', ['GET']],
  ['/mails/{id}/retry', ['POST']],
  ['/mails/{id}', ['DELETE']],
  ['/settings', ['GET']],
  ['/log_levels', ['GET', 'PUT', 'DELETE'], isOfServer],
  ['/scopes', ['GET']],
  ['/jobs', ['GET'], isOfServer],
  ['/jobs/{name}/run', ['POST'], isOfServer],
  ['/upstreams', ['GET']],
  ['/upstreams/{id}/test', ['POST']],
  ['/realms', ['GET', 'POST'], realmsExist],
  ['/realms/{name}', ['GET', 'PATCH', 'DELETE'], realmsExist],
  ['/realms/{name}/disable', ['POST'], realmsExist],
  ['/realms/{name}/enable', ['POST'], realmsExist],
  ['/invitations', ['GET', 'POST']],
  ['/invitations/{id}', ['DELETE']],
  ['/initial_access_tokens', ['GET', 'POST']],
  ['/initial_access_tokens/{id}', ['DELETE']],
  ['/bulk', ['POST']],
]

const whole = lazy(() => import('./whole_endpoints.ts'))

export const apiEndpoints = rows.map(([path, methods, exists]) => {
  const head = apiHead(path, exists)
  return deferEndpoint({ ...head, methods }, async () => (await whole()).wholeEndpoints.get(head.path)!)
})
