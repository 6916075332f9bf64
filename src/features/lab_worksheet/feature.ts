/** The lessons of the teaching lab: what to do, what the recorder has seen done, and questions about one's own flow. docs/classrooms.md */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import type { Listener } from '../../flow/lessons/progress.ts'
import { ownForm } from '../../http/csrf.ts'
import { labExists } from '../../http/lab_exists.ts'
import { lazy } from '../../lib/lazy.ts'
import { worksheetLivePath, worksheetPath, worksheetPurpose } from './paths.ts'

/** Loaded by the first request of a provider with LAB, and never without. */
const onPage = lazy(() => import('./page.ts'))
const progress = lazy(() => import('../../flow/lessons/progress.ts'))

/** One for each provider. */
const listenerOf = (context: Context): Promise<Listener> =>
  progress().then(({ createListener }) => createListener(context))

const worksheet = defineEndpoint({
  name: 'lab_worksheet',
  path: worksheetPath,
  advertised: false,
  page: true,
  exists: labExists,
  labMenu: {
    order: 2,
    icon: 'scroll-text',
    title: 'Lessons',
    about: 'Ten lessons from a redirect to step-up. The recorder sees which step is done.',
  },
  form: ownForm(worksheetPurpose, ({ path }, { lesson }) =>
    lesson === undefined ? path : `${path}?${new URLSearchParams({ lesson })}`,
  ),
  get: async (call, context) => (await onPage()).show(call, context),
  post: async (call, context, { fields }) => (await onPage()).submit(call, context, fields),
})

const live = defineEndpoint({
  name: 'lab_worksheet_live',
  path: worksheetLivePath,
  advertised: false,
  api: false,
  limited: true,
  exists: labExists,
  get: async (call, context) => (await onPage()).live(call, context),
})

export const labWorksheet = defineFeature({
  name: 'lab_worksheet',
  when: ({ lab }) => lab,
  endpoints: [worksheet, live],
  lab: {
    recorded(context, request) {
      context.made(listenerOf, context).then(
        (listener) => listener.heard(request),
        (fault: Error) => context.log.warn('lesson_not_kept', { problem: fault.message }),
      )
    },
  },
})
