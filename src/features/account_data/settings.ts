/** The variables of account export and deletion. docs/configuration.md */
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Config } from '../../config.ts'

export const env = defineEntries([
  {
    name: 'ACCOUNT_DATA',
    realm: 'own_or_server',
    schema: is.someOf('export', 'delete'),
    default: 'export delete',
    help: 'What End-Users may do with the data that is kept about them. export: get a copy. delete: have it erased together with their account.',
  },
  {
    name: 'ACCOUNT_DELETION_GRACE',
    realm: 'own_or_server',
    schema: is.seconds(0, 31_536_000),
    default: '1209600',
    help: 'How long a deleted account can be restored by signing in again. Then it is erased.',
  },
])

export const settings = (config: Config) => featureConfig(config, 'account_data', env)

export const mayExport = (config: Config): boolean => settings(config).accountData.includes('export')
export const mayDelete = (config: Config): boolean => settings(config).accountData.includes('delete')
