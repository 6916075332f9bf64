/** The clock of the lab: forward, back, stopped, by page, API and the header of a test. docs/lab.md, "Clock" */
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { labExists } from '../../http/lab_exists.ts'
import { set, show } from './change.ts'
import { atItsTime } from './header.ts'
import { clockPage } from './page.ts'

const api = defineEndpoint({
  name: 'lab_clock_api',
  path: '/lab/api/clock',
  advertised: false,
  api: false,
  problems: true,
  exists: labExists,
  get: (_call, context) => show(context),
  post: set,
})

export const labClock = defineFeature({
  name: 'lab_clock',
  when: ({ lab }) => lab,
  endpoints: [clockPage, api],
})

/** Apart, so that without the setting no answer has anything around it. */
export const labClockByHeader = defineFeature({
  name: 'lab_clock_header',
  when: ({ lab, labClockHeader }) => lab && labClockHeader,
  around: { answers: (_endpoint, answer) => atItsTime(answer) },
})
