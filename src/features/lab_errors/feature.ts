/** Errors that teach: each refusal has a page with what was expected, what came, the probable causes and how to mend them. docs/lab.md */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import type { AnsweredCall } from '../../contracts/sockets.ts'
import { labExists } from '../../http/lab_exists.ts'
import { lazy } from '../../lib/lazy.ts'
import { errorPath, errorsPath } from './paths.ts'

const name = 'lab_errors'

/** Loaded by the first request of a provider with LAB, and never without. */
const noting = lazy(() => import('./note.ts'))
const history = lazy(() => import('./history.ts'))
const onPage = lazy(() => import('./page.ts'))
const onList = lazy(() => import('./list.ts'))

/** Notes come in their order, and no answer waits for one. A page waits for `noting`: then all that was noted before it is there. */
function note(context: Context, write: (room: Awaited<ReturnType<typeof noting>>) => void): void {
  noting()
    .then(write)
    .catch((fault: Error) => context.log.debug('lab_error_not_kept', { problem: fault.message }))
}

/** Reads now what cannot be read once the connection is closed. */
function readConnection(call: Call): void {
  void call.address
  void call.request.headers
}

const pageOf = ({ requestId }: Call, { config }: Context): string =>
  `${config.issuer}${errorPath}?id=${encodeURIComponent(requestId)}`

/** An answer to a script of another origin, which has no header that lets the script read it. */
function isBlocked({ request }: Call, { config }: Context, { endpoint, response }: AnsweredCall): boolean {
  const origin = request.headers.get('origin')
  if (origin === null || origin === new URL(config.issuer).origin) return false
  const mode = request.headers.get('sec-fetch-mode')
  const isScript = mode === null ? request.method === 'OPTIONS' || endpoint?.page !== true : mode === 'cors'
  return isScript && !response.headers.has('access-control-allow-origin')
}

const ofLab = { advertised: false, page: true, exists: labExists, whateverTheClock: true } as const

const errorPage = defineEndpoint({
  ...ofLab,
  name: 'lab_error',
  path: errorPath,
  async get(call, context) {
    await noting()
    return (await onPage()).show(call, context)
  },
})

const errorsPage = defineEndpoint({
  ...ofLab,
  name,
  path: errorsPath,
  labMenu: {
    order: 20,
    icon: 'octagon-x',
    title: 'Errors',
    about: 'Requests that failed: what was expected, what came, the probable causes, and what to change.',
  },
  async get(_call, context) {
    await noting()
    return (await onList()).show(context)
  },
})

export const labErrors = defineFeature({
  name,
  when: ({ lab }) => lab,
  endpoints: [errorPage, errorsPage],
  lab: {
    /** In production a client sees what it sees without the lab. */
    refused(call, context, error) {
      readConnection(call)
      note(context, ({ noteRefused }) => noteRefused(call, context, error))
      return context.config.environment === 'production' ? undefined : pageOf(call, context)
    },
    async explains(context, requestId) {
      await noting()
      return (await onPage()).explain(context, requestId)
    },
    answered(call, context, answered) {
      if (!isBlocked(call, context, answered)) return
      readConnection(call)
      const { status } = answered.response
      note(context, ({ noteBlocked }) => noteBlocked(call, context, status))
    },
  },
  grantRules: [{ name, admit: async (grant, use) => (await history()).noteUse(grant, use) }],
  responseParameters: async (context, answered) => (await history()).noteIssued(context, answered),
})
