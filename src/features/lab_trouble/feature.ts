/** Trouble on command: the lab tells one client something wrong, for authors of clients. docs/lab.md, "Trouble" */
import type { Answer, Endpoint } from '../../contracts/endpoint.ts'
import { defineFeature, type DocumentWrapper, type ResponseMode } from '../../contracts/feature.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { ownForm } from '../../http/csrf.ts'
import { labExists } from '../../http/lab_exists.ts'
import { lazy } from '../../lib/lazy.ts'

/** Loaded by the first request of a provider with LAB, and never without. */
const tell = lazy(() => import('./tell.ts'))

const around: Readonly<Record<string, (answer: Answer) => Answer>> = {
  token: (answer) => async (call, context) =>
    (await tell()).tellTokens(call, context, await answer(call, context)),
  userinfo: (answer) => async (call, context) =>
    (await tell()).tellUserinfo(call, context, await answer(call, context)),
  jwks: (answer) => async (call, context) =>
    (await tell()).tellPublic(call, context, 'jwks', await answer(call, context)),
  discovery: (answer) => async (call, context) =>
    (await tell()).tellPublic(call, context, 'discovery', await answer(call, context)),
}

const answers = ({ name }: Endpoint, answer: Answer): Answer => around[name]?.(answer) ?? answer

const modes = (mode: ResponseMode): ResponseMode => ({
  ...mode,
  async respond(context, answer) {
    const params = await (await tell()).tellResponse(context, answer.client, answer.params)
    return mode.respond(context, { ...answer, params })
  },
})

/** After the token was signed and before it is encrypted for the client. */
const idToken: DocumentWrapper = {
  name: 'lab_trouble',
  stage: 'sign',
  wrap: (_call, context, { kind, document, client }) =>
    kind === 'id_token' && typeof document === 'string'
      ? tell().then(({ tellToken }) => tellToken(context, client, document))
      : undefined,
}

const inApi = lazy(() => import('./api.ts'))

const onPage = lazy(() => import('./page.ts'))

const page = defineEndpoint({
  name: 'lab_trouble',
  path: '/lab/trouble',
  advertised: false,
  page: true,
  exists: labExists,
  labMenu: {
    order: 70,
    icon: 'triangle-alert',
    title: 'Trouble',
    about: 'Tell one client something wrong, and see whether it notices.',
  },
  form: ownForm('lab_trouble'),
  get: async (call, context) => (await onPage()).show(call, context),
  post: async (call, context, { fields }) => (await onPage()).submit(call, context, fields),
})

const api = defineEndpoint({
  name: 'lab_trouble_api',
  path: '/lab/api/trouble',
  advertised: false,
  api: false,
  problems: true,
  exists: labExists,
  get: async (_call, context) => (await inApi()).show(context),
  post: async (call, context) => (await inApi()).add(call, context),
  delete: async (call, context) => (await inApi()).remove(call, context),
})

export const labTrouble = defineFeature({
  name: 'lab_trouble',
  when: ({ lab }) => lab,
  endpoints: [page, api],
  lab: { answers, modes },
  documentWrappers: [idToken],
})
