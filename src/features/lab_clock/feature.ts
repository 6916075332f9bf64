/** The clock of the lab: forward, back, stopped, by page, API and the header of a test. docs/lab.md, "Clock" */
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { ownForm } from '../../http/csrf.ts'
import { labExists } from '../../http/lab_exists.ts'
import { lazy } from '../../lib/lazy.ts'

/** Loaded by the first request of a provider with LAB, and never without. */
const onPage = lazy(() => import('./page.ts'))
const inApi = lazy(() => import('./change.ts'))
const byHeader = lazy(() => import('./header.ts'))

const page = defineEndpoint({
  name: 'lab_clock',
  path: '/lab/clock',
  advertised: false,
  page: true,
  exists: labExists,
  labMenu: {
    order: 60,
    icon: 'clock',
    title: 'Clock',
    about:
      'The time of this provider: forward, back, or stopped. Codes, tokens and sessions expire as if one had waited.',
  },
  form: ownForm('lab_clock'),
  get: async (call, context) => (await onPage()).show(call, context),
  post: async (call, context, { fields }) => (await onPage()).submit(call, context, fields),
})

const api = defineEndpoint({
  name: 'lab_clock_api',
  path: '/lab/api/clock',
  advertised: false,
  api: false,
  problems: true,
  exists: labExists,
  get: async (_call, context) => (await inApi()).show(context),
  post: async (call, context) => (await inApi()).set(call, context),
})

export const labClock = defineFeature({
  name: 'lab_clock',
  when: ({ lab }) => lab,
  endpoints: [page, api],
})

/** Apart, so that without the setting no answer has anything around it. */
export const labClockByHeader = defineFeature({
  name: 'lab_clock_header',
  when: ({ lab, labClockHeader }) => lab && labClockHeader,
  lab: {
    answers: (_endpoint, answer) => async (call, context) => {
      const { contextAt } = await byHeader()
      return answer(call, contextAt(call, context))
    },
  },
})
