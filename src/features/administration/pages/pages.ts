/** The pages of /admin, as a start knows them: one line each. whole_pages.ts has their modules, which the first request of one loads. */
import { type DeferredHead, deferEndpoint } from '../../../contracts/deferred_endpoint.ts'
import type { Head } from '../../../contracts/endpoint.ts'
import { lazy } from '../../../lib/lazy.ts'
import { isOfServer, realmsExist } from '../existence.ts'
import { entryHead, fileHead, hiddenHead, ownHostHead, type PageChoices, pageHead } from './head.ts'
import { arrivalPath, entryPath, leavePath } from './way_to_issuer.ts'

const view = (path: string, choices: PageChoices = {}): DeferredHead => ({
  ...pageHead(path, choices),
  methods: ['GET'],
})

/** A page with actions. */
const forms = (path: string, choices: PageChoices = {}): DeferredHead => ({
  ...pageHead(path, choices),
  methods: ['GET', 'POST'],
  hasForm: true,
})

const only = (head: Head): DeferredHead => ({ ...head, page: true, methods: ['GET'] })

const heads: readonly DeferredHead[] = [
  view('/admin'),
  { ...hiddenHead('admin_live', '/admin/live'), api: false, methods: ['GET'] },
  view('/admin/people'),
  forms('/admin/people/new', { repetition: 'known' }),
  forms('/admin/people/{sub}'),
  view('/admin/clients'),
  forms('/admin/clients/new', { repetition: 'known' }),
  forms('/admin/clients/{client_id}'),
  view('/admin/clients/{client_id}/kits'),
  view('/admin/clients/{client_id}/kits/{kind}'),
  only(hiddenHead('admin_client_kit_zip', '/admin/clients/{client_id}/kits/{kind}/zip')),
  forms('/admin/sessions'),
  forms('/admin/invitations', { repetition: 'known' }),
  forms('/admin/initial_access_tokens', { repetition: 'known' }),
  forms('/admin/keys'),
  forms('/admin/mail'),
  forms('/admin/settings'),
  view('/admin/scopes'),
  forms('/admin/jobs', { exists: isOfServer }),
  forms('/admin/upstreams'),
  forms('/admin/realms', { exists: realmsExist, repetition: 'known' }),
  forms('/admin/realms/{name}', { exists: realmsExist }),
  view('/admin/audit'),
  view('/admin/audit/verification'),
  view('/admin/failed_request'),
  view('/admin/audit/export'),
  only(fileHead('/admin/audit/export/trail')),
  only(fileHead('/admin/audit/export/report')),
  only(fileHead('/admin/usage')),
  only(ownHostHead('admin_host_arrival', arrivalPath)),
  only(ownHostHead('admin_host_leave', leavePath)),
]

const whole = lazy(async () => {
  const { wholeAdminPages } = await import('./whole_pages.ts')
  return new Map(wholeAdminPages.map((page) => [page.path, page]))
})

const deferred = (head: DeferredHead) => deferEndpoint(head, async () => (await whole()).get(head.path)!)

export const adminPages = heads.map(deferred)

/** At the issuer. */
export const ownHostEntry = deferred(only(entryHead(entryPath)))
