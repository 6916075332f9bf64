/** The playground: a client in the pages of the provider, which runs each flow step by step with real requests. docs/lab.md */
import { defineFeature } from '../../contracts/feature.ts'
import { labClientAnswer, labClientCallback } from './callback.ts'
import { labClientSource } from './clients.ts'
import { labClients } from './memory.ts'
import { labClientRun } from './run.ts'
import { labClientStart } from './start.ts'
import { backchannelTold, frontchannelTold } from './told.ts'

export const labClientFeature = defineFeature({
  name: 'lab_client',
  when: ({ lab }) => lab,
  endpoints: [
    labClientStart,
    labClientRun,
    labClientCallback,
    labClientAnswer,
    frontchannelTold,
    backchannelTold,
  ],
  clientSources: [labClientSource(labClients)],
})
