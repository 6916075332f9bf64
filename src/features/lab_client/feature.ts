/** The playground: a client in the pages of the provider, which runs each flow step by step with real requests. docs/lab.md */
import type { ClientSource } from '../../contracts/feature.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { formOfAnySite, ownForm } from '../../http/csrf.ts'
import { labExists } from '../../http/lab_exists.ts'
import { lazy } from '../../lib/lazy.ts'
import {
  answerPath,
  backchannelPath,
  callbackPath,
  frontchannelPath,
  kindOf,
  kinds,
  purpose,
  runPath,
  startPath,
} from './paths.ts'

/** Loaded by the first request for it: a provider without LAB loads none of it. */
const atStart = lazy(() => import('./start.ts'))
const inRun = lazy(() => import('./run.ts'))
const back = lazy(() => import('./callback.ts'))
const told = lazy(() => import('./told.ts'))
const memory = lazy(() => import('./memory.ts'))

const ofLab = { advertised: false, page: true, exists: labExists } as const

const start = defineEndpoint({
  ...ofLab,
  name: 'lab_client',
  path: startPath,
  labMenu: {
    order: 10,
    icon: 'app-window',
    title: 'Playground',
    about:
      'A client in these pages. It runs each flow with real requests, and each request can be changed before it is sent.',
  },
  form: ownForm(purpose),
  get: async (call, context) => (await atStart()).show(call, context),
  post: async (call, context, { fields }) => (await atStart()).begin(call, context, fields),
})

const run = defineEndpoint({
  ...ofLab,
  name: 'lab_client_run',
  path: runPath,
  form: ownForm(purpose),
  get: async (call, context) => (await inRun()).show(call, context),
  post: async (call, context, { fields }) => (await inRun()).sendStep(call, context, fields),
})

const callback = defineEndpoint({
  ...ofLab,
  name: 'lab_client_callback',
  path: callbackPath,
  form: formOfAnySite,
  get: async (call, context) => (await back()).show(call, context),
  post: async (_, context, { fields }) => (await back()).toPage(context, fields),
})

const answer = defineEndpoint({
  ...ofLab,
  name: 'lab_client_answer',
  path: answerPath,
  form: ownForm(purpose, () => runPath),
  post: async (call, context, { fields }) => (await back()).take(call, context, fields),
})

const frontchannel = defineEndpoint({
  ...ofLab,
  name: 'lab_client_frontchannel',
  path: frontchannelPath,
  get: async (call, context) => (await told()).hearFrame(call, context),
})

const backchannel = defineEndpoint({
  name: 'lab_client_backchannel',
  path: backchannelPath,
  advertised: false,
  limited: true,
  exists: labExists,
  api: false,
  post: async (call, context) => (await told()).hearToken(call, context),
})

/** Where LAB is off, these clients are unknown. */
const clients: ClientSource = {
  name: 'lab',
  accepts: (clientId) => kindOf(clientId) !== undefined,
  async find(context, clientId) {
    const kind = kindOf(clientId)
    return kind && (await (await memory()).labClients(context)(kind)).client
  },
  async known(context) {
    const find = (await memory()).labClients(context)
    return (await Promise.all(kinds.map(find))).map(({ client }) => client)
  },
}

export const labClientFeature = defineFeature({
  name: 'lab_client',
  when: ({ lab }) => lab,
  endpoints: [start, run, callback, answer, frontchannel, backchannel],
  clientSources: [clients],
})
