/** Classrooms: students join by a link, each gets a realm with a worksheet, and the teacher's board shows who has done which step. docs/classrooms.md */
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { ownForm } from '../../http/csrf.ts'
import { lazy } from '../../lib/lazy.ts'
import {
  boardLivePath,
  boardPath,
  boardPurpose,
  joinPath,
  joinPurpose,
  openPath,
  resultsPath,
} from './paths.ts'

/** Loaded by the first request of a classroom, and never without. */
const onJoin = lazy(() => import('./join.ts'))
const onBoard = lazy(() => import('./board.ts'))
const onActions = lazy(() => import('./actions.ts'))
const onResults = lazy(() => import('./results.ts'))

/** At the server itself, and in no realm. Who comes from where does not count: a code or a key decides. */
const exists = (_: Call, { realms }: Context): boolean => realms !== undefined

const ofClassroom = { advertised: false, api: false, exists } as const

const join = defineEndpoint({
  ...ofClassroom,
  name: 'classroom_join',
  path: joinPath,
  page: true,
  form: ownForm(joinPurpose),
  get: async (call, context) => (await onJoin()).show(call, context),
  post: async (call, context, { fields }) => (await onJoin()).submit(call, context, fields),
})

const board = defineEndpoint({
  ...ofClassroom,
  name: 'classroom_board',
  path: boardPath,
  page: true,
  form: ownForm(boardPurpose, ({ path }, { room = '' }) => `${path}?${new URLSearchParams({ room })}`),
  get: async (call, context) => (await onBoard()).show(call, context),
  post: async (call, context, { fields }) => (await onActions()).submit(call, context, fields),
})

const live = defineEndpoint({
  ...ofClassroom,
  name: 'classroom_board_live',
  path: boardLivePath,
  get: async (call, context) => (await onBoard()).live(call, context),
})

const open = defineEndpoint({
  ...ofClassroom,
  name: 'classroom_open',
  path: openPath,
  page: true,
  get: async (call, context) => (await onActions()).open(call, context),
})

const results = defineEndpoint({
  ...ofClassroom,
  name: 'classroom_results',
  path: resultsPath,
  page: true,
  get: async (call, context) => (await onResults()).send(call, context),
})

export const labClassroom = defineFeature({
  name: 'lab_classroom',
  when: ({ lab, realms }) => lab && realms,
  endpoints: [join, board, live, open, results],
})
