/** The flow recorder of the teaching lab: its pages and exports. What it shows is recorded by models/recording/. docs/lab.md, "Flows" */
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { orRefusedInLab } from '../../flow/lab_page.ts'
import { labExists } from '../../http/lab_exists.ts'
import { lazy } from '../../lib/lazy.ts'
import { comparePath, exportPath, flowPath, flowsPath, livePath } from './paths.ts'

/** Loaded by the first request of a provider with LAB, and never without. */
const onList = lazy(() => import('./list.ts'))
const onFlow = lazy(() => import('./flow.ts'))
const compared = lazy(() => import('./compare.ts'))
const exported = lazy(() => import('./export.ts'))

const ofLab = { advertised: false, page: true, exists: labExists } as const

const flowsPage = defineEndpoint({
  ...ofLab,
  name: 'lab_flows',
  path: flowsPath,
  labMenu: {
    order: 5,
    icon: 'history',
    title: 'Flows',
    about: 'Each sign-in and each token as it happened: requests, answers, checks, records and tokens.',
  },
  get: (call, context) =>
    orRefusedInLab(call, context, flowsPath, async () => (await onList()).show(call, context)),
})

const flowsLive = defineEndpoint({
  name: 'lab_flows_live',
  path: livePath,
  advertised: false,
  api: false,
  limited: true,
  exists: labExists,
  get: async (call, context) => (await onList()).live(call, context),
})

const flowPage = defineEndpoint({
  ...ofLab,
  name: 'lab_flow',
  path: flowPath,
  get: (call, context) =>
    orRefusedInLab(call, context, flowsPath, async () => (await onFlow()).show(call, context)),
})

const comparePage = defineEndpoint({
  ...ofLab,
  name: 'lab_compare',
  path: comparePath,
  get: (call, context) =>
    orRefusedInLab(call, context, flowsPath, async () => (await compared()).show(call, context)),
})

const exportEndpoint = defineEndpoint({
  ...ofLab,
  name: 'lab_flow_export',
  path: exportPath,
  get: (call, context) =>
    orRefusedInLab(call, context, flowsPath, async () => (await exported()).send(call, context)),
})

export const labRecorder = defineFeature({
  name: 'lab_recorder',
  when: ({ lab }) => lab,
  endpoints: [flowsPage, flowsLive, flowPage, comparePage, exportEndpoint],
})
