/** Errors that teach: each refusal has a page with what was expected, what came, the probable causes and how to mend them. docs/lab.md */
import { defineFeature } from '../../contracts/feature.ts'
import { noteIssued, noteUse } from './history.ts'
import { errorsPage } from './list.ts'
import { noteBlocked, noteRefused } from './note.ts'
import { errorPage } from './page.ts'

const name = 'lab_errors'

export const labErrors = defineFeature({
  name,
  when: ({ lab }) => lab,
  endpoints: [errorPage, errorsPage],
  lab: { refused: noteRefused, answered: noteBlocked },
  grantRules: [{ name, admit: noteUse }],
  responseParameters: noteIssued,
})
