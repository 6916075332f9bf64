/** Export of everything that is kept about an End-User, and deletion of the account, as pages and as an API for clients. https://www.rfc-editor.org/rfc/rfc9470 */
import { say } from '../../lib/say.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { dataPage, dataPath } from './data_page.ts'
import { deletedPage, deletePage } from './delete_page.ts'
import { erasing } from './deletion.ts'
import { keepPage, keepStep } from './keep_page.ts'
import { deleteEndpoint, deleteScope, exportEndpoint, exportScope } from './resources.ts'
import { env, mayDelete, mayExport } from './settings.ts'

/** Always on, also without `delete` in ACCOUNT_DATA: deletions requested before are still cancelled or carried out. */
const accountData = defineFeature({
  name: 'account_data',
  env,
  endpoints: [keepPage, deletedPage],
  loginSteps: [keepStep],
  jobs: [erasing],
})

const pages = defineFeature({
  name: 'account_data_page',
  when: (config) => mayExport(config) || mayDelete(config),
  endpoints: [dataPage],
  accountSections: [
    {
      name: 'data',
      path: dataPath,
      title: 'data.title',
      order: 90,
      icon: 'database',
    },
  ],
})

const dataExport = defineFeature({
  name: 'data_export',
  when: mayExport,
  endpoints: [exportEndpoint],
  claims: [
    { name: 'data_export', scopes: { [exportScope]: { claims: [], description: say('scope.data_export') } } },
  ],
})

const accountDeletion = defineFeature({
  name: 'account_deletion',
  when: mayDelete,
  endpoints: [deletePage, deleteEndpoint],
  claims: [
    {
      name: 'account_delete',
      scopes: { [deleteScope]: { claims: [], description: say('scope.account_delete') } },
    },
  ],
})

export const accountDataFeatures = [accountData, pages, dataExport, accountDeletion]
