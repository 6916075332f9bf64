/** /lab/token: any token, read and verified, and whether it would pass at an API. docs/lab.md */
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { tokenForm } from '../../flow/lab_page.ts'
import { ownForm } from '../../http/csrf.ts'
import { labExists } from '../../http/lab_exists.ts'
import { lazy } from '../../lib/lazy.ts'

/** Loaded by the first request of a provider with LAB, and never without. */
const onPage = lazy(() => import('./page.ts'))

const page = defineEndpoint({
  name: 'lab_token',
  path: tokenForm.path,
  advertised: false,
  limited: true,
  page: true,
  exists: labExists,
  labMenu: {
    order: 30,
    icon: 'key-round',
    title: 'Token',
    about: 'Paste a token: it is decoded, verified and judged as an API would judge it.',
  },
  get: async (call, context) => (await onPage()).show(call, context),
  form: ownForm(tokenForm.purpose),
  post: async (call, context, { fields }) => (await onPage()).submit(call, context, fields),
})

export const labToken = defineFeature({
  name: 'lab_token',
  when: ({ lab }) => lab,
  endpoints: [page],
})
