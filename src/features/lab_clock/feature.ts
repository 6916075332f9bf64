/** The clock of the lab: forward, back, stopped, by page, API and the header of a test. docs/lab.md, "Clock" */
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { labExists } from '../../http/lab_exists.ts'
import { set, show } from './change.ts'
import { atItsTime } from './header.ts'
import { clockPage } from './page.ts'

const env = defineEntries([
  {
    name: 'LAB_CLOCK_HEADER',
    schema: is.boolean,
    default: 'false',
    help: 'The header X-Lab-Clock of a request (+3600, or an ISO time) has that request answered at another time, for tests. Only in development, with LAB, from LAB_NETWORKS.',
  },
])

const takesHeader = (config: Config): boolean => featureConfig(config, 'lab_clock', env).labClockHeader

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
  env,
  when: ({ lab }) => lab,
  problems: (config) =>
    takesHeader(config) && config.environment === 'production'
      ? ['LAB_CLOCK_HEADER: expected false in production: a request with the header revives what has expired']
      : [],
  endpoints: [clockPage, api],
})

/** Apart, so that without the setting no answer has anything around it. */
export const labClockHeader = defineFeature({
  name: 'lab_clock_header',
  when: (config) => config.lab && takesHeader(config),
  around: { answers: (_endpoint, answer) => atItsTime(answer) },
})
