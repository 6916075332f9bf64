/** The flow recorder of the teaching lab: its pages and exports. What it shows is recorded by models/recording/. docs/lab.md, "Flows" */
import { defineFeature } from '../../contracts/feature.ts'
import { comparePage } from './compare.ts'
import { exportEndpoint } from './export.ts'
import { flowPage } from './flow.ts'
import { flowsLive, flowsPage } from './list.ts'

export const labRecorder = defineFeature({
  name: 'lab_recorder',
  when: ({ lab }) => lab,
  endpoints: [flowsPage, flowsLive, flowPage, comparePage, exportEndpoint],
})
